//! What an attempt's end means for its trial.

use norgay_core::decision::Told;
use norgay_core::definition::StudyDefinition;
use norgay_core::trial::{FailureCause, Trial};

use super::job::JobMaker;
use crate::metrics_file::{LIMIT_BYTES, parse_metrics, parse_result};
use crate::retention::trial_folder;
use crate::scheduler::{EndedBy, Exit, JobEnd, ResultFile};

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
        (Some(EndedBy::PreEmption), _) => {
            failed(FailureCause::PreEmpted, "its machine was taken away".into())
        }
        (Some(EndedBy::Platform), _) => failed(
            FailureCause::ClusterError,
            "the cluster could not run it".into(),
        ),
        (Some(EndedBy::Elsewhere), _) if stopping => Told::Stopped,
        (Some(EndedBy::Elsewhere), _) => failed(
            FailureCause::UserError,
            "somebody stopped its workflow".into(),
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
    if let Some(result) = &end.result {
        return fetched(result, jobs, trial, definition, &no_metric);
    }
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

/// Reads the file that the scheduler has fetched.
fn fetched(
    result: &ResultFile,
    jobs: &JobMaker,
    trial: &Trial,
    definition: &StudyDefinition,
    no_metric: &dyn Fn(String) -> Told,
) -> Told {
    let path = &result.path;
    let bytes = match &result.content {
        Ok(Some(bytes)) => bytes,
        // Metrics that arrived while it ran may be all there is.
        Ok(None) if jobs.metrics_file().is_none() && !trial.measurements.is_empty() => {
            return Told::Finished {
                step: None,
                metrics: Vec::new(),
            };
        }
        Ok(None) => return no_metric(format!("it ended well but left no metrics file {path}")),
        Err(problem) => return no_metric(problem.clone()),
    };
    let objective = &definition.objective.name;
    let metrics = if result.is_envelope {
        parse_result(bytes, trial.number, trial.attempt(), objective)
    } else {
        parse_metrics(bytes, objective)
    };
    match metrics {
        Ok(metrics) => Told::Finished {
            // The reference counts a trial that knows no epochs as iteration 0 (CS-104).
            step: final_step(jobs, trial, definition)
                .or_else(|| trial.measurements.is_empty().then_some(0)),
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
