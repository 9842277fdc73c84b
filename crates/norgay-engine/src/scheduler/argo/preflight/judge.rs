//! What is to be thought of what was seen.

use std::collections::BTreeSet;

use super::super::api::{ApiError, Facts, Template, TemplateKind, TemplateRef};
use super::{Check, Expectations, Finding, Observed, Outcome};
use crate::config::did_you_mean;
use crate::files::AccessReport;

/// Clocks further apart are told, in milliseconds.
const SKEW_LIMIT_MS: i64 = 60_000;
/// Names that are listed at most.
const NAMES_SHOWN: usize = 10;

/// Judges what was seen: every check appears, and all findings at once.
pub fn judge(expected: &Expectations, observed: &Observed) -> Vec<Check> {
    let mut checks = vec![server(&observed.facts, &expected.namespace)];
    if let Ok(facts) = &observed.facts {
        checks.push(permissions(facts, &expected.namespace));
        checks.push(clock(facts, observed.now_ms));
    }
    let told = expected.templates.iter().zip(&observed.templates);
    for ((reference, entrypoint), told) in told {
        match told {
            Ok(Some(template)) => {
                checks.push(fine(described(reference, &expected.namespace)));
                checks.push(starts(reference, entrypoint, template));
                checks.push(has_all_parameters(reference, template, expected));
                checks.push(takes_all_parameters(reference, template, expected));
            }
            Ok(None) => checks.push(is_missing(reference, expected, &observed.names)),
            Err(error) => {
                let what = described(reference, &expected.namespace);
                checks.push(problem(what, error.to_string(), remedy(error, expected)));
            }
        }
    }
    checks.extend(dry_run(expected, observed));
    checks.push(folder(&expected.folder, &observed.access));
    checks
}

/// Whether it makes sense to ask more.
pub(super) fn is_let_in(facts: &Result<Facts, ApiError>) -> bool {
    matches!(facts, Ok(_) | Err(ApiError::Forbidden { .. }))
}

fn fine(what: String) -> Check {
    let outcome = Outcome::Fine;
    Check { what, outcome }
}

fn warning(what: String, message: String, remedy: String) -> Check {
    let outcome = Outcome::Warning(Finding { message, remedy });
    Check { what, outcome }
}

fn problem(what: String, message: String, remedy: String) -> Check {
    let outcome = Outcome::Problem(Finding { message, remedy });
    Check { what, outcome }
}

fn server(facts: &Result<Facts, ApiError>, namespace: &str) -> Check {
    match facts {
        Ok(facts) => {
            let user = facts.user.as_deref().unwrap_or("somebody it does not name");
            fine(format!(
                "{}, namespace {namespace}, as {user}",
                facts.server
            ))
        }
        Err(error) => problem(
            "the way to the cluster".to_string(),
            error.to_string(),
            error_remedy(error, namespace),
        ),
    }
}

fn remedy(error: &ApiError, expected: &Expectations) -> String {
    error_remedy(error, &expected.namespace)
}

/// What helps against an error of a call.
fn error_remedy(error: &ApiError, namespace: &str) -> String {
    match error {
        ApiError::Unauthorized { .. } => format!(
            "give a token that is valid: `kubectl create token norgay-optimizer -n {namespace}` \
             makes one; put it into the variable ARGO_TOKEN or api_exec_token, or name a file \
             that holds it with --argo_token_file"
        ),
        ApiError::Forbidden { .. } => role_remedy(namespace),
        ApiError::NameTaken { .. } => "delete that workflow".to_string(),
        ApiError::Invalid { .. } => {
            "change what it names in the template or in the study".to_string()
        }
        ApiError::Busy { .. } => "wait a minute and try again".to_string(),
        ApiError::Unavailable { .. } => {
            "see that the address is right and can be reached from here; the variables \
             HTTPS_PROXY and NO_PROXY apply"
                .to_string()
        }
    }
}

fn role_remedy(namespace: &str) -> String {
    format!(
        "bind the Role norgay-optimizer of deploy/base/roles.yaml to this user in the namespace \
         {namespace}"
    )
}

fn permissions(facts: &Facts, namespace: &str) -> Check {
    let what = "permissions".to_string();
    if facts.missing_permissions.is_empty() {
        return fine(what);
    }
    let message = format!("not allowed: {}", facts.missing_permissions.join(", "));
    problem(what, message, role_remedy(namespace))
}

fn clock(facts: &Facts, now_ms: i64) -> Check {
    let what = "the clocks of the cluster and of this machine".to_string();
    let ahead = facts.server_time_ms.map_or(0, |time| time - now_ms);
    if ahead.abs() <= SKEW_LIMIT_MS {
        return fine(what);
    }
    let message = format!("they differ by {} seconds", ahead.abs() / 1000);
    let remedy = "set this machine's clock by a time server: buckets refuse requests from 15 \
                  minutes on, and times in the results are this machine's";
    warning(what, message, remedy.to_string())
}

fn described(template: &TemplateRef, namespace: &str) -> String {
    let (kind, name) = (template.kind.name(), &template.name);
    match template.kind {
        TemplateKind::WorkflowTemplate => format!("{kind} {name} in the namespace {namespace}"),
        TemplateKind::ClusterWorkflowTemplate => format!("{kind} {name}"),
    }
}

