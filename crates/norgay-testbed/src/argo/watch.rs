//! Changes of workflows as they happen.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::{Asked, asked, fields, selector};
use crate::fields::Fields;
use crate::stream::{Form, Piece};
use crate::watching::{News, Watching};
use crate::world::World;

pub(super) async fn watch(
    State(world): State<Arc<World>>,
    Path(namespace): Path<String>,
    Query(query): Asked,
    headers: HeaderMap,
) -> Response {
    let selector = match selector(&query) {
        Ok(selector) => selector,
        Err(refusal) => return refusal.argo(),
    };
    let form = Form::accepted(&headers);
    let from = asked(&query, "listOptions.resourceVersion")
        .parse()
        .ok()
        .filter(|&version| version > 0);
    let keep_alive = (form == Form::Events).then_some(world.setting.keep_alive);
    let late_head = world.setting.late_head;
    let watching = Watching::begin(world, namespace, selector, from);
    let stream = Stream {
        watching,
        fields: fields(&query),
        form,
        keep_alive,
    };
    if !late_head {
        return form.answer(Body::from_stream(stream::unfold(stream, Stream::next)));
    }
    let Some((first, stream)) = stream.next().await else {
        return form.answer(Body::empty());
    };
    let first = stream::once(std::future::ready(first));
    let all = first.chain(stream::unfold(stream, Stream::next));
    form.answer(Body::from_stream(all))
}

struct Stream {
    watching: Watching,
    fields: Fields,
    form: Form,
    keep_alive: Option<Duration>,
}

impl Stream {
    async fn next(mut self) -> Option<(Piece, Self)> {
        let mut text = String::new();
        match self.watching.next(self.keep_alive).await {
            News::Changes(changes) => {
                for (change, workflow) in changes {
                    let object = &workflow.object;
                    self.frame(
                        &json!({"result": {"type": change.name(), "object": object}}),
                        &mut text,
                    );
                }
            }
            News::Nothing => text.push_str(":\n"),
            News::TooOld(message) => self.frame(&error(3, 400, &message, "Bad Request"), &mut text),
            News::Eof => self.frame(&error(8, 429, "EOF", "Too Many Requests"), &mut text),
            News::Cut => return Some((crate::stream::cut_here(), self)),
            News::End => return None,
        }
        Some((Ok(text.into()), self))
    }

    fn frame(&self, value: &Value, text: &mut String) {
        self.form.write(&self.fields.pick(value), text);
    }
}

fn error(grpc_code: u32, http_code: u16, message: &str, http_status: &str) -> Value {
    json!({"error": {
        "grpc_code": grpc_code, "http_code": http_code, "message": message, "http_status": http_status,
    }})
}
