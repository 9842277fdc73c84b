//! Whole lists of workflows, fetched in pages.

use kube::api::ListParams;
use kube::core::Request;
use serde::Deserialize;

use super::connection::Connection;
use super::errors;
use crate::scheduler::argo::api::{ApiError, Labels};
use crate::scheduler::argo::wire::{WorkflowObject, null_as_default};

/// Most workflows in one answer.
const PAGE: u32 = 500;
/// Lists that went stale half-way before we give up.
const ROUNDS: usize = 3;

/// Workflows as they all were at one moment.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WorkflowList {
    pub(super) metadata: ListMetadata,
    #[serde(deserialize_with = "null_as_default")]
    pub(super) items: Vec<WorkflowObject>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ListMetadata {
    /// The moment.
    pub(super) resource_version: String,
    #[serde(rename = "continue")]
    next: Option<String>,
}

/// The workflows with these labels.
pub(super) async fn workflows(
    connection: &Connection,
    workflows: &Request,
    labels: &Labels,
) -> Result<WorkflowList, ApiError> {
    let parameters = ListParams::default().labels(&selector(labels)).limit(PAGE);
    for _ in 0..ROUNDS {
        if let Some(list) = all_pages(connection, workflows, &parameters).await? {
            return Ok(list);
        }
    }
    Err(ApiError::Unavailable {
        server: connection.server.clone(),
        message: "the list of workflows grows old while it is read".to_string(),
    })
}

/// `None` if the rest of the list is not kept any more.
async fn all_pages(
    connection: &Connection,
    workflows: &Request,
    parameters: &ListParams,
) -> Result<Option<WorkflowList>, ApiError> {
    let mut whole = WorkflowList::default();
    let mut parameters = parameters.clone();
    loop {
        let answer = connection.call(workflows.list(&parameters)).await?;
        if answer.status == 410 {
            return Ok(None);
        }
        if !answer.is_success() {
            return Err(errors::refusal(&connection.server, "", &answer));
        }
        let page: WorkflowList = serde_json::from_slice(&answer.body)
            .map_err(|error| errors::unreadable(&connection.server, &error))?;
        whole.items.extend(page.items);
        whole.metadata = page.metadata;
        match whole.metadata.next.take().filter(|token| !token.is_empty()) {
            Some(token) => parameters.continue_token = Some(token),
            None => return Ok(Some(whole)),
        }
    }
}

/// The names of objects of any kind, in the order in which these were made; without those beyond
/// the first page.
pub(super) async fn names(
    connection: &Connection,
    objects: &Request,
    selector: &str,
) -> Result<Vec<String>, ApiError> {
    let parameters = ListParams::default().labels(selector).limit(PAGE);
    let answer = connection.call(objects.list_metadata(&parameters)).await?;
    if !answer.is_success() {
        return Err(errors::refusal(&connection.server, "", &answer));
    }
    let mut list: NameList = serde_json::from_slice(&answer.body)
        .map_err(|error| errors::unreadable(&connection.server, &error))?;
    // All times are in the same form, so that they sort as texts.
    list.items
        .sort_by(|one, other| one.made().cmp(other.made()));
    Ok(list
        .items
        .into_iter()
        .map(|named| named.metadata.name)
        .collect())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NameList {
    #[serde(deserialize_with = "null_as_default")]
    items: Vec<Named>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    metadata: NamedMetadata,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NamedMetadata {
    name: String,
    creation_timestamp: Option<String>,
}

impl Named {
    fn made(&self) -> &str {
        self.metadata
            .creation_timestamp
            .as_deref()
            .unwrap_or_default()
    }
}

/// The labels as Kubernetes selects by them.
pub(super) fn selector(labels: &Labels) -> String {
    let pairs: Vec<String> = labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    pairs.join(",")
}
