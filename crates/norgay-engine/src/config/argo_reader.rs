//! How trials become Argo Workflows, from a draft.

use std::path::PathBuf;

use url::{Host, Url};

use super::argo::{ArgoSettings, KeepWorkflows, Route};
use super::assemble::{Context, FieldNames};
use super::draft::{Draft, Written};
use super::execution::SchedulerKind;
use super::source_text::{Report, shown};
use crate::scheduler::argo::api::TemplateKind;

/// Longest name of a template from which workflows can be submitted: it becomes a label's value.
const LONGEST_TEMPLATE_NAME: usize = 63;
/// Longest name of a namespace.
const LONGEST_NAMESPACE: usize = 63;

/// Fields that mean nothing to a workflow.
const FOR_PROCESSES: &[&str] = &[
    "command",
    "working_folder",
    "environment",
    "resources",
    "stdout_pattern",
    "limits.memory",
];

/// Where trials run; workflow templates without a command can only mean Argo, as in the reference.
pub(super) fn scheduler_kind(draft: &Draft) -> SchedulerKind {
    match draft.text("scheduler").as_deref() {
        Some("argo") => SchedulerKind::Argo,
        _ => SchedulerKind::Local,
    }
}

/// The settings for Argo, if trials run there; all mistakes at once.
pub(super) fn argo_settings(
    draft: &Draft,
    context: &Context<'_>,
    kind: SchedulerKind,
    report: &mut Report,
) -> Option<ArgoSettings> {
    if kind != SchedulerKind::Argo {
        warn_of_unused_settings(draft, context, report);
        return None;
    }
    warn_of_process_fields(draft, report);
    if context.names == FieldNames::StudyFile && !draft.mentions("argo.template") {
        let message = "scheduler: argo needs argo.template, the name of a trial's WorkflowTemplate";
        match draft.get("argo") {
            Some(written) => written.error(report, message),
            None => report.error(&context.whole, None, message),
        }
    }
    let default = ArgoSettings::default();
    let url = url(draft, report);
    let file = |path: &str| -> Option<PathBuf> {
        let text = draft.text(path)?;
        Some(context.folder.join(text))
    };
    let settings = ArgoSettings {
        route: match draft.text("argo.route").as_deref() {
            Some("kubernetes") => Route::Kubernetes,
            _ => Route::Server,
        },
        url,
        namespace: name(draft, "argo.namespace", LONGEST_NAMESPACE, report),
        token_file: file("argo.token_file"),
        ca_file: file("argo.ca_file"),
        insecure: draft.flag("argo.insecure").unwrap_or(false),
        template: name(draft, "argo.template", LONGEST_TEMPLATE_NAME, report),
        template_kind: match draft.text("argo.template_kind").as_deref() {
            Some("ClusterWorkflowTemplate") => TemplateKind::ClusterWorkflowTemplate,
            _ => TemplateKind::WorkflowTemplate,
        },
        entrypoint: draft.text("argo.entrypoint").unwrap_or_default(),
        service_account: draft.text("argo.service_account"),
        priority: draft
            .whole("argo.priority")
            .and_then(|priority| i32::try_from(priority).ok()),
        submit_rate: submit_rate(draft, report).unwrap_or(default.submit_rate),
        keep_workflows: match draft.text("argo.keep_workflows").as_deref() {
            Some("all") => KeepWorkflows::All,
            Some("none") => KeepWorkflows::None,
            _ => KeepWorkflows::Failed,
        },
        metrics_interval_ms: draft
            .milliseconds("argo.metrics_interval")
            .filter(|interval| *interval > 0)
            .unwrap_or(default.metrics_interval_ms),
    };
    warn_of_open_doors(draft, &settings, report);
    Some(settings)
}

fn warn_of_unused_settings(draft: &Draft, context: &Context<'_>, report: &mut Report) {
    // Flags without effect are told by their own names.
    if context.names == FieldNames::StudyFile
        && draft.mentions("argo.template")
        && let Some(written) = draft.get("argo")
    {
        let message = "it has no effect without `scheduler: argo`";
        report.warn(&written.origin, Some(written.node.place), message);
    }
}

