//! From the body of a submission to a workflow, and what is checked before it is created.

use serde_json::{Map, Value, json};

use crate::labels::{LONGEST_LABEL, check_metadata, parse_pairs};
use crate::refusal::{Reason, Refusal};
use crate::templates::{TemplateKind, Templates};

/// The largest object that the cluster's storage takes.
const LARGEST_OBJECT: usize = 1_500_000;
/// What is left of a prefix for a name that the cluster makes up.
const LONGEST_PREFIX: usize = 58;

/// A submission as it was asked for.
pub(crate) struct Submission {
    pub(crate) workflow: Value,
    /// Ask the cluster, but create nothing.
    pub(crate) server_dry_run: bool,
    /// Check, but don't even ask the cluster.
    pub(crate) dry_run: bool,
}

/// Reads the body of a submission. Keys are taken in any case, as Go's JSON reader does, and
/// those that nobody knows are passed over.
pub(crate) fn read_submission(
    body: &Value,
    namespace: &str,
    templates: &Templates,
) -> Result<Submission, Refusal> {
    let kind_name = text(body, "resourceKind");
    let kind = TemplateKind::parse(&kind_name).ok_or_else(|| {
        Refusal::bad_request(format!(
            "Resource kind '{kind_name}' is not supported for submitting"
        ))
    })?;
    let name = text(body, "resourceName");
    templates.get(kind, namespace, &name)?;
    let nothing = Value::Null;
    let options = field(body, "submitOptions").unwrap_or(&nothing);
    let mut workflow = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {
            "generateName": format!("{name}-"),
            "namespace": namespace,
            "labels": {kind.label(): name},
        },
        "spec": {"arguments": {}, "workflowTemplateRef": {"name": name}},
        "status": {"startedAt": null, "finishedAt": null},
    });
    if kind == TemplateKind::Cluster {
        workflow["spec"]["workflowTemplateRef"]["clusterScope"] = json!(true);
    }
    apply_options(options, &mut workflow)?;
    Ok(Submission {
        workflow,
        server_dry_run: flag(options, "serverDryRun"),
        dry_run: flag(options, "dryRun"),
    })
}

fn apply_options(options: &Value, workflow: &mut Value) -> Result<(), Refusal> {
    for (option, target) in [("name", "name"), ("generateName", "generateName")] {
        let value = text(options, option);
        if !value.is_empty() {
            workflow["metadata"][target] = json!(value);
        }
    }
    for (option, target) in [
        ("entryPoint", "entrypoint"),
        ("serviceAccount", "serviceAccountName"),
        ("podPriorityClassName", "podPriorityClassName"),
    ] {
        let value = text(options, option);
        if !value.is_empty() {
            workflow["spec"][target] = json!(value);
        }
    }
    if let Some(priority) = field(options, "priority").and_then(Value::as_i64) {
        workflow["spec"]["priority"] = json!(priority);
    }
    for target in ["labels", "annotations"] {
        let pairs = text(options, target);
        if !pairs.is_empty() {
            extend(&mut workflow["metadata"][target], parse_pairs(&pairs)?);
        }
    }
    let parameters = parse_parameters(field(options, "parameters"))?;
    if !parameters.is_empty() {
        workflow["spec"]["arguments"]["parameters"] = Value::Array(parameters);
    }
    Ok(())
}

fn extend(target: &mut Value, pairs: Map<String, Value>) {
    match target.as_object_mut() {
        Some(map) => map.extend(pairs),
        None => *target = Value::Object(pairs),
    }
}

fn parse_parameters(given: Option<&Value>) -> Result<Vec<Value>, Refusal> {
    let mut parameters: Vec<Value> = Vec::new();
    for parameter in given.and_then(Value::as_array).into_iter().flatten() {
        let parameter = parameter.as_str().unwrap_or_default();
        let Some((name, value)) = parameter.split_once('=') else {
            let message =
                format!("expected parameter of the form: NAME=VALUE. Received: {parameter}");
            return Err(Refusal::bad_request(message));
        };
        let read = json!({"name": name, "value": value});
        match parameters.iter_mut().find(|one| one["name"] == name) {
            Some(same) => *same = read,
            None => parameters.push(read),
        }
    }
    Ok(parameters)
}

/// A field of an object, its name in any case.
pub(crate) fn field<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let (_, value) = object
        .as_object()?
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(value)
}

