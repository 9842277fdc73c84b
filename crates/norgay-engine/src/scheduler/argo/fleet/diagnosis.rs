//! Why a workflow failed: the script's own fault, or that of the place where it ran.

use super::action::Explanation;
use crate::scheduler::argo::api::{FailedPod, Phase};
use crate::scheduler::{EndedBy, Exit};

/// Exit code of a process that was killed by SIGKILL, as shells and containers tell it.
const KILLED: i32 = 137;
/// Exit code of a process that was ended by SIGTERM.
const TERMINATED: i32 = 143;
/// Exit codes by which Argo's own helper in the pod says that it failed, not the command.
const ARGO_HELPER: [i32; 2] = [64, 65];

/// Words by which the cluster says that the machine was taken away.
const PRE_EMPTION: &[&str] = &[
    "evicted",
    "preempt",
    "node shutdown",
    "nodeshutdown",
    "nodelost",
    "shutdown in progress",
    "terminated in response to imminent node shutdown",
    "node was low on resource",
    "taintmanager",
    "pod deleted",
    "pod was terminated",
    "deleted during",
];
/// Words by which the cluster says that it could not run the pod.
const PLATFORM: &[&str] = &[
    "imagepullbackoff",
    "errimagepull",
    "pod failed before",
    "failed to create pod",
    "init container",
    "failedmount",
    "unexpectedadmissionerror",
    "exceeded quota",
];
const OUT_OF_MEMORY: &[&str] = &["oomkilled", "out of memory"];
const DEADLINE: &[&str] = &[
    "exceeded its deadline",
    "max duration limit exceeded",
    "deadlineexceeded",
    "active on the node longer than",
];
/// The containers that Argo puts beside the script's own, as messages begin with them.
const ARGO_CONTAINERS: &[&str] = &["init: ", "wait: "];
/// Words by which the controller refuses a workflow that nothing checked before.
const INVALID: &str = "invalid spec";
const STOPPED: &[&str] = &["stopped with strategy", "terminated with strategy"];

/// What an attempt's end is told to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The exit of the step that failed.
    pub exit: Exit,
    /// What ended it, if that was not the script.
    pub ended_by: Option<EndedBy>,
    /// The last lines, and what the cluster says.
    pub log_tail: String,
}

/// Reads the end of a failed workflow from its phase, its message and its first failed pod.
pub fn diagnose(phase: &Phase, message: &str, explanation: &Explanation) -> Verdict {
    let pods = explanation
        .workflow
        .as_ref()
        .map_or(&[][..], |workflow| workflow.failed_pods.as_slice());
    // What failed first made the others end.
    let pod = pods.first();
    let words = format!("{} {message}", pod.map_or("", |pod| pod.message.as_str()));
    let exit_code = pod.and_then(|pod| pod.exit_code);
    let ended_by = if words.contains(INVALID) {
        None
    } else {
        cause(phase, &words.to_lowercase(), exit_code, pod)
    };
    let is_invalid = words.contains(INVALID);
    Verdict {
        exit: match exit_code {
            _ if is_invalid => Exit::NotStarted,
            code => code.map_or(Exit::Unknown, Exit::Code),
        },
        ended_by,
        log_tail: log_tail(message, pod, &explanation.logs),
    }
}

fn cause(
    phase: &Phase,
    words: &str,
    exit_code: Option<i32>,
    pod: Option<&FailedPod>,
) -> Option<EndedBy> {
    let says = |list: &[&str]| list.iter().any(|word| words.contains(word));
    if says(OUT_OF_MEMORY) {
        Some(EndedBy::MemoryLimit)
    } else if says(PRE_EMPTION) {
        Some(EndedBy::PreEmption)
    } else if says(DEADLINE) {
        Some(EndedBy::TimeLimit)
    } else if says(STOPPED) {
        Some(EndedBy::Elsewhere)
    } else if says(PLATFORM)
        || ARGO_CONTAINERS.iter().any(|name| words.starts_with(name))
        || exit_code.is_some_and(|code| ARGO_HELPER.contains(&code))
    {
        Some(EndedBy::Platform)
    } else if matches!(exit_code, Some(KILLED | TERMINATED)) {
        // Nobody says why: the machine took it, or the kernel for want of memory.
        Some(EndedBy::PreEmption)
    } else if exit_code.is_some_and(|code| code != 0) {
        None
    } else if *phase == Phase::Error || pod.is_none_or(|pod| pod.phase == "Error") {
        Some(EndedBy::Platform)
    } else {
        None
    }
}

