//! The object that starts a workflow, and what an argo-server would say to it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::scheduler::argo::api::{Submission, TemplateKind};
use crate::scheduler::argo::wire::{Parameter, TemplateSpec};

/// Longest value of a label.
const LONGEST_LABEL: usize = 63;

/// The workflow as it is created.
pub(super) fn body(submission: &Submission, namespace: &str, instance_id: Option<&str>) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {
            "name": submission.name,
            "namespace": namespace,
            "labels": labels(submission, instance_id),
        },
        "spec": spec(submission),
    })
}

fn labels(submission: &Submission, instance_id: Option<&str>) -> Map<String, Value> {
    let pairs = submission
        .labels
        .iter()
        .map(|(key, value)| (key.clone(), json!(value)));
    let mut labels: Map<_, _> = pairs.collect();
    // As the argo-server labels them, so that users find ours where they find others.
    let of_template = match submission.template.kind {
        TemplateKind::WorkflowTemplate => "workflows.argoproj.io/workflow-template",
        TemplateKind::ClusterWorkflowTemplate => "workflows.argoproj.io/cluster-workflow-template",
    };
    if submission.template.name.len() <= LONGEST_LABEL {
        labels.insert(of_template.to_string(), json!(submission.template.name));
    }
    if let Some(id) = instance_id {
        labels.insert(
            "workflows.argoproj.io/controller-instanceid".to_string(),
            json!(id),
        );
    }
    labels
}

fn spec(submission: &Submission) -> Value {
    let parameters: Vec<Value> = submission
        .parameters
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    let mut template = json!({"name": submission.template.name});
    if submission.template.kind == TemplateKind::ClusterWorkflowTemplate {
        template["clusterScope"] = json!(true);
    }
    let mut spec = json!({
        "workflowTemplateRef": template,
        "arguments": {"parameters": parameters},
    });
    // A template that allows only references refuses workflows with fields that say nothing.
    if !submission.entrypoint.is_empty() {
        spec["entrypoint"] = json!(submission.entrypoint);
    }
    if let Some(seconds) = submission.deadline_s {
        spec["activeDeadlineSeconds"] = json!(seconds);
    }
    if let Some(account) = &submission.service_account {
        spec["serviceAccountName"] = json!(account);
    }
    if let Some(priority) = submission.priority {
        spec["priority"] = json!(priority);
    }
    spec
}

/// All that would keep a workflow of this template from starting.
pub(super) fn problems(submission: &Submission, template: &TemplateSpec) -> Vec<String> {
    let mut problems = entrypoint_problems(submission, template);
    problems.extend(parameter_problems(
        submission,
        &template.arguments.parameters,
    ));
    problems
}

fn entrypoint_problems(submission: &Submission, template: &TemplateSpec) -> Vec<String> {
    let name = &submission.template.name;
    let wanted = [&submission.entrypoint, &template.entrypoint];
    let Some(entrypoint) = wanted.into_iter().find(|text| !text.is_empty()) else {
        return vec![format!(
            "{name} has no entrypoint of its own, and none is given"
        )];
    };
    let Some(start) = template
        .templates
        .iter()
        .find(|inner| inner.name == **entrypoint)
    else {
        let known: Vec<&str> = template
            .templates
            .iter()
            .map(|inner| inner.name.as_str())
            .collect();
        let known = known.join(", ");
        return vec![format!(
            "{name} holds no template {entrypoint}; it holds {known}"
        )];
    };
    let declared = template
        .arguments
        .parameters
        .iter()
        .map(|parameter| parameter.name.as_str());
    let given: BTreeSet<&str> = declared.chain(sent(submission)).collect();
    start
        .inputs
        .parameters
        .iter()
        .filter(|input| !input.has_value() && !given.contains(input.name.as_str()))
        .map(|input| format!("{entrypoint} of {name} needs a parameter {}", input.name))
        .collect()
}

fn sent(submission: &Submission) -> impl Iterator<Item = &str> {
    submission.parameters.iter().map(|(name, _)| name.as_str())
}

