//! Changes of workflows, one JSON object a line.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::{asked, selector};
use crate::refusal::{Reason, Refusal};
use crate::stream::{Form, Piece, cut_here};
use crate::watching::{News, Watching};
use crate::world::World;

/// How long a watch may last if nothing is asked.
const LONGEST: Duration = Duration::from_mins(30);

pub(super) fn watch(
    world: Arc<World>,
    namespace: String,
    query: &HashMap<String, String>,
) -> Response {
    let selector = match selector(query) {
        Ok(selector) => selector,
        Err(refusal) => return refusal.kubernetes(),
    };
    let from = asked(query, "resourceVersion")
        .parse()
        .ok()
        .filter(|&version| version > 0);
    let seconds = asked(query, "timeoutSeconds")
        .parse()
        .map_or(LONGEST, Duration::from_secs);
    let bookmarks = asked(query, "allowWatchBookmarks") == "true";
    let patience = bookmarks.then_some(world.setting.keep_alive);
    let watching = Watching::begin(Arc::clone(&world), namespace, selector, from);
    let stream = Stream {
        world,
        watching,
        patience,
        until: Instant::now() + seconds,
    };
    Form::Lines.answer(Body::from_stream(stream::unfold(stream, Stream::next)))
}

struct Stream {
    world: Arc<World>,
    watching: Watching,
    patience: Option<Duration>,
    until: Instant,
}

impl Stream {
    async fn next(mut self) -> Option<(Piece, Self)> {
        let mut text = String::new();
        match timeout_at(self.until, self.watching.next(self.patience))
            .await
            .ok()?
        {
            News::Changes(changes) => {
                for (change, workflow) in changes {
                    line(change.name(), &workflow.object, &mut text);
                }
            }
            News::Nothing => line("BOOKMARK", &self.bookmark(), &mut text),
            News::TooOld(message) => {
                line(
                    "ERROR",
                    &Refusal::new(Reason::Gone, message).status_object(),
                    &mut text,
                );
            }
            News::Cut => return Some((cut_here(), self)),
            News::Eof | News::End => return None,
        }
        Some((Ok(text.into()), self))
    }

    fn bookmark(&self) -> Value {
        let version = self
            .watching
            .version()
            .unwrap_or_else(|| self.world.state().store.version());
        json!({
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "metadata": {"resourceVersion": version.to_string(), "creationTimestamp": null},
            "spec": {},
        })
    }
}

fn line(kind: &str, object: &Value, text: &mut String) {
    Form::Lines.write(&json!({"type": kind, "object": object}), text);
}
