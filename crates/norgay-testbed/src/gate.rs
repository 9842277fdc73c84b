//! What every request passes: it is recorded, meets its fault, and shows its token.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::fmt::rfc2822;

use crate::faults::RequestFault;
use crate::http::cut;
use crate::record::{self, Kind};
use crate::refusal::{Reason, Refusal, grpc_error, json_answer};
use crate::world::World;

/// The largest body that is read.
const LARGEST_BODY: usize = 100 << 20;

/// Leads a request through.
pub(crate) async fn gate(
    State(world): State<Arc<World>>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return grpc_error(413, 8, "received message larger than max");
    };
    let whole_path = parts.uri.path().to_string();
    let path = whole_path
        .strip_prefix(&world.setting.prefix)
        .unwrap_or(&whole_path);
    let query = parts.uri.query().unwrap_or_default();
    let kind = Kind::of(&parts.method, path, query);
    let caller = Caller {
        kind,
        path,
        headers: &parts.headers,
    };
    let (number, fault) = {
        let mut state = world.state();
        let number = state.record.add(record::Request {
            kind,
            method: parts.method.to_string(),
            path: path.to_string(),
            query: query.to_string(),
            body: String::from_utf8_lossy(&body).into_owned(),
            status: None,
        });
        (number, state.faults.of_request(kind))
    };
    let response = match fault.as_ref().and_then(|fault| caller.turned_away(fault)) {
        Some(response) => response,
        None => match caller.refused(&world) {
            Some(refusal) => caller.answer(&refusal),
            None => {
                next.run(Request::from_parts(parts.clone(), Body::from(body)))
                    .await
            }
        },
    };
    let response = afterwards(fault.as_ref(), response).await;
    world
        .state()
        .record
        .answer(number, response.status().as_u16());
    dated(response, world.setting.clock_ahead_s)
}

/// Who asks, for what.
struct Caller<'a> {
    kind: Kind,
    path: &'a str,
    headers: &'a HeaderMap,
}

impl Caller<'_> {
    fn is_of_kubernetes(&self) -> bool {
        ["/apis/", "/version", "/api/v1/namespaces/"]
            .iter()
            .any(|start| self.path.starts_with(start))
    }

    fn answer(&self, refusal: &Refusal) -> Response {
        if self.is_of_kubernetes() {
            refusal.kubernetes()
        } else {
            refusal.argo()
        }
    }

    /// The answer of a fault in whose way nothing is done.
    fn turned_away(&self, fault: &RequestFault) -> Option<Response> {
        Some(match fault {
            RequestFault::TooManyRequests { retry_after_s } => {
                let mut response = self.error(429, "Too Many Requests");
                if let Some(seconds) = retry_after_s {
                    response
                        .headers_mut()
                        .insert(RETRY_AFTER, HeaderValue::from(*seconds));
                }
                response
            }
            RequestFault::Status(status) => self.error(*status, "by the plan of faults"),
            RequestFault::ProxyPage(status) => proxy_page(*status),
            RequestFault::Unauthorized => self.answer(&unauthorized()),
            RequestFault::Forbidden => self.answer(&forbidden("", "do that")),
            RequestFault::LostRequest => cut(),
            RequestFault::LostReply | RequestFault::SilentReply(_) | RequestFault::Slow(_) => {
                return None;
            }
        })
    }

    fn error(&self, status: u16, message: &str) -> Response {
        if !self.is_of_kubernetes() {
            return grpc_error(status, grpc_code(status), message);
        }
        let body = serde_json::json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "code": status,
        });
        json_answer(status, &body)
    }

    /// Why the caller may not do this, if so.
    fn refused(&self, world: &World) -> Option<Refusal> {
        let state = world.state();
        if let Some(token) = &state.token {
            let shown = self
                .headers
                .get(AUTHORIZATION)
                .and_then(|value| value.to_str().ok());
            if shown.and_then(|shown| shown.strip_prefix("Bearer ")) != Some(token) {
                return Some(unauthorized());
            }
        }
        if matches!(self.kind, Kind::Version | Kind::Info | Kind::Other) {
            return None;
        }
        let action = format!("{} {}", self.kind.verb(), self.resource());
        let abroad = match (&world.setting.namespace, self.namespace()) {
            (Some(own), Some(asked)) => own != asked,
            _ => false,
        };
        (abroad || state.forbidden.contains(&action))
            .then(|| forbidden(&world.setting.user, &action))
    }

    fn resource(&self) -> &'static str {
        match self.kind {
            Kind::Logs => "pods/log",
            Kind::Template if self.path.contains("cluster") => "clusterworkflowtemplates",
            Kind::Template => "workflowtemplates",
            _ => "workflows",
        }
    }

    fn namespace(&self) -> Option<&str> {
        let mut parts = self.path.trim_matches('/').split('/');
        parts.find(|part| {
            matches!(
                *part,
                "workflows" | "workflow-events" | "workflow-templates" | "namespaces"
            )
        })?;
        parts.next()
    }
}

fn unauthorized() -> Refusal {
    Refusal::new(Reason::Unauthorized, "token not valid")
}

fn forbidden(user: &str, action: &str) -> Refusal {
    let (verb, resource) = action.split_once(' ').unwrap_or((action, ""));
    let message = format!(
        "{resource}.argoproj.io is forbidden: User \"{user}\" cannot {verb} resource \"{resource}\" in API group \"argoproj.io\""
    );
    Refusal::new(Reason::Forbidden, message)
}

fn proxy_page(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let page =
        format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>");
    (status, [(CONTENT_TYPE, "text/html")], page).into_response()
}

fn grpc_code(status: u16) -> u32 {
    match status {
        400 | 422 => 3,
        401 => 16,
        403 => 7,
        404 => 5,
        408 => 1,
        409 => 6,
        429 => 8,
        501 => 12,
        503 => 14,
        504 => 4,
        _ => 13,
    }
}

/// What a fault does to an answer that is ready.
async fn afterwards(fault: Option<&RequestFault>, response: Response) -> Response {
    match fault {
        Some(RequestFault::LostReply) => cut(),
        Some(RequestFault::SilentReply(ms)) => {
            tokio::time::sleep(Duration::from_millis(*ms)).await;
            cut()
        }
        Some(RequestFault::Slow(ms)) => {
            tokio::time::sleep(Duration::from_millis(*ms)).await;
            response
        }
        _ => response,
    }
}

/// With the date of a clock that may be wrong.
fn dated(mut response: Response, ahead_s: i64) -> Response {
    if ahead_s == 0 {
        return response;
    }
    let shown = Timestamp::from_second(Timestamp::now().as_second() + ahead_s).ok();
    let text = shown.and_then(|shown| {
        rfc2822::DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&shown)
            .ok()
    });
    if let Some(date) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
        response.headers_mut().insert(DATE, date);
    }
    response
}