fn parameter_problems(submission: &Submission, declared: &[Parameter]) -> Vec<String> {
    let template = &submission.template.name;
    let problem = |parameter: &Parameter| {
        let name = &parameter.name;
        let value = submission.parameters.iter().find(|(sent, _)| sent == name);
        match (value, &parameter.r#enum) {
            (None, _) if parameter.has_value() => None,
            (None, _) => Some(format!("{template} needs a parameter {name}")),
            (Some((_, value)), Some(allowed)) if !allowed.iter().any(|a| text(a) == *value) => {
                let allowed: Vec<String> = allowed.iter().map(text).collect();
                let allowed = allowed.join(", ");
                Some(format!(
                    "parameter {name} of {template} is {value:?}, but has to be one of {allowed}"
                ))
            }
            _ => None,
        }
    };
    declared.iter().filter_map(problem).collect()
}

/// A value as Argo takes it.
fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::argo::api::TemplateRef;

    fn submission() -> Submission {
        Submission {
            name: "study-1-1".into(),
            template: TemplateRef {
                kind: TemplateKind::WorkflowTemplate,
                name: "trial".into(),
            },
            entrypoint: String::new(),
            parameters: vec![("b".into(), "{\"x\": 1}".into()), ("a".into(), "2".into())],
            labels: vec![("run_name".into(), "r".into())],
            service_account: None,
            priority: None,
            deadline_s: None,
        }
    }

    fn template(spec: Value) -> TemplateSpec {
        serde_json::from_value(spec).expect("a template")
    }

    #[test]
    fn a_plain_submission_says_nothing_that_it_need_not() {
        assert_eq!(
            body(&submission(), "hpo", None),
            json!({
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Workflow",
                "metadata": {"name": "study-1-1", "namespace": "hpo", "labels": {
                    "run_name": "r", "workflows.argoproj.io/workflow-template": "trial"}},
                "spec": {
                    "workflowTemplateRef": {"name": "trial"},
                    "arguments": {"parameters": [
                        {"name": "b", "value": "{\"x\": 1}"}, {"name": "a", "value": "2"}]},
                },
            })
        );
    }

    #[test]
    fn all_that_is_given_is_sent() {
        let full = Submission {
            template: TemplateRef {
                kind: TemplateKind::ClusterWorkflowTemplate,
                name: "t".into(),
            },
            entrypoint: "fit".into(),
            service_account: Some("runner".into()),
            priority: Some(-3),
            deadline_s: Some(60),
            ..submission()
        };
        let body = body(&full, "hpo", Some("mine"));
        let spec = &body["spec"];
        assert_eq!(
            spec["workflowTemplateRef"],
            json!({"name": "t", "clusterScope": true})
        );
        assert_eq!(spec["entrypoint"], "fit");
        assert_eq!(spec["serviceAccountName"], "runner");
        assert_eq!(
            (&spec["priority"], &spec["activeDeadlineSeconds"]),
            (&json!(-3), &json!(60))
        );
        let labels = &body["metadata"]["labels"];
        assert_eq!(
            labels["workflows.argoproj.io/controller-instanceid"],
            "mine"
        );
        assert_eq!(
            labels["workflows.argoproj.io/cluster-workflow-template"],
            "t"
        );
    }

    #[test]
    fn a_fitting_submission_has_no_problems() {
        let template = template(json!({
            "entrypoint": "main",
            "arguments": {"parameters": [
                {"name": "a", "enum": [1, 2]}, {"name": "depth", "value": 3}]},
            "templates": [{"name": "main", "inputs": {"parameters": [
                {"name": "b"}, {"name": "depth"}, {"name": "other", "default": ""}]}}],
        }));
        assert_eq!(problems(&submission(), &template), Vec::<String>::new());
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let template = template(json!({
            "entrypoint": "main",
            "arguments": {"parameters": [{"name": "a", "enum": ["x", "y"]}, {"name": "run_name"}]},
            "templates": [{"name": "main", "inputs": {"parameters": [{"name": "seed"}]}}],
        }));
        assert_eq!(
            problems(&submission(), &template),
            [
                "main of trial needs a parameter seed",
                "parameter a of trial is \"2\", but has to be one of x, y",
                "trial needs a parameter run_name",
            ]
        );
    }

    #[test]
    fn an_unknown_entrypoint_is_told_with_those_that_are_known() {
        let template = template(json!({"templates": [{"name": "dag"}, {"name": "fit"}]}));
        let none = problems(&submission(), &template);
        assert_eq!(
            none,
            ["trial has no entrypoint of its own, and none is given"]
        );
        let wrong = Submission {
            entrypoint: "fitt".into(),
            ..submission()
        };
        assert_eq!(
            problems(&wrong, &template),
            ["trial holds no template fitt; it holds dag, fit"]
        );
    }
}
