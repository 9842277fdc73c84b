//! Walks through the templates of a workflow: which pod runs when, and with what.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{Processes, Scope, pod};
use crate::status::{self, Ending, PodFailure};
use crate::store::Stored;
use crate::world::World;

/// What came of a template.
pub(crate) enum Outcome {
    /// It went well; what it wrote to its standard output.
    Done(String),
    Failed(PodFailure),
    /// The template can't be run.
    Flawed(String),
    Cancelled,
}

type Steps<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// A task of a DAG or a step: its name, and the template that it runs.
struct Call<'a> {
    name: &'a str,
    entry: &'a Value,
}

/// A run of a workflow.
pub(crate) struct Run {
    pub(crate) world: Arc<World>,
    pub(crate) workflow: Arc<Stored>,
    pub(crate) processes: Arc<Processes>,
    pub(crate) cancelled: watch::Receiver<bool>,
    spec: Value,
    scope: Scope,
}

impl Run {
    pub(crate) fn new(
        world: Arc<World>,
        workflow: Arc<Stored>,
        spec: Value,
        processes: Arc<Processes>,
        cancelled: watch::Receiver<bool>,
    ) -> Self {
        let scope = workflow_scope(&workflow, &spec);
        Self {
            world,
            workflow,
            processes,
            cancelled,
            spec,
            scope,
        }
    }

    /// Runs the entrypoint; no ending if it was cancelled.
    pub(crate) async fn to_the_end(&self) -> Option<Ending> {
        let entrypoint = self.spec["entrypoint"].as_str().unwrap_or_default();
        match self.template(entrypoint, &BTreeMap::new(), "").await {
            Outcome::Done(_) => Some(Ending::Succeeded),
            Outcome::Failed(failure) => Some(Ending::PodFailed(failure)),
            Outcome::Flawed(message) => Some(Ending::Error(message)),
            Outcome::Cancelled => None,
        }
    }

    fn is_cancelled(&self) -> bool {
        *self.cancelled.borrow()
    }

    /// Runs a template, again if it fails and may be tried again; `path` names it in the workflow.
    fn template<'a>(
        &'a self,
        name: &'a str,
        arguments: &'a BTreeMap<String, String>,
        path: &'a str,
    ) -> Steps<'a> {
        Box::pin(async move {
            let templates = self.spec["templates"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            let Some(template) = templates.iter().find(|one| one["name"] == name) else {
                return Outcome::Flawed(format!("template {name} not found"));
            };
            let scope = match self.inputs(template, arguments) {
                Ok(scope) => scope,
                Err(message) => return Outcome::Flawed(message),
            };
            let retries = retries(template);
            let mut tried = 0;
            loop {
                let attempt = if tried == 0 {
                    path.to_string()
                } else {
                    format!("{path}({tried})")
                };
                let outcome = self.once(template, &scope, &attempt).await;
                if !matches!(outcome, Outcome::Failed(_)) || tried == retries || self.is_cancelled()
                {
                    return outcome;
                }
                tried += 1;
            }
        })
    }

    async fn once(&self, template: &Value, scope: &Scope, path: &str) -> Outcome {
        if template["dag"].is_object() {
            self.dag(&template["dag"], scope, path).await
        } else if template["steps"].is_array() {
            self.steps(&template["steps"], scope, path).await
        } else if template["container"].is_object() || template["script"].is_object() {
            self.pod(template, scope, path).await
        } else {
            let name = template["name"].as_str().unwrap_or_default();
            Outcome::Flawed(format!(
                "template {name} is of a kind that the testbed can't run"
            ))
        }
    }

    /// What a template knows: the workflow and its own inputs.
    fn inputs(
        &self,
        template: &Value,
        arguments: &BTreeMap<String, String>,
    ) -> Result<Scope, String> {
        let mut scope = self.scope.clone();
        for parameter in template["inputs"]["parameters"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let name = parameter["name"].as_str().unwrap_or_default();
            let declared = || {
                ["value", "default"]
                    .iter()
                    .find_map(|key| self.scope.scalar(&parameter[*key]))
            };
            let Some(value) = arguments.get(name).cloned().or_else(declared) else {
                return Err(format!("inputs.parameters.{name} was not supplied"));
            };
            scope.set(format!("inputs.parameters.{name}"), value);
        }
        Ok(scope)
    }

    /// Runs each task as soon as those that it waits for are done; after a failure nothing new
    /// begins.
    async fn dag(&self, dag: &Value, scope: &Scope, path: &str) -> Outcome {
        let mut waiting = calls(&dag["tasks"]);
        let mut scope = scope.clone();
        let mut done = BTreeSet::new();
        let mut running = FuturesUnordered::new();
        let mut trouble = None;
        loop {
            if trouble.is_none() && !self.is_cancelled() {
                let (ready, later): (Vec<_>, Vec<_>) = waiting
                    .into_iter()
                    .partition(|task| needs(task.entry).iter().all(|name| done.contains(name)));
                waiting = later;
                running.extend(
                    ready
                        .into_iter()
                        .map(|task| self.call(task, scope.clone(), path)),
                );
            }
            let Some((name, outcome)) = running.next().await else {
                break;
            };
            match outcome {
                Outcome::Done(result) => {
                    scope.set(format!("tasks.{name}.outputs.result"), result);
                    done.insert(name.to_string());
                }
                other => trouble = trouble.or(Some(other)),
            }
        }
        match trouble {
            Some(trouble) => trouble,
            None if self.is_cancelled() => Outcome::Cancelled,
            None if waiting.is_empty() => Outcome::Done(String::new()),
            None => Outcome::Flawed(format!(
                "task {} waits for a task that there is not",
                waiting[0].name
            )),
        }
    }

    /// Runs one group of steps after the other, those of a group side by side.
    async fn steps(&self, groups: &Value, scope: &Scope, path: &str) -> Outcome {
        let mut scope = scope.clone();
        for group in groups.as_array().into_iter().flatten() {
            if self.is_cancelled() {
                return Outcome::Cancelled;
            }
            let calls = calls(group);
            let mut running: FuturesUnordered<_> = calls
                .into_iter()
                .map(|call| self.call(call, scope.clone(), path))
                .collect();
            let (mut trouble, mut results) = (None, Vec::new());
            while let Some((name, outcome)) = running.next().await {
                match outcome {
                    Outcome::Done(result) => results.push((name, result)),
                    other => trouble = trouble.or(Some(other)),
                }
            }
            if let Some(trouble) = trouble {
                return trouble;
            }
            for (name, result) in results {
                scope.set(format!("steps.{name}.outputs.result"), result);
            }
        }
        Outcome::Done(String::new())
    }

    async fn call<'a>(&'a self, call: Call<'a>, scope: Scope, path: &str) -> (&'a str, Outcome) {
        let unknown = [
            "when",
            "withItems",
            "withParam",
            "withSequence",
            "templateRef",
            "inline",
        ];
        if let Some(field) = unknown.iter().find(|field| !call.entry[**field].is_null()) {
            let message = format!(
                "task {} has {field}, which the testbed can't run",
                call.name
            );
            return (call.name, Outcome::Flawed(message));
        }
        let parameters = call.entry["arguments"]["parameters"]
            .as_array()
            .into_iter()
            .flatten();
        let arguments = parameters
            .filter_map(|one| {
                Some((
                    one["name"].as_str()?.to_string(),
                    scope.scalar(&one["value"])?,
                ))
            })
            .collect();
        let path = if path.is_empty() {
            call.name.to_string()
        } else {
            format!("{path}.{}", call.name)
        };
        let template = call.entry["template"].as_str().unwrap_or_default();
        (call.name, self.template(template, &arguments, &path).await)
    }

    /// Runs a container or a script, and tells of it in a node.
    async fn pod(&self, template: &Value, scope: &Scope, path: &str) -> Outcome {
        if self.is_cancelled() {
            return Outcome::Cancelled;
        }
        let name = template["name"].as_str().unwrap_or_default();
        let workflow = &self.workflow.key.1;
        // The only pod of a workflow is its entry.
        let (id, node) = if path.is_empty() {
            (workflow.clone(), status::entry_pod(workflow, name))
        } else {
            (
                status::pod_id(workflow, path),
                status::pod_node(workflow, path, name, "Running"),
            )
        };
        self.world.change(&self.workflow, |object| {
            object["status"]["nodes"][&id] = node;
        });
        let outcome = pod::run(self, template, scope, &id).await;
        let failure = match &outcome {
            Outcome::Failed(failure) => Some(failure),
            Outcome::Done(_) => None,
            Outcome::Cancelled | Outcome::Flawed(_) => return outcome,
        };
        self.world.change(&self.workflow, |object| {
            let node = &mut object["status"]["nodes"][&id];
            status::end_pod(node, failure);
            if let Outcome::Done(result) = &outcome {
                node["outputs"]["result"] = json!(result);
            }
        });
        outcome
    }
}