/// A text field of an object, its name in any case; empty if there is none.
pub(crate) fn text(object: &Value, name: &str) -> String {
    field(object, name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_string()
}

/// Whether a field of an object is true, its name in any case.
pub(crate) fn flag(object: &Value, name: &str) -> bool {
    field(object, name)
        .and_then(Value::as_bool)
        .unwrap_or_default()
}

/// Gives a workflow the name that the cluster makes up, if it has only a prefix.
pub(crate) fn complete_name(workflow: &mut Value, number: u64) {
    let metadata = &mut workflow["metadata"];
    if metadata["name"]
        .as_str()
        .is_some_and(|name| !name.is_empty())
    {
        return;
    }
    let prefix: String = metadata["generateName"]
        .as_str()
        .unwrap_or_default()
        .chars()
        .take(LONGEST_PREFIX)
        .collect();
    metadata["name"] = json!(format!("{prefix}{:05x}", number & 0xf_ffff));
}

/// What an argo-server checks in a workflow.
pub(crate) fn validate(workflow: &Value, templates: &Templates) -> Result<(), Refusal> {
    let name = workflow["metadata"]["name"].as_str().unwrap_or_default();
    if name.len() > LONGEST_LABEL {
        let message = format!(
            "workflow name \"{name}\" must not be more than 63 characters long (currently {})",
            name.len()
        );
        return Err(Refusal::bad_request(message));
    }
    let spec = templates.resolve(workflow)?;
    let entrypoint = spec["entrypoint"].as_str().unwrap_or_default();
    if entrypoint.is_empty() {
        return Err(Refusal::bad_request("spec.entrypoint is required"));
    }
    let inner = spec["templates"].as_array().into_iter().flatten();
    if !inner.into_iter().any(|one| one["name"] == entrypoint) {
        return Err(Refusal::bad_request(format!(
            "template name '{entrypoint}' not found"
        )));
    }
    for parameter in spec["arguments"]["parameters"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let has_value = ["value", "default", "valueFrom"]
            .iter()
            .any(|key| !parameter[key].is_null());
        if !has_value {
            let name = parameter["name"].as_str().unwrap_or_default();
            let message = format!(
                "spec.arguments.{name}.value or spec.arguments.{name}.valueFrom is required"
            );
            return Err(Refusal::bad_request(message));
        }
    }
    Ok(())
}

/// What the Kubernetes API below checks in a workflow.
pub(crate) fn check_object(workflow: &Value) -> Result<(), Refusal> {
    check_metadata("Workflow", workflow)?;
    let size = workflow.to_string().len();
    if size <= LARGEST_OBJECT {
        return Ok(());
    }
    let reason = if size <= 2 * LARGEST_OBJECT {
        Reason::Internal
    } else {
        Reason::TooLarge
    };
    Err(Refusal::new(reason, "etcdserver: request is too large"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn templates() -> Templates {
        let mut templates = Templates::default();
        templates.put(json!({
            "kind": "WorkflowTemplate",
            "metadata": {"name": "trial"},
            "spec": {
                "entrypoint": "main",
                "arguments": {"parameters": [{"name": "x"}, {"name": "y", "value": "1"}]},
                "templates": [{"name": "main"}, {"name": "other"}],
            },
        }));
        templates
    }

    fn submit(options: Value) -> Result<Value, Refusal> {
        let body = json!({"resourceKind": "WorkflowTemplate", "resourceName": "trial", "submitOptions": options});
        let mut workflow = read_submission(&body, "argo", &templates())?.workflow;
        complete_name(&mut workflow, 7);
        validate(&workflow, &templates())?;
        check_object(&workflow)?;
        Ok(workflow)
    }

    #[test]
    fn options_are_read_in_any_case_and_unknown_ones_are_passed_over() {
        let options =
            json!({"name": "a", "entrypoint": "other", "PARAMETERS": ["x=1=2"], "nonsense": 1});
        let workflow = submit(options).unwrap();
        assert_eq!(workflow["spec"]["entrypoint"], "other");
        assert_eq!(
            workflow["spec"]["arguments"]["parameters"],
            json!([{"name": "x", "value": "1=2"}])
        );
    }

    #[test]
    fn a_workflow_says_which_template_it_is_from() {
        let workflow = submit(json!({"labels": "a=b", "parameters": ["x=1"]})).unwrap();
        assert_eq!(
            workflow["metadata"]["labels"],
            json!({"a": "b", "workflows.argoproj.io/workflow-template": "trial"})
        );
        assert_eq!(workflow["metadata"]["name"], "trial-00007");
    }

    #[test]
    fn a_prefix_is_cut_so_that_the_name_fits() {
        let workflow =
            submit(json!({"generateName": "p".repeat(80), "parameters": ["x=1"]})).unwrap();
        assert_eq!(workflow["metadata"]["name"].as_str().unwrap().len(), 63);
    }

    #[test]
    fn what_cannot_run_is_refused() {
        let message = |options: Value| submit(options).unwrap_err().message;
        assert_eq!(
            message(json!({})),
            "spec.arguments.x.value or spec.arguments.x.valueFrom is required"
        );
        assert_eq!(
            message(json!({"parameters": ["x"]})),
            "expected parameter of the form: NAME=VALUE. Received: x"
        );
        assert_eq!(
            message(json!({"parameters": ["x=1"], "entryPoint": "gone"})),
            "template name 'gone' not found"
        );
        assert!(
            message(json!({"parameters": ["x=1"], "name": "n".repeat(64)}))
                .contains("(currently 64)")
        );
        assert!(
            message(json!({"parameters": ["x=1"], "labels": format!("a={}", "v".repeat(64))}))
                .contains("63 bytes")
        );
        let large = format!("x={}", "v".repeat(1_600_000));
        assert_eq!(
            message(json!({"parameters": [large]})),
            "etcdserver: request is too large"
        );
    }

    #[test]
    fn unknown_kinds_and_templates_are_refused() {
        let refusal = |kind: &str, name: &str| {
            let body = json!({"resourceKind": kind, "resourceName": name});
            read_submission(&body, "argo", &templates()).err().unwrap()
        };
        assert_eq!(refusal("Pod", "trial").reason, Reason::BadRequest);
        assert_eq!(refusal("wftmpl", "gone").reason, Reason::NotFound);
        assert_eq!(
            refusal("cwft", "trial").message,
            "clusterworkflowtemplates.argoproj.io \"trial\" not found"
        );
    }
}
