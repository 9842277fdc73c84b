//! What an answer other than 200 means.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use serde::Deserialize;

use super::super::api::ApiError;
use super::super::wire::http_date_ms;
use super::event_stream::EventStream;

/// The longest message that is kept of an answer.
const MESSAGE_LIMIT: usize = 2000;

/// gRPC's numbers for what the gateway passes on.
mod code {
    pub const ALREADY_EXISTS: i64 = 6;
    pub const PERMISSION_DENIED: i64 = 7;
    pub const RESOURCE_EXHAUSTED: i64 = 8;
    pub const UNAUTHENTICATED: i64 = 16;
}

/// An answer other than 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The gateway's code; `None` if it was not the gateway that answered.
    pub code: Option<i64>,
    /// The message, with some context if it was not the gateway's.
    pub message: String,
    /// How long to wait.
    pub retry_after: Option<Duration>,
}

/// What was asked for: the same answer does not mean the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked<'a> {
    /// To start the workflow of this name.
    Submit(&'a str),
    /// Anything else.
    Other,
}

#[derive(Deserialize)]
struct GatewayError {
    #[serde(alias = "grpc_code")]
    code: i64,
    #[serde(default)]
    message: Option<String>,
}

/// How streams tell errors, those before their first event included.
#[derive(Deserialize)]
struct InStream {
    error: GatewayError,
}

/// An error inside of a stream, after its 200.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StreamError {
    grpc_code: i64,
    http_code: u16,
    message: String,
}

impl Refusal {
    /// Reads an answer.
    pub fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let told = gateway_error(body);
        let message = match &told {
            Some(error) => error.message.clone().unwrap_or_default(),
            None => foreign_message(status, headers),
        };
        Self {
            status: status.as_u16(),
            code: told.map(|error| error.code),
            message: shortened(&message),
            retry_after: retry_after(headers),
        }
    }

    /// Whether there is nothing of this name, in the words of the gateway.
    pub fn is_not_found(&self) -> bool {
        self.status == 404 && self.code.is_some()
    }

    /// Whether a workflow was to be ended that has ended.
    pub fn is_ended_already(&self) -> bool {
        self.message.contains("shutdown a completed workflow")
    }

    /// The error that it is for the caller.
    pub fn into_error(self, server: &str, asked: Asked) -> ApiError {
        let (server, message) = (server.to_string(), self.message);
        let invalid = |server, message| ApiError::Invalid { server, message };
        let unavailable = |server, message| ApiError::Unavailable { server, message };
        let is_too_large = ["request is too large", "Request entity too large"]
            .iter()
            .any(|words| message.contains(words));
        if self.status == 413 || is_too_large {
            return invalid(server, message);
        }
        // Room in a quota comes back when workflows end.
        let is_full = message.contains("exceeded quota");
        if self.status == 429 || self.code == Some(code::RESOURCE_EXHAUSTED) || is_full {
            let retry_after = self.retry_after;
            return ApiError::Busy {
                server,
                retry_after,
            };
        }
        let Some(code) = self.code else {
            return unavailable(server, message);
        };
        match (code, self.status) {
            (code::UNAUTHENTICATED, _) | (_, 401) => ApiError::Unauthorized { server, message },
            (code::PERMISSION_DENIED, _) | (_, 403) => ApiError::Forbidden { server, message },
            (code::ALREADY_EXISTS, _) | (_, 409) => match asked {
                Asked::Submit(name) => ApiError::NameTaken { name: name.into() },
                // Somebody changed the workflow meanwhile.
                Asked::Other => unavailable(server, message),
            },
            (_, 400 | 422) => match asked {
                Asked::Submit(_) if !is_about_the_request(&message) => unavailable(server, message),
                _ => invalid(server, message),
            },
            (_, 408 | 410 | 425 | 499) => unavailable(server, message),
            (_, 300..=499 | 501) => invalid(server, message),
            // Options that can't be read are answered as if the server had failed.
            _ if message.starts_with("expected ") && message.contains(" of the form: ") => {
                invalid(server, message)
            }
            _ => unavailable(server, message),
        }
    }
}

impl StreamError {
    /// The error that it is for the caller; none if it is only the stream's natural end, which
    /// comes whenever Kubernetes ends the server's own stream.
    pub fn into_error(self, server: &str) -> Option<ApiError> {
        if self.message == "EOF" {
            return None;
        }
        let (server, message) = (server.to_string(), shortened(&self.message));
        Some(match (self.grpc_code, self.http_code) {
            (code::UNAUTHENTICATED, _) | (_, 401) => ApiError::Unauthorized { server, message },
            (code::PERMISSION_DENIED, _) | (_, 403) => ApiError::Forbidden { server, message },
            (_, 429) => ApiError::Busy {
                server,
                retry_after: None,
            },
            _ => ApiError::Unavailable { server, message },
        })
    }
}

