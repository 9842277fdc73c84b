//! What was asked of the stand-in.

use std::collections::{BTreeMap, VecDeque};

use axum::http::Method;
use serde::{Deserialize, Serialize};

/// How many requests are kept.
const KEPT_REQUESTS: usize = 50_000;

/// What a request is for. The same names stand for both interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A workflow from a template.
    Submit,
    /// A workflow as an object.
    Create,
    /// One workflow.
    Get,
    /// Workflows by label.
    List,
    /// Changes of workflows.
    Watch,
    /// No further steps.
    Stop,
    /// Nothing further at all.
    Terminate,
    /// A change of an object (Kubernetes), a stop for instance.
    Patch,
    /// Take a workflow away.
    Delete,
    /// What a workflow wrote.
    Logs,
    /// One template or all.
    Template,
    /// The version of the server.
    Version,
    /// Who we are, what we may, what the server is.
    Info,
    /// Anything else.
    Other,
}

impl Kind {
    /// What a request is for, by its address below the server's prefix.
    pub(crate) fn of(method: &Method, path: &str, query: &str) -> Self {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match parts.as_slice() {
            ["api", "v1", rest @ ..] => Self::of_argo(method, rest),
            ["apis", "argoproj.io", "v1alpha1", rest @ ..] => {
                Self::of_kubernetes(method, rest, query)
            }
            ["apis", "authorization.k8s.io" | "authentication.k8s.io", ..] => Self::Info,
            ["version"] => Self::Version,
            ["api", ..] if path.ends_with("/log") => Self::Logs,
            _ => Self::Other,
        }
    }

    fn of_argo(method: &Method, parts: &[&str]) -> Self {
        match (method.as_str(), parts) {
            ("POST", ["workflows", _, "submit"]) => Self::Submit,
            ("POST", ["workflows", _]) => Self::Create,
            ("GET", ["workflows", _]) => Self::List,
            ("GET", ["workflows", _, _]) => Self::Get,
            ("GET", ["workflow-events", _]) => Self::Watch,
            ("PUT", ["workflows", _, _, "stop"]) => Self::Stop,
            ("PUT", ["workflows", _, _, "terminate"]) => Self::Terminate,
            ("DELETE", ["workflows", _, _]) => Self::Delete,
            ("GET", [.., "log"]) => Self::Logs,
            ("GET", ["workflow-templates" | "cluster-workflow-templates", ..]) => Self::Template,
            ("GET", ["version"]) => Self::Version,
            ("GET", ["info" | "userinfo"]) => Self::Info,
            _ => Self::Other,
        }
    }

    fn of_kubernetes(method: &Method, parts: &[&str], query: &str) -> Self {
        let parts = match parts {
            ["namespaces", _, rest @ ..] => rest,
            all => all,
        };
        let watching = query
            .split('&')
            .any(|one| one == "watch=true" || one == "watch=1");
        match (method.as_str(), parts) {
            ("POST", ["workflows"]) => Self::Create,
            ("GET", ["workflows"]) if watching => Self::Watch,
            ("GET", ["workflows"]) => Self::List,
            ("GET", ["workflows", _]) => Self::Get,
            ("PATCH", ["workflows", _]) => Self::Patch,
            ("DELETE", ["workflows", ..]) => Self::Delete,
            ("GET", ["workflowtemplates" | "clusterworkflowtemplates", ..]) => Self::Template,
            _ => Self::Other,
        }
    }

    /// The verb by which Kubernetes knows it.
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::Submit | Self::Create => "create",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Stop | Self::Terminate | Self::Patch => "patch",
            Self::Delete => "delete",
            Self::Get | Self::Logs | Self::Template | Self::Version | Self::Info | Self::Other => {
                "get"
            }
        }
    }
}

/// A request that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What it was for.
    pub kind: Kind,
    /// Its method, such as `POST`.
    pub method: String,
    /// Its address below the server's prefix.
    pub path: String,
    /// What stood behind the question mark, as it was written.
    pub query: String,
    /// Its body.
    pub body: String,
    /// The status of the answer; none as long as there is no answer, or if it was cut off.
    pub status: Option<u16>,
}

/// What was counted since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests of each kind.
    pub requests: BTreeMap<Kind, u64>,
    /// Workflows that were ever created.
    pub created: u64,
    /// Workflows that have not ended now.
    pub live: usize,
    /// The most workflows that had not ended at any one time.
    pub most_live: usize,
    /// Names that were created more than once, in order.
    pub created_again: Vec<String>,
}

impl Counters {
    /// How many requests of a kind there were.
    pub fn of(&self, kind: Kind) -> u64 {
        self.requests.get(&kind).copied().unwrap_or_default()
    }
}

/// The requests, the latest of them whole.
#[derive(Default)]
pub(crate) struct Record {
    requests: VecDeque<Request>,
    /// How many were forgotten before the first one that is kept.
    forgotten: usize,
    counts: BTreeMap<Kind, u64>,
}

impl Record {
    /// Adds a request; returns its number for [`Self::answer`].
    pub(crate) fn add(&mut self, request: Request) -> usize {
        *self.counts.entry(request.kind).or_default() += 1;
        self.requests.push_back(request);
        if self.requests.len() > KEPT_REQUESTS {
            self.requests.pop_front();
            self.forgotten += 1;
        }
        self.forgotten + self.requests.len() - 1
    }

    /// Notes the status of an answer.
    pub(crate) fn answer(&mut self, number: usize, status: u16) {
        let index = number.checked_sub(self.forgotten);
        if let Some(request) = index.and_then(|index| self.requests.get_mut(index)) {
            request.status = Some(status);
        }
    }

    /// How many requests of each kind there were.
    pub(crate) fn counts(&self) -> &BTreeMap<Kind, u64> {
        &self.counts
    }

    /// The requests that are kept.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.iter().cloned().collect()
    }
}