fn log_tail(message: &str, pod: Option<&FailedPod>, logs: &str) -> String {
    let mut lines = vec![logs.trim_end().to_string()];
    if let Some(pod) = pod {
        lines.push(format!(
            "norgay: step {} {}{}",
            pod.step,
            pod.phase.to_lowercase(),
            told(&pod.message)
        ));
    }
    if pod.is_none_or(|pod| pod.message != message) && !message.is_empty() {
        lines.push(format!("norgay: the workflow says: {message}"));
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

fn told(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::argo::api::Workflow;

    fn verdict(phase: &Phase, message: &str, pod: Option<(&str, Option<i32>)>) -> Verdict {
        let failed_pods = pod.into_iter().map(|(message, exit_code)| FailedPod {
            step: "fit".into(),
            phase: "Failed".into(),
            message: message.into(),
            exit_code,
        });
        let workflow = Workflow {
            failed_pods: failed_pods.collect(),
            ..Workflow::default()
        };
        let explanation = Explanation {
            workflow: Some(workflow),
            logs: "last line\n".into(),
        };
        diagnose(phase, message, &explanation)
    }

    #[test]
    fn a_script_that_fails_is_its_own_fault() {
        let verdict = verdict(
            &Phase::Failed,
            "child 'x' failed",
            Some(("Error (exit code 3)", Some(3))),
        );
        assert_eq!((verdict.exit, verdict.ended_by), (Exit::Code(3), None));
        assert!(verdict.log_tail.starts_with("last line\nnorgay: step fit"));
    }

    #[test]
    fn the_machines_faults_are_told_apart() {
        for (message, code, expected) in [
            ("OOMKilled (exit code 137)", Some(137), EndedBy::MemoryLimit),
            (
                "The node was low on resource: memory",
                None,
                EndedBy::PreEmption,
            ),
            ("Evicted", Some(137), EndedBy::PreEmption),
            ("pod deleted", None, EndedBy::PreEmption),
            ("Error (exit code 143)", Some(143), EndedBy::PreEmption),
            (
                "Pod failed before main container starts",
                None,
                EndedBy::Platform,
            ),
            ("Error (exit code 64)", Some(64), EndedBy::Platform),
            ("init: Error (exit code 1)", Some(1), EndedBy::Platform),
            ("wait: Error (exit code 1)", Some(0), EndedBy::Platform),
            (
                "Pod was active on the node longer than the specified deadline",
                None,
                EndedBy::TimeLimit,
            ),
        ] {
            let verdict = verdict(&Phase::Failed, "child failed", Some((message, code)));
            assert_eq!(verdict.ended_by, Some(expected), "{message}");
        }
    }

    #[test]
    fn an_error_of_argo_is_the_platforms() {
        let verdict = verdict(&Phase::Error, "template not found", None);
        assert_eq!(verdict.ended_by, Some(EndedBy::Platform));
        assert!(verdict.log_tail.contains("template not found"));
    }

    #[test]
    fn a_workflow_that_is_wrong_in_itself_is_not_started() {
        let message = "invalid spec: spec.arguments.seconds.value is required";
        let verdict = verdict(&Phase::Failed, message, None);
        assert_eq!((verdict.exit, verdict.ended_by), (Exit::NotStarted, None));
    }

    #[test]
    fn a_workflow_that_somebody_else_stopped_is_no_failure_of_the_script() {
        let verdict = verdict(&Phase::Failed, "Stopped with strategy 'Terminate'", None);
        assert_eq!(verdict.ended_by, Some(EndedBy::Elsewhere));
    }
}