fn gateway_error(body: &[u8]) -> Option<GatewayError> {
    if let Ok(error) = serde_json::from_slice(body) {
        return Some(error);
    }
    let mut stream = EventStream::default();
    let first = stream.push(body).ok()?.into_iter().next();
    let text = first.or_else(|| stream.finish())?;
    let told: InStream = serde_json::from_slice(&text).ok()?;
    Some(told.error)
}

/// Whether the message blames the request. The server answers 400 also to failures of its own
/// while it creates a workflow, and then the workflow may exist.
fn is_about_the_request(message: &str) -> bool {
    const WORDS: &[&str] = &[
        "not found",
        "not exist",
        "invalid",
        "not supplied",
        "must be",
        "must not",
        "must consist",
        "should be",
        "unexpected label",
        "unexpected annotation",
        "unable to parse",
        "cannot parse",
        "unmarshal",
        "unknown",
        "not supported",
        "not allowed",
        "denied the request",
        "required",
        "failed to resolve",
        "templates.",
        "spec.",
    ];
    const ELSEWHERE: &[&str] = &[
        "connection",
        "dial tcp",
        "EOF",
        "timeout",
        "timed out",
        "deadline",
        "context canceled",
        "leader changed",
        "Internal error occurred",
        "no such host",
        "TLS handshake",
    ];
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    has(WORDS) && !has(ELSEWHERE)
}

/// What to say of an answer that is not the gateway's; its page is left out.
fn foreign_message(status: StatusCode, headers: &HeaderMap) -> String {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    match location {
        Some(target) if status.is_redirection() => {
            format!(
                "it answered {status} and points to {}",
                without_user(target)
            )
        }
        _ => format!(
            "something that is no argo-server answered {status}; is a proxy in between, or does \
             the URL lack a path?"
        ),
    }
}

fn without_user(target: &str) -> String {
    match url::Url::parse(target) {
        Ok(mut url) => {
            // Both fail only for addresses that can't have a user.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.set_query(None);
            url.to_string()
        }
        Err(_) => "another place".to_string(),
    }
}

fn shortened(message: &str) -> String {
    match message.char_indices().nth(MESSAGE_LIMIT) {
        None => message.to_string(),
        Some((end, _)) => format!("{}…", &message[..end]),
    }
}

