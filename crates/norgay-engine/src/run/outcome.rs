//! What an attempt's end means for its trial.

use norgay_core::decision::Told;
use norgay_core::definition::StudyDefinition;
use norgay_core::trial::{FailureCause, Trial};

use super::job::JobMaker;
use crate::metrics_file::{LIMIT_BYTES, parse_metrics};
use crate::retention::trial_folder;
use crate::scheduler::{EndedBy, Exit, JobEnd};

/// Exit codes by which a trial says how it ended.
pub mod exit_code {
    /// Pre-empted: queue me again.
    pub const PRE_EMPTED: i32 = 75;
    /// Stopped by its own decision, as `should_stop` told it.
    pub const PRUNED: i32 = 76;
    /// This configuration can't work.
    pub const INFEASIBLE: i32 = 77;
}

const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;

/// Reads an attempt's end, and its metrics file if it ended well.
pub(super) fn told(
    end: &JobEnd,
    jobs: &JobMaker,
    trial: &Trial,
    definition: &StudyDefinition,
    stopping: bool,
) -> Told {
    let failed = |cause, what: String| Told::Failed {
        cause,
        message: with_log(what, end),
    };
    match (end.ended_by, end.exit) {
        (Some(EndedBy::TimeLimit), _) => {
            failed(FailureCause::TimedOut, "it ran past its time limit".into())
        }
        (Some(EndedBy::MemoryLimit), _) => failed(
            FailureCause::OutOfMemory,
            "it needed more memory than it may have".into(),
        ),
        (Some(EndedBy::StopRequest), _) | (None, Exit::Code(exit_code::PRUNED)) => Told::Stopped,
        (None, Exit::Code(0)) => finished(jobs, trial, definition, end),
        (None, Exit::Code(exit_code::PRE_EMPTED)) => failed(
            FailureCause::PreEmpted,
            "it asked to be queued again".into(),
        ),
        (None, Exit::Code(exit_code::INFEASIBLE)) => failed(
            FailureCause::Infeasible,
            "it called its configuration infeasible".into(),
        ),
        (None, Exit::Code(_) | Exit::Signal(_)) if stopping => Told::Stopped,
        (None, Exit::Code(code)) => failed(FailureCause::UserError, format!("exit code {code}")),
        (None, Exit::Signal(SIGTERM)) => failed(
            FailureCause::PreEmpted,
            "somebody else ended it (SIGTERM)".into(),
        ),
        (None, Exit::Signal(SIGKILL)) => failed(
            FailureCause::Lost,
            "somebody else killed it (SIGKILL)".into(),
        ),
        (None, Exit::Signal(signal)) => {
            failed(FailureCause::UserError, format!("signal {signal} ended it"))
        }
        (None, Exit::NotStarted) => {
            failed(FailureCause::UserError, "it could not be started".into())
        }
        (None, Exit::Unknown) => failed(FailureCause::Lost, "it vanished without a record".into()),
    }
}

fn with_log(what: String, end: &JobEnd) -> String {
    match end.log_tail.trim_end() {
        "" => what,
        tail => format!("{what}; its last lines:\n{tail}"),
    }
}

fn finished(jobs: &JobMaker, trial: &Trial, definition: &StudyDefinition, end: &JobEnd) -> Told {
    let no_metric = |message: String| Told::Failed {
        cause: FailureCause::NoMetric,
        message: with_log(message, end),
    };
    let Some(file) = jobs.metrics_file() else {
        return Told::Finished {
            step: None,
            metrics: Vec::new(),
        };
    };
    let path = format!("{}/{file}", trial_folder(trial));
    let bytes = match jobs.base().read(&path, LIMIT_BYTES as u64) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            return no_metric(format!("it ended well but left no metrics file {path}"));
        }
        Err(error) => return no_metric(error.to_string()),
    };
    match parse_metrics(&bytes, &definition.objective.name) {
        Ok(metrics) => Told::Finished {
            step: final_step(jobs, trial, definition),
            metrics,
        },
        Err(error) => no_metric(format!("metrics file {path}: {error}")),
    }
}

/// The step of the final metrics: `epochs` of what the trial was given, unless it reported
/// steps of its own (sherpa-spec 3.4).
fn final_step(jobs: &JobMaker, trial: &Trial, definition: &StudyDefinition) -> Option<u64> {
    if !trial.measurements.is_empty() {
        return None;
    }
    let given = jobs.parameters(&definition.space, trial).ok()?;
    let epochs = given.iter().find(|(name, _)| name == "epochs")?;
    epochs
        .1
        .as_i64()
        .and_then(|number| u64::try_from(number).ok())
}
