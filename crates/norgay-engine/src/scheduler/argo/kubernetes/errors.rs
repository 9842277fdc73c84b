//! What answers and failures mean.

use std::error::Error as StdError;
use std::time::Duration;

use http::HeaderMap;
use kube::client::AuthError;
use kube::core::Status;

use crate::scheduler::argo::api::ApiError;
use crate::scheduler::argo::wire::http_date_ms;

/// Most characters of a foreign text in a message.
const LONGEST_QUOTE: usize = 500;

/// What the API answered.
pub(super) struct Answer {
    /// HTTP status.
    pub(super) status: u16,
    /// How long to wait before the next request.
    pub(super) retry_after: Option<Duration>,
    /// The server's time, Unix milliseconds.
    pub(super) date_ms: Option<i64>,
    /// The whole body.
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn new(status: u16, headers: &HeaderMap, body: Vec<u8>) -> Self {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        Self {
            status,
            retry_after: text("retry-after")
                .and_then(|s| s.parse().ok())
                .map(Duration::from_secs),
            date_ms: text("date").and_then(http_date_ms),
            body,
        }
    }

    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the one object that was asked for is not there. If a whole kind of objects or the
    /// namespace is missing, this is false.
    pub(super) fn is_absent(&self) -> bool {
        let told = self.told();
        let of_namespace = told
            .details
            .is_some_and(|details| details.kind == "namespaces");
        self.status == 404 && told.reason == "NotFound" && !of_namespace
    }

    fn told(&self) -> Status {
        serde_json::from_slice(&self.body)
            .ok()
            .filter(|told: &Status| !told.message.is_empty() || !told.reason.is_empty())
            .unwrap_or_else(|| Status::failure(String::from_utf8_lossy(&self.body).trim(), ""))
    }
}

/// What an answer that is no success means for a call about the workflow of this name.
pub(super) fn refusal(server: &str, name: &str, answer: &Answer) -> ApiError {
    let told = answer.told();
    classify(server, name, answer.status, &told, answer.retry_after)
}

/// What it means that a request brought no answer, or a stream ended in an error.
pub(super) fn failure(server: &str, error: &kube::Error) -> ApiError {
    match error {
        kube::Error::Api(status) => told_in_stream(server, status),
        other => unavailable(server, cause(other)),
    }
}

/// What a status means that came in place of an event.
pub(super) fn told_in_stream(server: &str, status: &Status) -> ApiError {
    let seconds = status
        .details
        .as_ref()
        .map_or(0, |details| details.retry_after_seconds);
    let retry_after = (seconds > 0).then(|| Duration::from_secs(u64::from(seconds)));
    classify(server, "", status.code, status, retry_after)
}

/// An answer that is not what it should be, such as the page of a proxy.
pub(super) fn unreadable(server: &str, error: &serde_json::Error) -> ApiError {
    unavailable(server, format!("its answer can't be read: {error}"))
}

fn unavailable(server: &str, message: String) -> ApiError {
    ApiError::Unavailable {
        server: server.to_string(),
        message,
    }
}

fn classify(
    server: &str,
    name: &str,
    code: u16,
    told: &Status,
    retry_after: Option<Duration>,
) -> ApiError {
    let server = server.to_string();
    let message = quote(code, &told.message);
    // Comes with various codes, and would come again.
    if told.message.contains("request is too large") {
        return ApiError::Invalid { server, message };
    }
    match code {
        401 => ApiError::Unauthorized { server, message },
        // Room in a quota comes back when workflows end.
        403 if told.message.contains("exceeded quota") => ApiError::Busy {
            server,
            retry_after,
        },
        403 => ApiError::Forbidden { server, message },
        404 if told.reason != "NotFound" => ApiError::Invalid {
            server,
            message: format!("{message}; is Argo Workflows installed in this cluster?"),
        },
        409 if told.reason != "Conflict" => ApiError::NameTaken {
            name: name.to_string(),
        },
        429 => ApiError::Busy {
            server,
            retry_after,
        },
        400..=499 if !may_differ_next_time(code, told) => ApiError::Invalid { server, message },
        _ => ApiError::Unavailable { server, message },
    }
}

/// Time-outs, lost races, old versions; and pages of something in between that is no Kubernetes.
fn may_differ_next_time(code: u16, told: &Status) -> bool {
    matches!(code, 408..=410) || told.message.starts_with('<')
}

fn quote(code: u16, message: &str) -> String {
    if message.is_empty() {
        return format!("HTTP status {code}");
    }
    message.chars().take(LONGEST_QUOTE).collect()
}

