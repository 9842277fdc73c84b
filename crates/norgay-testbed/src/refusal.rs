//! Why a request is refused, and how each of the two interfaces says so.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A refused request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    pub(crate) message: String,
}

/// The class of a refusal, as Kubernetes tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Argo's own validation.
    BadRequest,
    /// The validation of the Kubernetes API.
    Invalid,
    Unauthorized,
    Forbidden,
    NotFound,
    AlreadyExists,
    /// Something else changed in between.
    Conflict,
    /// A resource version that is no longer kept.
    Gone,
    TooLarge,
    Internal,
}

impl Reason {
    /// The status of a Kubernetes API and its name for the reason.
    fn kubernetes(self) -> (u16, &'static str) {
        match self {
            Self::BadRequest => (400, "BadRequest"),
            Self::Invalid => (422, "Invalid"),
            Self::Unauthorized => (401, "Unauthorized"),
            Self::Forbidden => (403, "Forbidden"),
            Self::NotFound => (404, "NotFound"),
            Self::AlreadyExists => (409, "AlreadyExists"),
            Self::Conflict => (409, "Conflict"),
            Self::Gone => (410, "Expired"),
            Self::TooLarge => (413, "RequestEntityTooLarge"),
            Self::Internal => (500, "InternalError"),
        }
    }

    /// The status of an argo-server and its gRPC code.
    fn argo(self) -> (u16, u32) {
        match self {
            Self::BadRequest | Self::Invalid | Self::Gone | Self::TooLarge => (400, 3),
            Self::Unauthorized => (401, 16),
            Self::Forbidden => (403, 7),
            Self::NotFound => (404, 5),
            Self::AlreadyExists | Self::Conflict => (409, 6),
            Self::Internal => (500, 13),
        }
    }
}

impl Refusal {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(Reason::BadRequest, message)
    }

    /// Nothing of this name; `resource` such as `workflows`.
    pub(crate) fn not_found(resource: &str, name: &str) -> Self {
        Self::new(
            Reason::NotFound,
            format!("{resource}.argoproj.io \"{name}\" not found"),
        )
    }

    pub(crate) fn name_taken(resource: &str, name: &str) -> Self {
        Self::new(
            Reason::AlreadyExists,
            format!("{resource}.argoproj.io \"{name}\" already exists"),
        )
    }

    /// The answer of an argo-server.
    pub(crate) fn argo(&self) -> Response {
        let (status, code) = self.reason.argo();
        grpc_error(status, code, &self.message)
    }

    /// The answer of a Kubernetes API.
    pub(crate) fn kubernetes(&self) -> Response {
        json_answer(self.reason.kubernetes().0, &self.status_object())
    }

    /// What a Kubernetes API calls a Status.
    pub(crate) fn status_object(&self) -> Value {
        let (code, reason) = self.reason.kubernetes();
        json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": reason,
            "code": code,
        })
    }
}

/// An error in the form of a gRPC gateway.
pub(crate) fn grpc_error(status: u16, code: u32, message: &str) -> Response {
    json_answer(status, &json!({"code": code, "message": message}))
}

/// A JSON answer.
pub(crate) fn json_answer(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (
        status,
        [(CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}