fn is_missing(template: &TemplateRef, expected: &Expectations, names: &[String]) -> Check {
    let what = described(template, &expected.namespace);
    let known = if names.is_empty() {
        String::new()
    } else {
        format!("; there are {}", listed(names.iter().map(String::as_str)))
    };
    let guess = did_you_mean(&template.name, names.iter().map(String::as_str));
    let message = format!("there is no such template{guess}{known}");
    let remedy = "create it with `kubectl apply`, or mend its name (--workflowtemplate, \
                  argo.template), kind or namespace";
    problem(what, message, remedy.to_string())
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let shown = names.iter().take(NAMES_SHOWN).copied();
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if names.len() > NAMES_SHOWN {
        text.push_str(", ...");
    }
    text
}

fn starts(reference: &TemplateRef, entrypoint: &str, template: &Template) -> Check {
    let name = &reference.name;
    if entrypoint.is_empty() {
        return match &template.default_entrypoint {
            Some(default) => fine(format!("entrypoint {default} of {name}")),
            None => problem(
                format!("the entrypoint of {name}"),
                "neither the template nor the study names one".to_string(),
                "name one with --entrypoint or argo.entrypoint".to_string(),
            ),
        };
    }
    let what = format!("entrypoint {entrypoint} of {name}");
    let known = || template.entrypoints.iter().map(String::as_str);
    if known().any(|one| one == entrypoint) {
        return fine(what);
    }
    let guess = did_you_mean(entrypoint, known());
    let message = format!(
        "the template has none of this name{guess}; it has {}",
        listed(known())
    );
    let remedy = "mend it with --entrypoint or argo.entrypoint (for continued trials, \
                  EntrypointContinue)";
    problem(what, message, remedy.to_string())
}

fn sent(expected: &Expectations) -> impl Iterator<Item = &str> {
    let parameters = expected.sample.parameters.iter();
    parameters.map(|(name, _)| name.as_str())
}

fn has_all_parameters(
    reference: &TemplateRef,
    template: &Template,
    expected: &Expectations,
) -> Check {
    let what = format!("parameters that {} requires", reference.name);
    let optional = expected.optional.iter().map(String::as_str);
    let given: BTreeSet<&str> = sent(expected).chain(optional).collect();
    let declared = template.parameters.iter();
    let missing: Vec<&str> = declared
        .filter(|one| !one.has_value && !given.contains(one.name.as_str()))
        .map(|one| one.name.as_str())
        .collect();
    if missing.is_empty() {
        return fine(what);
    }
    let guesses = missing
        .iter()
        .map(|name| did_you_mean(name, sent(expected)));
    let message = format!(
        "no value is sent for {}{}",
        missing.join(", "),
        guesses.collect::<String>()
    );
    let remedy = "add them to the parameter text, or give them values in the template";
    problem(what, message, remedy.to_string())
}

fn takes_all_parameters(
    reference: &TemplateRef,
    template: &Template,
    expected: &Expectations,
) -> Check {
    let what = format!("parameters that are sent to {}", reference.name);
    let declared: BTreeSet<&str> = template
        .parameters
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    let is_ours = |name: &str| expected.for_norgay.iter().any(|ours| ours == name);
    let unknown: Vec<&str> = sent(expected)
        .filter(|name| !declared.contains(name) && !is_ours(name))
        .collect();
    if unknown.is_empty() {
        return fine(what);
    }
    let guesses = unknown
        .iter()
        .map(|name| did_you_mean(name, declared.iter().copied()));
    let message = format!(
        "the template does not declare {}, and Argo says nothing about that{}",
        listed(unknown.iter().copied()),
        guesses.collect::<String>()
    );
    let remedy = "declare them in the template's spec.arguments, or leave them out of the \
                  parameter text";
    warning(what, message, remedy.to_string())
}

fn dry_run(expected: &Expectations, observed: &Observed) -> Option<Check> {
    let outcome = observed.dry_run.as_ref()?;
    let what = match &expected.sample.service_account {
        // Argo accepts any; the pods of one that does not exist are refused later.
        Some(account) => format!(
            "a trial's workflow, tried without starting it (except that its service account \
             {account} exists)"
        ),
        None => "a trial's workflow, tried without starting it".to_string(),
    };
    Some(match outcome {
        Ok(_) | Err(ApiError::NameTaken { .. }) => fine(what),
        Err(error) => problem(what, error.to_string(), remedy(error, expected)),
    })
}

fn folder(folder: &str, access: &Result<AccessReport, String>) -> Check {
    let what = format!("writing, reading and deleting in {folder}");
    let report = match access {
        Ok(report) => report,
        Err(error) => {
            let remedy = "see output_path, the storage's address (S3_ENDPOINT or \
                          AWS_ENDPOINT_URL), its keys, and what they allow";
            return problem(what, error.clone(), remedy.to_string());
        }
    };
    let skew = report.clock_skew.as_secs().abs();
    if skew * 1000 <= SKEW_LIMIT_MS {
        return fine(what);
    }
    let message = format!("the storage's clock differs from this machine's by {skew} seconds");
    let remedy =
        "set this machine's clock by a time server: requests are refused from 15 minutes on";
    warning(what, message, remedy.to_string())
}
