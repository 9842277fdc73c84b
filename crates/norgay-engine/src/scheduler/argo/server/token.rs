//! The token: where it comes from, and how it is kept out of everything that is shown.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use reqwest::header::HeaderValue;

use super::SetupError;

/// The variables that may hold a token, in the order in which they are asked.
pub const VARIABLES: [&str; 2] = ["ARGO_TOKEN", "api_exec_token"];

/// Where the token comes from.
#[derive(Clone)]
pub struct TokenSource(Origin);

#[derive(Clone)]
enum Origin {
    None,
    Given(String),
    File(PathBuf),
}

impl TokenSource {
    /// No token: for a server that lets everybody in.
    pub fn none() -> Self {
        Self(Origin::None)
    }

    /// This token, bare or with its scheme.
    pub fn given(token: impl Into<String>) -> Self {
        Self(Origin::Given(token.into()))
    }

    /// A file, which may get another token at any time.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Origin::File(path.into()))
    }

    /// The first variable of [`VARIABLES`] that holds something, else the file, else none.
    pub fn from_environment(file: Option<&Path>) -> Self {
        Self::choose(|name| std::env::var(name).ok(), file)
    }

    fn choose(variable: impl Fn(&str) -> Option<String>, file: Option<&Path>) -> Self {
        let told = VARIABLES.into_iter().filter_map(variable);
        match (told.into_iter().find(|text| !text.trim().is_empty()), file) {
            (Some(token), _) => Self::given(token),
            (None, Some(path)) => Self::file(path),
            (None, None) => Self::none(),
        }
    }

    fn read(&self) -> Result<Option<HeaderValue>, SetupError> {
        match &self.0 {
            Origin::None => Ok(None),
            Origin::Given(text) => header(text).map(Some),
            Origin::File(path) => {
                let text = fs::read_to_string(path).map_err(|error| SetupError::Token {
                    reason: format!("can't read {}: {error}", path.display()),
                })?;
                header(&text).map(Some).map_err(|error| match error {
                    SetupError::Token { reason } => SetupError::Token {
                        reason: format!("in {}: {reason}", path.display()),
                    },
                    other => other,
                })
            }
        }
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Origin::None => f.write_str("no token"),
            Origin::Given(_) => f.write_str("a token"),
            Origin::File(path) => write!(f, "the token in {}", path.display()),
        }
    }
}

/// The whole header: a token without a scheme is a bearer's.
fn header(text: &str) -> Result<HeaderValue, SetupError> {
    let text = text.trim();
    let wrong = |reason: &str| SetupError::Token {
        reason: reason.to_string(),
    };
    if text.is_empty() {
        return Err(wrong("it is empty"));
    }
    // The server knows the schemes only when they are written like this.
    let scheme = text
        .split_once(char::is_whitespace)
        .and_then(|(scheme, rest)| {
            let known = ["Bearer", "Basic"].into_iter();
            let mut same = known.filter(|name| name.eq_ignore_ascii_case(scheme));
            same.next().map(|name| (name, rest.trim_start()))
        });
    let (scheme, rest) = scheme.unwrap_or(("Bearer", text));
    let whole = format!("{scheme} {rest}");
    let mut value = HeaderValue::from_str(&whole)
        .map_err(|_| wrong("it holds characters that no token has, such as a line break"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The token in use.
pub(super) struct Token {
    source: TokenSource,
    current: Mutex<Option<HeaderValue>>,
}

impl Token {
    /// Reads the token for the first time.
    pub fn new(source: TokenSource) -> Result<Self, SetupError> {
        let current = Mutex::new(source.read()?);
        Ok(Self { source, current })
    }

    /// The header to send.
    pub fn header(&self) -> Option<HeaderValue> {
        self.current().clone()
    }

    /// Reads it anew.
    pub fn reload(&self) -> Result<(), SetupError> {
        let fresh = self.source.read()?;
        *self.current() = fresh;
        Ok(())
    }

    fn current(&self) -> std::sync::MutexGuard<'_, Option<HeaderValue>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(text: &str) -> String {
        let value = header(text).expect("a token");
        value.to_str().expect("plain text").to_string()
    }

    #[test]
    fn cs_101_a_bare_token_is_a_bearers_and_a_scheme_is_kept() {
        assert_eq!(sent(" abc.def\n"), "Bearer abc.def");
        assert_eq!(sent("Bearer abc"), "Bearer abc");
        assert_eq!(sent("Bearer v2:abc"), "Bearer v2:abc");
        assert_eq!(sent("v2:abc"), "Bearer v2:abc");
        assert_eq!(sent("basic dTpw"), "Basic dTpw");
        assert_eq!(sent("bearer  abc"), "Bearer abc");
        assert!(header(" \n").is_err());
        assert!(header("a\nb").is_err());
    }

    #[test]
    fn cs_101_variables_come_before_the_file_and_empty_ones_do_not_count() {
        let file = Path::new("/run/token");
        let choose = |set: &'static [(&str, &str)], file| {
            let variable = |name: &str| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_string())
            };
            TokenSource::choose(variable, file).0
        };
        let both: &[_] = &[("ARGO_TOKEN", "first"), ("api_exec_token", "second")];
        assert!(matches!(choose(both, Some(file)), Origin::Given(text) if text == "first"));
        let old: &[_] = &[("ARGO_TOKEN", " "), ("api_exec_token", "second")];
        assert!(matches!(choose(old, Some(file)), Origin::Given(text) if text == "second"));
        assert!(matches!(choose(&[], Some(file)), Origin::File(path) if path == file));
        assert!(matches!(choose(&[], None), Origin::None));
    }

    #[test]
    fn nothing_shows_the_token() {
        let source = TokenSource::given("secret");
        let token = Token::new(source.clone()).expect("a token");
        let shown = format!("{source:?} {token:?} {:?}", token.header());
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn a_file_is_read_again_when_asked_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        assert!(Token::new(TokenSource::file(&path)).is_err());
        fs::write(&path, "one\n").expect("written");
        let token = Token::new(TokenSource::file(&path)).expect("a token");
        fs::write(&path, "two\n").expect("written");
        token.reload().expect("read");
        assert_eq!(token.header().expect("a token"), "Bearer two");
    }
}