/// Seconds, or the time at which the limit ends, which is counted from the answer's own time.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let told = text(RETRY_AFTER.as_str())
        .or_else(|| text("x-ratelimit-reset"))?
        .trim();
    if let Ok(seconds) = told.parse::<u64>() {
        // A large number is no pause but a time, which some limiters write as Unix seconds.
        const A_DAY: u64 = 86_400;
        return (seconds <= A_DAY).then(|| Duration::from_secs(seconds));
    }
    let now = http_date_ms(text("date")?)?;
    let until = http_date_ms(&told.replace("UTC", "GMT"))?;
    u64::try_from(until - now).ok().map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusal(status: u16, body: &str) -> Refusal {
        let status = StatusCode::from_u16(status).expect("a status");
        Refusal::read(status, &HeaderMap::new(), body.as_bytes())
    }

    fn error(status: u16, code: i64, message: &str, asked: Asked) -> ApiError {
        let body = json!({"code": code, "message": message, "details": []}).to_string();
        refusal(status, &body).into_error("s", asked)
    }

    #[test]
    fn every_status_has_its_meaning() {
        use ApiError::{Busy, Forbidden, Invalid, Unauthorized, Unavailable};
        let other = |status, code| error(status, code, "m", Asked::Other);
        assert!(matches!(other(401, 16), Unauthorized { .. }));
        assert!(matches!(other(403, 7), Forbidden { .. }));
        assert!(matches!(other(400, 3), Invalid { .. }));
        assert!(matches!(other(404, 5), Invalid { .. }));
        assert!(matches!(other(409, 6), Unavailable { .. }));
        assert!(matches!(other(413, 3), Invalid { .. }));
        assert!(matches!(other(429, 8), Busy { .. }));
        for (status, code) in [(408, 1), (499, 1), (500, 13), (503, 14), (504, 4), (418, 2)] {
            let told = other(status, code);
            assert_eq!(told.may_pass(), status != 418, "{status}: {told:?}");
        }
    }

    #[test]
    fn a_full_quota_is_no_refusal_because_room_comes_back() {
        let message = "workflows \"w\" is forbidden: exceeded quota: few, used: count=3";
        let told = error(403, 7, message, Asked::Submit("w"));
        assert!(told.may_pass() && !told.is_refusal(), "{told:?}");
    }

    #[test]
    fn a_taken_name_is_told_by_a_submission_only() {
        let told = error(409, 6, "exists", Asked::Submit("w"));
        assert_eq!(told, ApiError::NameTaken { name: "w".into() });
    }

    #[test]
    fn a_400_of_a_submission_is_the_users_fault_only_if_it_says_so() {
        let told = |message| error(400, 3, message, Asked::Submit("w"));
        for fault in [
            "templates.main.inputs.parameters.x was not supplied",
            "spec.entrypoint template 'nothing' undefined: not found",
            "Workflow.argoproj.io \"w\" is invalid: metadata.labels: Invalid value",
            "unexpected label spec: a=b=c",
        ] {
            assert!(matches!(told(fault), ApiError::Invalid { .. }), "{fault}");
        }
        for accident in [
            "Post \"https://10.96.0.1:443/apis\": dial tcp: connection refused",
            "unexpected EOF",
            "etcdserver: leader changed",
            "Internal error occurred: failed calling webhook: not found",
            "",
        ] {
            let error = told(accident);
            assert!(matches!(error, ApiError::Unavailable { .. }), "{accident}");
        }
    }

    #[test]
    fn what_is_too_large_is_so_for_ever() {
        let told = error(
            500,
            13,
            "etcdserver: request is too large",
            Asked::Submit("w"),
        );
        assert!(matches!(told, ApiError::Invalid { .. }));
        let page = refusal(413, "<html>").into_error("s", Asked::Submit("w"));
        assert!(matches!(page, ApiError::Invalid { .. }));
    }

    #[test]
    fn pages_of_proxies_are_no_answers_and_are_not_repeated() {
        for status in [302, 400, 401, 403, 404, 502] {
            let told = refusal(status, "<html>secret</html>").into_error("s", Asked::Other);
            assert!(matches!(told, ApiError::Unavailable { .. }), "{status}");
            assert!(!told.to_string().contains("secret"));
        }
    }

    #[test]
    fn the_time_to_wait_is_read_in_both_forms() {
        let wait = |pairs: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().expect("a value"));
            }
            retry_after(&headers)
        };
        assert_eq!(wait(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        let date = ("date", "Thu, 01 Jan 1970 00:00:02 GMT");
        let until = "Thu, 01 Jan 1970 00:00:05 UTC";
        let three = Some(Duration::from_secs(3));
        assert_eq!(wait(&[date, ("retry-after", until)]), three);
        assert_eq!(wait(&[date, ("x-ratelimit-reset", until)]), three);
        assert_eq!(wait(&[date, ("retry-after", "soon")]), None);
        assert_eq!(wait(&[]), None);
    }

    #[test]
    fn options_that_cannot_be_read_are_invalid_though_the_server_says_500() {
        for message in [
            "expected parameter of the form: NAME=VALUE. Received: novalue",
            "expected labels of the form: NAME1=VALUE2,NAME2=VALUE2. Received: a=b=c: unexpected",
        ] {
            let told = error(500, 13, message, Asked::Submit("w"));
            assert!(matches!(told, ApiError::Invalid { .. }), "{message}");
        }
    }

    #[test]
    fn a_stream_that_is_refused_tells_it_as_an_event() {
        let body = "data: {\"error\":{\"grpc_code\":7,\"http_code\":403,\"message\":\"no\"}} \n\n";
        let told = refusal(403, body).into_error("s", Asked::Other);
        let expected = ApiError::Forbidden {
            server: "s".into(),
            message: "no".into(),
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn errors_in_a_stream_end_it_but_refusals_stay_refusals() {
        let told = |grpc_code, http_code, message: &str| {
            let message = message.to_string();
            let error = StreamError {
                grpc_code,
                http_code,
                message,
            };
            error.into_error("s")
        };
        assert_eq!(told(8, 429, "EOF"), None);
        assert!(told(3, 400, "too old resource version").is_some_and(|error| error.may_pass()));
        assert!(told(7, 403, "forbidden").is_some_and(|error| error.is_refusal()));
        assert!(told(16, 401, "expired").is_some_and(|error| error.is_refusal()));
    }
}
