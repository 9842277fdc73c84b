//! Judgements of made-up observations.

use jiff::SignedDuration;

use super::super::api::{DeclaredParameter, TemplateKind};
use super::*;

fn parameter(name: &str, has_value: bool) -> DeclaredParameter {
    let name = name.to_string();
    DeclaredParameter { name, has_value }
}

fn expected() -> Expectations {
    let template = TemplateRef {
        kind: TemplateKind::WorkflowTemplate,
        name: "moulding-trial".into(),
    };
    let sent = ["units", "run_name", "WorkflowTemplateContinue"];
    Expectations {
        namespace: "factory".into(),
        templates: vec![(template.clone(), "dag".into())],
        sample: Submission {
            name: "moulding-1-0".into(),
            template,
            entrypoint: "dag".into(),
            parameters: sent.map(|name| (name.into(), "1".into())).into(),
            labels: Vec::new(),
            service_account: None,
            priority: None,
            deadline_s: None,
        },
        optional: vec!["learning_rate".into(), "norgay_params".into()],
        for_norgay: vec!["WorkflowTemplateContinue".into()],
        folder: "s3://bucket/run/".into(),
    }
}

/// A cluster that takes the study.
fn observed() -> Observed {
    let template = Template {
        entrypoints: vec!["dag".into(), "fit".into()],
        default_entrypoint: Some("dag".into()),
        parameters: vec![
            parameter("units", false),
            parameter("learning_rate", false),
            parameter("run_name", true),
            parameter("seed", true),
        ],
        edition: "u/1".into(),
    };
    Observed {
        facts: Ok(Facts {
            server: "argo-server v4.1.2".into(),
            user: Some("service account factory/norgay".into()),
            server_time_ms: Some(1_000_000),
            missing_permissions: Vec::new(),
        }),
        templates: vec![Ok(Some(template))],
        names: Vec::new(),
        dry_run: Some(Ok(Workflow::default())),
        access: Ok(AccessReport {
            clock_skew: SignedDuration::ZERO,
            conditional_writes: true,
        }),
        now_ms: 1_059_000,
    }
}

fn template_of(observed: &mut Observed) -> &mut Template {
    let Some(Ok(Some(template))) = observed.templates.first_mut() else {
        panic!("the template is there");
    };
    template
}

/// Everything that is not as it should be, as it is shown.
fn findings(observed: &Observed) -> Vec<String> {
    let checks = judge(&expected(), observed);
    let found = checks.iter().filter(|check| check.finding().is_some());
    found.map(ToString::to_string).collect()
}

fn the_one(observed: &Observed) -> (Check, String) {
    let checks = judge(&expected(), observed);
    let mut found = checks.into_iter().filter(|check| check.finding().is_some());
    let (Some(first), None) = (found.next(), found.next()) else {
        panic!("not one finding: {:?}", findings(observed));
    };
    let text = first.to_string();
    (first, text)
}

fn holds(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "no {word:?} in: {text}");
    }
}

#[test]
fn a_cluster_that_takes_the_study_has_no_finding() {
    assert_eq!(findings(&observed()), Vec::<String>::new());
    let checks = judge(&expected(), &observed());
    let first = checks[0].to_string();
    holds(&first, &["argo-server v4.1.2", "factory", "factory/norgay"]);
    assert_eq!(checks.len(), 9);
}

#[test]
fn a_missing_template_is_told_with_what_may_have_been_meant() {
    let mut seen = observed();
    seen.templates = vec![Ok(None)];
    seen.names = vec!["molding-trial".into(), "other".into()];
    seen.dry_run = None;
    let (check, text) = the_one(&seen);
    assert!(check.is_problem());
    holds(
        &text,
        &[
            "moulding-trial",
            "namespace factory",
            "did you mean 'molding-trial'?",
        ],
    );
}

#[test]
fn an_entrypoint_must_be_one_of_the_templates() {
    let mut seen = observed();
    template_of(&mut seen).entrypoints = vec!["dags".into()];
    let (check, text) = the_one(&seen);
    assert!(check.is_problem());
    holds(
        &text,
        &["entrypoint dag", "did you mean 'dags'?", "--entrypoint"],
    );
}

#[test]
fn without_any_entrypoint_nothing_can_start() {
    let mut plan = expected();
    plan.templates[0].1.clear();
    let mut seen = observed();
    assert!(!judge(&plan, &seen).iter().any(Check::is_problem));
    template_of(&mut seen).default_entrypoint = None;
    assert!(judge(&plan, &seen).iter().any(Check::is_problem));
}

#[test]
fn required_parameters_must_be_sent() {
    let mut seen = observed();
    let declared = &mut template_of(&mut seen).parameters;
    declared.push(parameter("batch_size", false));
    let (check, text) = the_one(&seen);
    assert!(check.is_problem());
    holds(&text, &["batch_size", "parameter text"]);
}

#[test]
fn undeclared_parameters_are_doubtful_only() {
    let mut seen = observed();
    template_of(&mut seen).parameters[0] = parameter("unit", true);
    let (check, text) = the_one(&seen);
    assert!(!check.is_problem());
    holds(&text, &["units", "did you mean 'unit'?"]);
    assert!(!text.contains("WorkflowTemplateContinue"), "{text}");
}

#[test]
fn all_problems_are_told_at_once() {
    let server = "the argo-server".to_string();
    let mut seen = observed();
    let Ok(facts) = &mut seen.facts else {
        panic!("let in");
    };
    facts.missing_permissions = vec!["watch workflows".into()];
    facts.server_time_ms = Some(1_000_000 + 120_000);
    template_of(&mut seen)
        .parameters
        .push(parameter("seed2", false));
    let message = "parameter is missing".to_string();
    seen.dry_run = Some(Err(ApiError::Invalid { server, message }));
    seen.access = Err("the bucket is not there".into());
    let told = findings(&seen).join("\n");
    holds(
        &told,
        &[
            "not allowed: watch workflows",
            "deploy/base/roles.yaml",
            "differ by 61 seconds",
            "no value is sent for seed2",
            "parameter is missing",
            "the bucket is not there",
        ],
    );
}

#[test]
fn who_is_not_let_in_learns_how_and_what_else_is_wrong() {
    let mut seen = observed();
    seen.facts = Err(ApiError::Unauthorized {
        server: "the argo-server".into(),
        message: "token not valid".into(),
    });
    seen.templates.clear();
    seen.dry_run = None;
    seen.access = Err("no such bucket".into());
    let told = findings(&seen).join("\n");
    let ways = ["ARGO_TOKEN", "api_exec_token", "--argo_token_file"];
    holds(&told, &ways);
    holds(&told, &["no such bucket", "output_path"]);
}

#[test]
fn a_taken_name_shows_that_the_workflow_would_be_accepted() {
    let mut seen = observed();
    let name = "moulding-1-0".to_string();
    seen.dry_run = Some(Err(ApiError::NameTaken { name }));
    assert_eq!(findings(&seen), Vec::<String>::new());
}

#[test]
fn a_bucket_with_another_time_is_doubtful() {
    let mut seen = observed();
    seen.access = Ok(AccessReport {
        clock_skew: SignedDuration::from_secs(-90),
        conditional_writes: true,
    });
    let (check, text) = the_one(&seen);
    assert!(!check.is_problem());
    holds(&text, &["90 seconds"]);
}