/// What all templates of a workflow know.
fn workflow_scope(workflow: &Stored, spec: &Value) -> Scope {
    let mut scope = Scope::default();
    scope.set("workflow.name", &workflow.key.1);
    scope.set("workflow.namespace", &workflow.key.0);
    scope.set("workflow.uid", &workflow.uid);
    scope.set(
        "workflow.serviceAccountName",
        spec["serviceAccountName"].as_str().unwrap_or("default"),
    );
    for (kind, pairs) in
        ["labels", "annotations"].map(|kind| (kind, &workflow.object["metadata"][kind]))
    {
        for (name, value) in pairs.as_object().into_iter().flatten() {
            scope.set(
                format!("workflow.{kind}.{name}"),
                value.as_str().unwrap_or_default(),
            );
        }
    }
    let plain = Scope::default();
    for parameter in spec["arguments"]["parameters"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let value = ["value", "default"]
            .iter()
            .find_map(|key| plain.scalar(&parameter[*key]));
        let name = parameter["name"].as_str().unwrap_or_default();
        scope.set(
            format!("workflow.parameters.{name}"),
            value.unwrap_or_default(),
        );
    }
    scope
}

fn calls(entries: &Value) -> Vec<Call<'_>> {
    let entries = entries.as_array().into_iter().flatten();
    entries
        .map(|entry| Call {
            name: entry["name"].as_str().unwrap_or_default(),
            entry,
        })
        .collect()
}

/// The tasks that a task waits for. Of `depends` only names joined by `&&` are understood.
fn needs(task: &Value) -> Vec<String> {
    let listed = task["dependencies"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let written = task["depends"].as_str().unwrap_or_default();
    let written = written
        .split("&&")
        .map(|name| name.trim().trim_end_matches(".Succeeded"));
    listed
        .chain(written)
        .filter(|name| !name.is_empty())
        .map(String::from)
        .collect()
}

fn retries(template: &Value) -> u64 {
    let limit = &template["retryStrategy"]["limit"];
    limit
        .as_u64()
        .or_else(|| limit.as_str()?.parse().ok())
        .unwrap_or_default()
}
