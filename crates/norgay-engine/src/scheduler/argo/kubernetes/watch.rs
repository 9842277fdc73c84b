//! Workflows as they are, then as they change.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use kube::api::WatchParams;
use kube::core::{Request, WatchEvent as Change};

use super::connection::Connection;
use super::{errors, lists};
use crate::scheduler::argo::api::{ApiError, Labels, WatchEvent, Workflow};
use crate::scheduler::argo::wire::WorkflowObject;

/// Silence after which a watch is taken for dead. The API ends each watch earlier than that.
const LONGEST_SILENCE: Duration = Duration::from_mins(5);

type Changes = BoxStream<'static, Result<Change<WorkflowObject>, kube::Error>>;

pub(super) async fn watch(
    connection: &Arc<Connection>,
    workflows: &Request,
    labels: &Labels,
) -> Result<BoxStream<'static, Result<WatchEvent, ApiError>>, ApiError> {
    let list = lists::workflows(connection, workflows, labels).await?;
    let parameters = WatchParams::default().labels(&lists::selector(labels));
    let request = workflows.watch(&parameters, &list.metadata.resource_version);
    let request = connection.sendable(request)?;
    let changes = connection
        .open_stream(|client| {
            let request = request.clone();
            async move {
                let changes = client.request_events::<WorkflowObject>(request).await?;
                Ok(changes.boxed())
            }
        })
        .await?;
    let server = connection.server.clone();
    let known = list
        .items
        .into_iter()
        .map(|object| Ok(WatchEvent::Seen(object.into())));
    Ok(stream::iter(known).chain(events(server, changes)).boxed())
}

/// The changes up to the first error, the end, or too long a silence.
fn events(server: String, changes: Changes) -> impl Stream<Item = Result<WatchEvent, ApiError>> {
    stream::unfold(Some(changes), move |changes| {
        let server = server.clone();
        async move {
            let mut changes = changes?;
            match next_event(&server, &mut changes).await? {
                Ok(event) => Some((Ok(event), Some(changes))),
                Err(error) => Some((Err(error), None)),
            }
        }
    })
}

async fn next_event(server: &str, changes: &mut Changes) -> Option<Result<WatchEvent, ApiError>> {
    loop {
        let change = tokio::time::timeout(LONGEST_SILENCE, changes.next())
            .await
            .ok()??;
        match change {
            Ok(Change::Added(object) | Change::Modified(object)) => {
                return Some(Ok(WatchEvent::Seen(Workflow::from(object))));
            }
            Ok(Change::Deleted(object)) => return Some(Ok(WatchEvent::Gone(object.into()))),
            // A sign of life.
            Ok(Change::Bookmark(_)) => {}
            Ok(Change::Error(status)) => return Some(Err(errors::told_in_stream(server, &status))),
            Err(error) => return Some(Err(errors::failure(server, &error))),
        }
    }
}
