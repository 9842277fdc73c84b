//! Where a folder is: what users write for it, and what is meant.

use std::path::{Component, Path, PathBuf};

use url::Url;

use super::error::FilesError;

/// A folder's place. A closed set: each kind of place needs its own way of signing in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A folder of this machine, absolute; it need not exist yet.
    Folder(PathBuf),
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
        let written = match scheme(text) {
            Some("file") => folder_of_url(text).map_err(refuse)?,
            Some(scheme) => {
                return Err(FilesError::Scheme {
                    location: text.to_string(),
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
        let Location::Folder(path) = Location::parse(text, relative_to).expect("a folder");
        path
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
        for text in ["s3://bucket/x", "gs://b", "https://host/x", "S3://b"] {
            let message = Location::parse(text, base)
                .expect_err("refused")
                .to_string();
            let scheme = text.split(':').next().expect("a scheme");
            assert!(
                message.contains(&format!("{scheme}:// is not supported")),
                "{message}"
            );
            assert!(message.contains("file://"), "{message}");
        }
        assert!(Location::parse("file://host/x", base).is_err());
        assert!(Location::parse("file:///x#1", base).is_err());
        assert!(Location::parse("file:///x?y", base).is_err());
        assert!(Location::parse("", base).is_err());
        assert!(Location::parse(" ", base).is_err());
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