fn warn_of_process_fields(draft: &Draft, report: &mut Report) {
    for path in FOR_PROCESSES {
        if let Some(written) = draft.get(path) {
            let message = "it has no effect on Argo Workflows: the template says how a trial runs";
            report.warn(&written.origin, Some(written.node.place), message);
        }
    }
}

/// Tells of what lets others read or answer in place of the server.
fn warn_of_open_doors(draft: &Draft, settings: &ArgoSettings, report: &mut Report) {
    if settings.insecure
        && let Some(written) = draft.get("argo.insecure")
    {
        let message = "the server's certificate is not checked: whoever is on the way can take \
                       the token; better give the certificate authority with argo_ca_file";
        report.warn(&written.origin, Some(written.node.place), message);
    }
    let Ok(url) = Url::parse(&settings.url) else {
        return;
    };
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() == "http"
        && !here
        && let Some(written) = address_field(draft)
    {
        let message = "the token is sent over http:// without encryption; use https:// if you can";
        report.warn(&written.origin, Some(written.node.place), message);
    }
}

fn address_field(draft: &Draft) -> Option<&Written> {
    draft.get("argo.url").or_else(|| draft.get("argo.ip"))
}

/// The server's URL, from `url`, or from the reference's address and port.
fn url(draft: &Draft, report: &mut Report) -> String {
    let port = draft.get("argo.port");
    let Some(written) = address_field(draft) else {
        if let Some(port) = port {
            port.error(report, "it needs --argo_ip, the server's address");
        }
        return String::new();
    };
    let address = written.node.value().to_string();
    let number = port.and_then(|port| {
        let text = port.node.value().to_string();
        let number = text.trim().parse::<u16>().ok().filter(|port| *port > 0);
        if number.is_none() {
            let message = format!("'{}' is no port: a number from 1 to 65535", shown(&text));
            port.error(report, message);
        }
        number
    });
    match server_url(&address, number) {
        Ok(url) => url,
        Err(problem) => {
            written.error(report, problem);
            String::new()
        }
    }
}

/// Makes a URL of an address: a host's name, an IP address, or a URL; with a port if it has none.
pub(super) fn server_url(address: &str, port: Option<u16>) -> Result<String, String> {
    let address = address.trim();
    let text = if address.contains("://") {
        address.to_string()
    } else if address.parse::<std::net::Ipv6Addr>().is_ok() {
        format!("https://[{address}]")
    } else {
        format!("https://{address}")
    };
    let example = "such as argo.example.com or https://example.com/argo/";
    // Its text is not repeated where it may hold a password.
    let mut url =
        Url::parse(&text).map_err(|error| format!("it is no address, {example} ({error})"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(format!(
            "expected an http:// or https:// address, {example}"
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it must not hold a user or password; the token comes from ARGO_TOKEN".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("it must not have a '?' or '#', {example}"));
    }
    if let (Some(port), None) = (port, url.port()) {
        url.set_port(Some(port))
            .map_err(|()| "it can't have a port".to_string())?;
    }
    Ok(url.to_string())
}

/// A name as Kubernetes takes them; what is wrong with it is told.
fn name(draft: &Draft, path: &str, longest: usize, report: &mut Report) -> String {
    let Some(written) = draft.get(path) else {
        return String::new();
    };
    let name = written.node.as_text().unwrap_or_default();
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let sound = name.len() <= longest
        && name.chars().all(letters)
        && name.starts_with(ends)
        && name.ends_with(ends);
    if !sound {
        let message = format!(
            "'{}' is no name that Kubernetes takes: lower-case letters, digits, '-' and '.', at \
             most {longest} characters",
            shown(name)
        );
        written.error(report, message);
    }
    name.to_string()
}

fn submit_rate(draft: &Draft, report: &mut Report) -> Option<f64> {
    let rate = draft.number("argo.submit_rate")?;
    if rate > 0.0 {
        return Some(rate);
    }
    if let Some(written) = draft.get("argo.submit_rate") {
        written.error(report, "must be above 0");
    }
    None
}