/// The innermost reason of an error, in words that hold no secret.
pub(super) fn cause(error: &(dyn StdError + 'static)) -> String {
    let mut innermost = error;
    loop {
        // The output of a login command may hold the token.
        if let Some(AuthError::AuthExecRun { cmd, out }) = innermost.downcast_ref() {
            return format!(
                "the login command `{}` failed with {}",
                program(cmd),
                out.status
            );
        }
        if let Some(AuthError::AuthExecParse(_)) = innermost.downcast_ref() {
            return "the login command wrote something else than a credential".to_string();
        }
        match innermost.source() {
            Some(source) => innermost = source,
            None => return innermost.to_string(),
        }
    }
}

/// The first word of a command; its arguments may be secret.
fn program(command: &str) -> &str {
    command
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, reason: &str, message: &str) -> Answer {
        let body = serde_json::json!({"kind": "Status", "reason": reason, "message": message});
        let body = body.to_string().into_bytes();
        Answer {
            status,
            retry_after: None,
            date_ms: None,
            body,
        }
    }

    fn meaning(status: u16, reason: &str, message: &str) -> ApiError {
        refusal("it", "w", &answer(status, reason, message))
    }

    #[test]
    fn refusals_are_told_apart_from_what_may_pass() {
        assert!(matches!(
            meaning(401, "Unauthorized", "no"),
            ApiError::Unauthorized { .. }
        ));
        assert!(matches!(
            meaning(403, "Forbidden", "no"),
            ApiError::Forbidden { .. }
        ));
        for code in [408, 410, 500, 502, 503, 504, 302, 100] {
            assert!(meaning(code, "", "").may_pass(), "{code}");
        }
        for code in [400, 405, 413, 415, 422] {
            assert!(
                matches!(meaning(code, "", "no"), ApiError::Invalid { .. }),
                "{code}"
            );
        }
    }

    #[test]
    fn a_name_is_taken_but_a_lost_race_is_tried_again() {
        assert_eq!(
            meaning(409, "AlreadyExists", "is there"),
            ApiError::NameTaken { name: "w".into() }
        );
        assert!(meaning(409, "Conflict", "the object has been modified").may_pass());
    }

    #[test]
    fn too_large_requests_are_not_sent_again_whatever_the_code_says() {
        for code in [413, 500] {
            let meaning = meaning(code, "", "etcdserver: request is too large");
            assert!(matches!(meaning, ApiError::Invalid { .. }), "{code}");
        }
    }

    #[test]
    fn a_full_quota_is_no_refusal_because_room_comes_back() {
        let message = "workflows \"w\" is forbidden: exceeded quota: few";
        assert!(matches!(
            meaning(403, "Forbidden", message),
            ApiError::Busy { .. }
        ));
    }

    #[test]
    fn waiting_times_are_passed_on() {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", http::HeaderValue::from_static("7"));
        let answer = Answer::new(429, &headers, b"Too many requests".to_vec());
        let expected = ApiError::Busy {
            server: "it".into(),
            retry_after: Some(Duration::from_secs(7)),
        };
        assert_eq!(refusal("it", "w", &answer), expected);
    }

    #[test]
    fn a_missing_object_is_not_a_missing_kind_or_namespace() {
        assert!(answer(404, "NotFound", "workflows \"w\" not found").is_absent());
        let mut namespace = answer(404, "NotFound", "namespaces \"n\" not found");
        namespace.body =
            br#"{"reason": "NotFound", "message": "x", "details": {"kind": "namespaces"}}"#
                .to_vec();
        assert!(!namespace.is_absent());
        assert!(matches!(
            refusal("it", "w", &namespace),
            ApiError::Invalid { .. }
        ));
        let mut kind = answer(404, "", "");
        kind.body = b"404 page not found\n".to_vec();
        assert!(!kind.is_absent());
        assert!(
            refusal("it", "w", &kind)
                .to_string()
                .contains("is Argo Workflows installed")
        );
    }

    #[test]
    fn the_page_of_a_proxy_says_nothing_about_the_request() {
        let mut page = answer(400, "", "");
        page.body = b"<html>Bad gateway</html>".to_vec();
        assert!(refusal("it", "w", &page).may_pass());
    }

    #[test]
    fn what_a_login_command_wrote_is_not_quoted() {
        let out = std::process::Output {
            status: std::process::ExitStatus::default(),
            stdout: b"sesame".to_vec(),
            stderr: Vec::new(),
        };
        let error = AuthError::AuthExecRun {
            cmd: "\"aws\" \"sesame\"".into(),
            out: Box::new(out),
        };
        let text = cause(&kube::Error::Auth(error));
        assert!(text.contains("`aws`") && !text.contains("sesame"), "{text}");
    }
}
