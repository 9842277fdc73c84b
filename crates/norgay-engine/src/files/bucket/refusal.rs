//! What a bucket refused, in plain words and with what to do about it.

use std::error::Error;
use std::fmt;

use object_store::Error as StoreError;
use object_store::client::{HttpError, HttpErrorKind};

use super::super::location::Provider;
use super::Bucket;

/// Longest message of a server that is repeated.
const LONGEST_MESSAGE: usize = 300;

/// How the library tells a redirection that names no other place.
const REDIRECT: &str = "Received redirect without LOCATION";

/// Why a bucket refused, by what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The server can't be reached, or is busy: later it may work.
    Passing,
    /// Nothing changes until somebody mends something.
    Lasting,
}

/// A bucket's refusal. Holds no key, signature or signed URL.
#[derive(Debug)]
pub(in super::super) struct Refusal {
    text: String,
    kind: Kind,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Error for Refusal {}

impl Refusal {
    /// What the storage said when this was tried.
    pub(in super::super) fn of(action: &str, bucket: &Bucket, error: &StoreError) -> Self {
        if is_of_signing_in(bucket, error) {
            return not_signed_in(bucket, error);
        }
        if let Some(answer) = Answer::of(error) {
            return answer.refusal(action, bucket);
        }
        if let Some(http) = cause::<HttpError>(error) {
            return unanswered(bucket, http);
        }
        let text = match error {
            StoreError::Generic { source, .. } => source.to_string(),
            other => other.to_string(),
        };
        Self::lasting(shortened(&text))
    }

    /// Whether it may work later without anybody's doing.
    pub(in super::super) fn is_passing(&self) -> bool {
        self.kind == Kind::Passing
    }

    fn lasting(text: String) -> Self {
        let kind = Kind::Lasting;
        Self { text, kind }
    }

    fn passing(text: String) -> Self {
        let kind = Kind::Passing;
        Self { text, kind }
    }
}

/// Whether the answer says that the bucket itself is missing.
pub(in super::super) fn names_missing_bucket(error: &StoreError) -> bool {
    Answer::of(error).is_some_and(|answer| answer.is_missing_bucket())
}

/// Whether the answer says that the server does not know this kind of request.
pub(in super::super) fn names_unknown_request(error: &StoreError) -> bool {
    Answer::of(error).is_some_and(|answer| answer.status == 501 || answer.code == "NotImplemented")
}

/// What a server answered.
struct Answer {
    status: u16,
    code: String,
    message: String,
}

impl Answer {
    /// Taken from the library's words, since it keeps status and body to itself.
    fn of(error: &StoreError) -> Option<Self> {
        let words = chain(error)
            .map(ToString::to_string)
            .find(|words| words.starts_with("Server returned ") || words.starts_with(REDIRECT))?;
        if words.starts_with(REDIRECT) {
            let (code, message) = (String::new(), String::new());
            return Some(Self {
                status: 301,
                code,
                message,
            });
        }
        let rest = match words.split_once("status code: ") {
            Some((_, rest)) => rest,
            None => words.split_once("error response: ")?.1,
        };
        let status = rest.get(..3).and_then(|digits| digits.parse().ok());
        Some(Self {
            status: status.unwrap_or(200),
            code: element(rest, "Code").unwrap_or_default(),
            message: element(rest, "Message").unwrap_or_default(),
        })
    }

    fn is_missing_bucket(&self) -> bool {
        matches!(self.code.as_str(), "NoSuchBucket" | "ContainerNotFound")
            || (self.code == "NotFound" && self.message.contains("bucket"))
    }

