//! Where a folder is: what users write for it, and what is meant.

use std::path::{Component, Path, PathBuf};

use url::Url;

use super::error::FilesError;
use super::path;

/// A folder's place. A closed set: each kind of place needs its own way of signing in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A folder of this machine, absolute; it need not exist yet.
    Folder(PathBuf),
    /// A folder in an object storage.
    Bucket(BucketUrl),
}

/// Whose kind of object storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Amazon S3, and all that speak like it.
    Amazon,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

/// A folder in a bucket, as in `s3://bucket/some/folder`.
///
/// Characters mean themselves: `%20` is no space, so that any folder's name can be written, and
/// what is shown to users and trials is what they wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketUrl {
    provider: Provider,
    scheme: String,
    authority: String,
    prefix: String,
}

impl BucketUrl {
    /// Whose storage it is.
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// The name of the bucket (for Azure: the container).
    pub fn bucket(&self) -> &str {
        let authority = self.authority.as_str();
        authority
            .split_once('@')
            .map_or(authority, |(user, _)| user)
    }

    /// The folder within the bucket, without slashes around it; empty for the whole bucket.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The URL of the bucket itself.
    pub(super) fn root(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    fn parse(text: &str, scheme: &str, provider: Provider) -> Result<Self, FilesError> {
        let scheme = scheme.to_ascii_lowercase();
        let rest = text.split_once("://").map_or("", |(_, rest)| rest);
        let (authority, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        // What may hold a secret is not repeated.
        let hidden = |problem: &str| FilesError::Location {
            location: format!("{scheme}://..."),
            problem: problem.into(),
        };
        let user = authority.split_once('@').map(|(user, _)| user);
        if authority.contains(':') || (user.is_some() && provider != Provider::Azure) {
            return Err(hidden(
                "credentials and ports have no place in such a URL; credentials come from the \
                 environment (as AWS_ACCESS_KEY_ID), the endpoint from S3_ENDPOINT or \
                 AWS_ENDPOINT_URL",
            ));
        }
        if rest.contains(['?', '#']) {
            return Err(hidden("it must not hold '?' or '#'"));
        }
        let refuse = |problem: String| FilesError::Location {
            location: text.to_string(),
            problem,
        };
        let name = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
        if authority.is_empty() || user.is_some_and(str::is_empty) {
            let problem = format!("it names no bucket; write it as in {scheme}://bucket/folder");
            return Err(refuse(problem));
        }
        if !authority.chars().all(name) {
            return Err(refuse(format!("'{authority}' is no name of a bucket")));
        }
        path::segments(prefix).map_err(refuse)?;
        Ok(Self {
            provider,
            authority: authority.to_string(),
            prefix: prefix.trim_end_matches('/').to_string(),
            scheme,
        })
    }
}

impl std::fmt::Display for BucketUrl {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.root())?;
        if self.prefix.is_empty() {
            return Ok(());
        }
        write!(formatter, "/{}", self.prefix)
    }
}

/// Whose storage a scheme means.
fn provider(scheme: &str) -> Option<Provider> {
    match scheme.to_ascii_lowercase().as_str() {
        "s3" | "s3a" => Some(Provider::Amazon),
        "gs" => Some(Provider::Google),
        "az" | "azure" | "adl" | "abfs" | "abfss" => Some(Provider::Azure),
        _ => None,
    }
}

impl Location {
    /// The place that a text names: a path (relative ones start at `relative_to`) or a URL.
    ///
    /// A `%` in a path is a character like any other; only in URLs it starts an escape.
    pub fn parse(text: &str, relative_to: &Path) -> Result<Self, FilesError> {
        let refuse = |problem: String| FilesError::Location {
            location: text.to_string(),
            problem,
        };
        if text.trim().is_empty() {
            return Err(refuse("it is empty; give the path of a folder".into()));
        }
        if let Some(scheme) = scheme(text)
            && let Some(provider) = provider(scheme)
        {
            return BucketUrl::parse(text.trim(), scheme, provider).map(Self::Bucket);
        }
        let written = match scheme(text) {
            Some("file") => folder_of_url(text).map_err(refuse)?,
            Some(scheme) => {
                // The rest is not repeated: it may hold a secret.
                return Err(FilesError::Scheme {
                    scheme: scheme.to_string(),
                });
            }
            None => PathBuf::from(text),
        };
        let absolute = std::path::absolute(relative_to.join(written))
            .map_err(|error| refuse(error.to_string()))?;
        Ok(Self::Folder(settled(&absolute)))
    }
}

impl Location {
    /// The place that this one is in, and its name there; the name is empty if it is in none.
    pub(super) fn split(self) -> (Self, String) {
        match self {
            Self::Folder(path) => {
                let name = path.file_name().and_then(|name| name.to_str());
                match (path.parent(), name) {
                    (Some(parent), Some(name)) => {
                        (Self::Folder(parent.to_path_buf()), name.to_string())
                    }
                    _ => (Self::Folder(path), String::new()),
                }
            }
            Self::Bucket(url) => {
                let prefix = url.prefix.as_str();
                let (parent, name) = prefix.rsplit_once('/').unwrap_or(("", prefix));
                let (prefix, name) = (parent.to_string(), name.to_string());
                (Self::Bucket(BucketUrl { prefix, ..url }), name)
            }
        }
    }
}

/// The scheme of a URL; `None` for a path.
fn scheme(text: &str) -> Option<&str> {
    if text
        .get(..6)
        .is_some_and(|start| start.eq_ignore_ascii_case("file:/"))
    {
        return Some("file");
    }
    let (scheme, _) = text.split_once("://")?;
    let letters = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    (scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(letters))
        .then_some(scheme)
}

