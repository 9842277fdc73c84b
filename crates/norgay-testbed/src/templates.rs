//! The templates that a cluster holds.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::refusal::Refusal;
use crate::time;

/// The two kinds of templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TemplateKind {
    Namespaced,
    Cluster,
}

impl TemplateKind {
    /// Its name in an object.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Namespaced => "WorkflowTemplate",
            Self::Cluster => "ClusterWorkflowTemplate",
        }
    }

    /// Its name in an address.
    pub(crate) fn resource(self) -> &'static str {
        match self {
            Self::Namespaced => "workflowtemplates",
            Self::Cluster => "clusterworkflowtemplates",
        }
    }

    /// The label that tells which template a workflow was submitted from.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Namespaced => "workflows.argoproj.io/workflow-template",
            Self::Cluster => "workflows.argoproj.io/cluster-workflow-template",
        }
    }

    /// The kind that is meant by a name in any of its forms.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "workflowtemplate" | "workflowtemplates" | "wftmpl" => Some(Self::Namespaced),
            "clusterworkflowtemplate" | "clusterworkflowtemplates" | "clusterwftmpl" | "cwft" => {
                Some(Self::Cluster)
            }
            _ => None,
        }
    }
}

/// All templates; those of a namespace are in all namespaces of this stand-in.
#[derive(Default)]
pub(crate) struct Templates {
    held: BTreeMap<(TemplateKind, String), Value>,
    edits: u64,
}

impl Templates {
    /// Adds a template or takes the place of one; its kind is in the object.
    pub(crate) fn put(&mut self, mut template: Value) {
        let kind = TemplateKind::parse(template["kind"].as_str().unwrap_or_default())
            .unwrap_or(TemplateKind::Namespaced);
        let name = template["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_string();
        let before = self.held.get(&(kind, name.clone()));
        let generation =
            before.map_or(0, |one| one["metadata"]["generation"].as_u64().unwrap_or(0)) + 1;
        self.edits += 1;
        let uid = before.map_or_else(
            || json!(format!("template-{}", self.edits)),
            |one| one["metadata"]["uid"].clone(),
        );
        let metadata = &mut template["metadata"];
        metadata["uid"] = uid;
        metadata["generation"] = json!(generation);
        metadata["resourceVersion"] = json!(self.edits.to_string());
        metadata["creationTimestamp"] = json!(time::now());
        template["kind"] = json!(kind.name());
        template["apiVersion"] = json!("argoproj.io/v1alpha1");
        self.held.insert((kind, name), template);
    }

    /// Takes a template away.
    pub(crate) fn remove(&mut self, name: &str) {
        self.held.retain(|(_, held), _| held != name);
    }

    /// A template as it is in this namespace.
    pub(crate) fn get(
        &self,
        kind: TemplateKind,
        namespace: &str,
        name: &str,
    ) -> Result<Value, Refusal> {
        let found = self.held.get(&(kind, name.to_string()));
        let mut template = found
            .cloned()
            .ok_or_else(|| Refusal::not_found(kind.resource(), name))?;
        if kind == TemplateKind::Namespaced {
            template["metadata"]["namespace"] = json!(namespace);
        }
        Ok(template)
    }

    /// All templates of a kind.
    pub(crate) fn list(&self, kind: TemplateKind, namespace: &str) -> Vec<Value> {
        let names = self.held.keys().filter(|(held, _)| *held == kind);
        names
            .filter_map(|(_, name)| self.get(kind, namespace, name).ok())
            .collect()
    }

    /// The specification that a workflow runs: the template's that it names, with its own
    /// settings above it, or its own alone.
    pub(crate) fn resolve(&self, workflow: &Value) -> Result<Value, Refusal> {
        let own = workflow["spec"].as_object().cloned().unwrap_or_default();
        let Some(reference) = own.get("workflowTemplateRef").filter(|one| one.is_object()) else {
            return Ok(Value::Object(own));
        };
        let kind = match reference["clusterScope"].as_bool() {
            Some(true) => TemplateKind::Cluster,
            _ => TemplateKind::Namespaced,
        };
        let namespace = workflow["metadata"]["namespace"]
            .as_str()
            .unwrap_or_default();
        let template = self.get(
            kind,
            namespace,
            reference["name"].as_str().unwrap_or_default(),
        )?;
        Ok(merged(
            template["spec"].as_object().cloned().unwrap_or_default(),
            own,
        ))
    }
}

fn merged(mut base: Map<String, Value>, own: Map<String, Value>) -> Value {
    let parameters = merged_parameters(base.get("arguments"), own.get("arguments"));
    base.extend(
        own.into_iter()
            .filter(|(key, _)| key != "workflowTemplateRef"),
    );
    base.insert("arguments".into(), json!({"parameters": parameters}));
    Value::Object(base)
}

/// The template's parameters with the workflow's in the place of those of the same name.
fn merged_parameters(base: Option<&Value>, own: Option<&Value>) -> Vec<Value> {
    let parameters = |arguments: Option<&Value>| {
        arguments
            .and_then(|one| one["parameters"].as_array())
            .cloned()
            .unwrap_or_default()
    };
    let mut merged = parameters(base);
    for parameter in parameters(own) {
        match merged
            .iter_mut()
            .find(|one| one["name"] == parameter["name"])
        {
            Some(same) => *same = parameter,
            None => merged.push(parameter),
        }
    }
    merged
}