    fn refusal(&self, action: &str, bucket: &Bucket) -> Refusal {
        let said = self.said();
        let name = &bucket.name;
        let text = match (self.status, self.code.as_str()) {
            _ if self.is_missing_bucket() => format!(
                "there is no bucket '{name}' at {}: create it, or mend its name ({said})",
                bucket.endpoint
            ),
            (_, "InvalidAccessKeyId" | "NotSignedUp" | "SignatureDoesNotMatch") => {
                format!("{said}; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
            }
            (_, "ExpiredToken" | "InvalidToken" | "TokenRefreshRequired") => {
                format!("{said}; get new credentials: the AWS_SESSION_TOKEN is no longer valid")
            }
            (_, "RequestTimeTooSkewed" | "RequestExpired") => {
                format!("{said}; set this machine's clock (as with NTP)")
            }
            (301, _) | (_, "PermanentRedirect" | "AuthorizationHeaderMalformed") => {
                format!("{said}; the bucket is in another region: set AWS_REGION to it")
            }
            // Nothing need be there for writing and listing but the bucket.
            (404, _) if matches!(action, "write" | "list") => format!(
                "there is no bucket '{name}' at {}: create it, or mend its name ({said})",
                bucket.endpoint
            ),
            (401 | 403, _) => format!("{said}; {}", permission(action, bucket.provider)),
            (408 | 429 | 500.., _) => return Refusal::passing(said),
            _ => said,
        };
        Refusal::lasting(text)
    }

    fn said(&self) -> String {
        let mut said = format!("the server answered {}", self.status);
        if !self.code.is_empty() {
            said = format!("{said} {}", self.code);
        }
        if !self.message.is_empty() {
            said = format!("{said}: {}", shortened(&self.message));
        }
        said
    }
}

/// Which permission the credentials lack.
fn permission(action: &str, provider: Provider) -> String {
    let (amazon, google) = match action {
        "read" | "find" => (
            "s3:GetObject (and s3:ListBucket: without it an absent file looks forbidden)",
            "storage.objects.get",
        ),
        "write" => ("s3:PutObject", "storage.objects.create and .delete"),
        "list" => ("s3:ListBucket", "storage.objects.list"),
        _ => ("s3:DeleteObject", "storage.objects.delete"),
    };
    match provider {
        Provider::Amazon => format!("the credentials need the permission {amazon}"),
        Provider::Google => format!("the credentials need the permission {google}"),
        Provider::Azure => {
            "the credentials need the role Storage Blob Data Contributor, or a token that allows \
             this"
                .to_string()
        }
    }
}

/// Whether the request that failed was one for credentials, which goes to another server.
fn is_of_signing_in(bucket: &Bucket, error: &StoreError) -> bool {
    let host = bucket.endpoint.split_once("://");
    let host = host.map_or(bucket.endpoint.as_str(), |(_, host)| host);
    chain(error).any(|cause| {
        let words = cause.to_string();
        if bucket.provider != Provider::Amazon {
            return words.starts_with("Error performing token request");
        }
        // As in 'Error performing GET http://host/path in 3ms - ...'.
        let asked = words
            .strip_prefix("Error performing ")
            .map(|rest| rest.split(' ').take(2).collect::<Vec<_>>());
        match asked.as_deref() {
            Some([_, "REDACTED"]) => true,
            Some([_, url]) => url.contains("://") && !url.contains(host),
            _ => false,
        }
    })
}

fn not_signed_in(bucket: &Bucket, error: &StoreError) -> Refusal {
    let (said, is_passing) = match Answer::of(error) {
        Some(answer) => (answer.said(), answer.status >= 500),
        None => {
            let root = chain(error).last().map(ToString::to_string);
            (shortened(&root.unwrap_or_default()), true)
        }
    };
    let check = match bucket.provider {
        Provider::Amazon => {
            "check AWS_ROLE_ARN, the token in AWS_WEB_IDENTITY_TOKEN_FILE, or the role of this \
             machine"
        }
        Provider::Google => "check GOOGLE_APPLICATION_CREDENTIALS",
        Provider::Azure => "check AZURE_CLIENT_ID, AZURE_CLIENT_SECRET and AZURE_TENANT_ID",
    };
    let text = format!("signing in failed: {said}; {check}");
    if is_passing {
        Refusal::passing(text)
    } else {
        Refusal::lasting(text)
    }
}

/// The server did not answer, or not to the end.
fn unanswered(bucket: &Bucket, error: &HttpError) -> Refusal {
    let root = chain(error).last().map(ToString::to_string);
    let root = shortened(&root.unwrap_or_default());
    let endpoint = &bucket.endpoint;
    let check = match bucket.provider {
        Provider::Amazon => "check S3_ENDPOINT or AWS_ENDPOINT_URL, and the network",
        Provider::Google | Provider::Azure => "check the network",
    };
    if root.contains("certificate") {
        return Refusal::lasting(format!(
            "the certificate of {endpoint} is not trusted ({root}); name the file of its \
             authority in AWS_CA_BUNDLE"
        ));
    }
    Refusal::passing(match error.kind() {
        HttpErrorKind::Connect => format!("can't connect to {endpoint}: {root}; {check}"),
        HttpErrorKind::Timeout => format!("{endpoint} did not answer in time; {check}"),
        _ => format!("the connection to {endpoint} broke off: {root}; {check}"),
    })
}

/// An error and what caused it.
fn chain<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> + use<'a> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| {
        (*error).source()
    })
}

fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    chain(error).find_map(|error| error.downcast_ref::<E>())
}

/// The text of an XML element that holds only text.
fn element(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (inner, _) = rest.split_once(&format!("</{name}>"))?;
    let plain = inner
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&");
    Some(plain)
}

/// One line of bounded length.
fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}