fn folder_of_url(text: &str) -> Result<PathBuf, String> {
    let url = Url::parse(text).map_err(|error| format!("it is not a URL ({error})"))?;
    // Silently cut off, these would lead to another folder.
    if url.query().is_some() || url.fragment().is_some() {
        return Err("in a file:// URL write '?' as %3F and '#' as %23".into());
    }
    url.to_file_path().map_err(|()| {
        "a file:// URL names a folder of this machine, as in file:///data/runs".into()
    })
}

/// The path without `.`, `..` and symbolic links, as far as it exists.
///
/// `..` is taken after links are resolved, as the system does it.
fn settled(path: &Path) -> PathBuf {
    let mut settled = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                settled.pop();
            }
            other => {
                settled.push(other);
                if let Ok(real) = settled.canonicalize() {
                    settled = real;
                }
            }
        }
    }
    settled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(text: &str, relative_to: &Path) -> PathBuf {
        match Location::parse(text, relative_to).expect("a location") {
            Location::Folder(path) => path,
            Location::Bucket(url) => panic!("{url} is no folder"),
        }
    }

    #[test]
    fn a_relative_path_starts_at_the_given_folder() {
        let base = Path::new("/nonexistent/base");
        assert_eq!(folder("runs/a b#%20", base), base.join("runs/a b#%20"));
        assert_eq!(folder("../x/./y", base), Path::new("/nonexistent/x/y"));
        assert_eq!(folder("/abs", base), Path::new("/abs"));
    }

    #[test]
    fn cs_113_a_file_url_is_decoded() {
        let base = Path::new("/nonexistent");
        assert_eq!(
            folder("file:///nonexistent/a%20b%23c", base),
            base.join("a b#c")
        );
        assert_eq!(folder("file:/nonexistent/x", base), base.join("x"));
        assert_eq!(
            folder("file://localhost/nonexistent/x", base),
            base.join("x")
        );
    }

    #[test]
    fn other_schemes_are_refused_by_name() {
        let base = Path::new("/");
        for text in ["https://user:secret@host/x", "hdfs://b", "FTP://b"] {
            let message = Location::parse(text, base)
                .expect_err("refused")
                .to_string();
            let scheme = text.split(':').next().expect("a scheme");
            assert!(message.contains(&format!("{scheme}://")), "{message}");
            for known in ["s3://", "gs://", "az://", "abfss://", "file://"] {
                assert!(message.contains(known), "{message}");
            }
            assert!(!message.contains("secret"), "{message}");
        }
        assert!(Location::parse("file://host/x", base).is_err());
        assert!(Location::parse("file:///x#1", base).is_err());
        assert!(Location::parse("file:///x?y", base).is_err());
        assert!(Location::parse("", base).is_err());
        assert!(Location::parse(" ", base).is_err());
    }

    fn bucket(text: &str) -> BucketUrl {
        match Location::parse(text, Path::new("/")).expect("a location") {
            Location::Bucket(url) => url,
            Location::Folder(path) => panic!("{} is no bucket", path.display()),
        }
    }

    #[test]
    fn a_url_names_bucket_and_folder_as_written() {
        let url = bucket("s3://factory-bucket/moulding/out put%20/ä+/");
        assert_eq!(url.provider(), Provider::Amazon);
        assert_eq!(url.bucket(), "factory-bucket");
        assert_eq!(url.prefix(), "moulding/out put%20/ä+");
        assert_eq!(
            url.to_string(),
            "s3://factory-bucket/moulding/out put%20/ä+"
        );
        for (text, provider, bucket_name) in [
            ("s3://b", Provider::Amazon, "b"),
            ("S3A://b/", Provider::Amazon, "b"),
            ("gs://b/x", Provider::Google, "b"),
            ("az://b/x", Provider::Azure, "b"),
            ("abfs://b/x", Provider::Azure, "b"),
            (
                "abfss://b@account.dfs.core.windows.net/x",
                Provider::Azure,
                "b",
            ),
        ] {
            let url = bucket(text);
            assert_eq!((url.provider(), url.bucket()), (provider, bucket_name));
        }
    }

    #[test]
    fn a_url_holds_no_secret_and_its_refusal_repeats_none() {
        for text in [
            "s3://SECRET@bucket/x",
            "s3://user:SECRET@bucket/x",
            "s3://user:SEC/RET@bucket/x",
            "s3://bucket/x?X-Amz-Signature=SECRET",
            "az://bucket/x?sig=SECRET",
            "s3://bucket/x#SECRET",
            "abfss://b:SECRET@account.dfs.core.windows.net/x",
        ] {
            let message = Location::parse(text, Path::new("/"))
                .expect_err("refused")
                .to_string();
            assert!(!message.contains("SEC"), "{message}");
        }
    }

    #[test]
    fn a_url_without_a_plain_bucket_and_folder_is_refused() {
        for text in [
            "s3://",
            "s3:///x",
            "s3://b//x",
            "s3://b/x//",
            "s3://b/../x",
            "s3://b/./x",
            "s3://b c/x",
            "s3://b:9000/x",
            "s3://%62/x",
            "abfss://@account/x",
        ] {
            assert!(Location::parse(text, Path::new("/")).is_err(), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn parents_are_taken_after_links() {
        let base = tempfile::tempdir().expect("a folder");
        let real = base.path().canonicalize().expect("a path");
        std::fs::create_dir_all(real.join("deep/er")).expect("made");
        std::os::unix::fs::symlink(real.join("deep/er"), real.join("link")).expect("made");
        assert_eq!(folder("link/../new", &real), real.join("deep/new"));
    }
}
