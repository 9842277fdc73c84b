//! Answers that come piece by piece.

use std::io;

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// How pieces are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Server-sent events.
    Events,
    /// One JSON object a line.
    Lines,
}

impl Form {
    /// The form that a caller accepts.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        match headers.get(ACCEPT) {
            Some(accepted) if accepted == "text/event-stream" => Self::Events,
            _ => Self::Lines,
        }
    }

    /// Appends a piece.
    pub(crate) fn write(self, value: &Value, to: &mut String) {
        match self {
            Self::Events => {
                to.push_str("data: ");
                to.push_str(&value.to_string());
                to.push_str("\n\n");
            }
            Self::Lines => {
                to.push_str(&value.to_string());
                to.push('\n');
            }
        }
    }

    /// An answer in this form.
    pub(crate) fn answer(self, body: Body) -> Response {
        let kind = match self {
            Self::Events => "text/event-stream",
            Self::Lines => "application/json",
        };
        ([(CONTENT_TYPE, kind)], body).into_response()
    }
}

/// A piece, or the cut of the connection.
pub(crate) type Piece = Result<Bytes, io::Error>;

/// In place of a piece: the connection is cut.
pub(crate) fn cut_here() -> Piece {
    Err(io::Error::other("the connection is cut"))
}
