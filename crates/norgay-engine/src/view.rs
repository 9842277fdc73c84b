//! Studies and trials as JSON: the one form in which every face of Norgay shows them.

use norgay_core::event::FinishReason;
use norgay_core::study::Study;
use norgay_core::trial::{AttemptEnd, Trial};
use serde_json::{Map, Value as Json, json};

/// A study in short.
pub fn study_json(name: &str, study: &Study, now_ms: i64) -> Json {
    let counts = study.counts();
    let definition = study.definition();
    let mut view = json!({
        "name": name,
        "status": study.status(),
        "finished": study.finished().map(FinishReason::in_words),
        "algorithm": definition.algorithm.name,
        "objective": {
            "name": definition.objective.name,
            "direction": definition.objective.direction.name(),
        },
        "trials": {
            "total": counts.total(), "budget": definition.budget.trials,
            "queued": counts.queued, "running": counts.running,
            "completed": counts.completed, "pruned": counts.pruned,
            "failed": counts.failed, "cancelled": counts.cancelled,
        },
        "best": study.incumbent().map(|trial| json!({
            "trial": trial.number,
            "value": trial.value.map(number_json),
            "parameters": parameters_json(trial),
        })),
        "created": time_text(study.created_ms()),
        "updated": time_text(study.updated_ms()),
        "busy_s": study.busy_ms(now_ms) as f64 / 1000.0,
        "seed": definition.seed,
    });
    if let (true, Some(entries)) = (definition.has_outcomes(), view.as_object_mut()) {
        let objectives = definition.objectives().map(
            |objective| json!({ "name": objective.name, "direction": objective.direction.name() }),
        );
        entries.insert("objectives".into(), objectives.collect());
        let constraints = definition.outcome_constraints.iter();
        let constraints = constraints.map(|constraint| Json::from(constraint.to_string()));
        entries.insert("outcome_constraints".into(), constraints.collect());
        let front = study
            .front()
            .into_iter()
            .map(|trial| Json::from(trial.number));
        entries.insert("front".into(), front.collect());
    }
    view
}

/// A trial; with its measurements if `whole`.
pub fn trial_json(trial: &Trial, whole: bool) -> Json {
    let mut view = json!({
        "trial": trial.number,
        "state": trial.state.name(),
        "cause": trial.cause.map(norgay_core::trial::FailureCause::name),
        "value": trial.value.map(number_json),
        "parameters": parameters_json(trial),
        "attempt": trial.attempt(),
        "reason": trial.reason,
        "created": time_text(trial.created_ms),
        "run_time_s": trial.run_time_ms() as f64 / 1000.0,
        "message": trial.last_attempt().and_then(|attempt| attempt.message.as_deref()),
    });
    if let (Some(outcome), Some(entries)) = (&trial.outcome, view.as_object_mut()) {
        let numbers = |values: &[f64]| values.iter().copied().map(number_json).collect::<Json>();
        entries.insert("values".into(), numbers(&outcome.values));
        entries.insert("constraints".into(), numbers(&outcome.constraints));
        entries.insert("feasible".into(), outcome.is_feasible().into());
    }
    if whole && let Some(entries) = view.as_object_mut() {
        entries.insert("attempts".into(), attempts_json(trial));
        entries.insert("measurements".into(), measurements_json(trial));
    }
    view
}

/// The parameters of a trial by name.
pub fn parameters_json(trial: &Trial) -> Json {
    let entries = trial.configuration.entries().iter();
    entries
        .map(|(name, value)| (name.to_string(), value.to_json()))
        .collect::<Map<_, _>>()
        .into()
}

fn attempts_json(trial: &Trial) -> Json {
    let attempts = trial.attempts.iter().enumerate().map(|(index, attempt)| {
        json!({
            "attempt": index + 1,
            "scheduler": attempt.scheduler,
            "started": time_text(attempt.started_ms),
            "ended": attempt.ended_ms.map(time_text),
            "end": attempt.end.map(AttemptEnd::name),
            "message": attempt.message,
        })
    });
    attempts.collect()
}

fn measurements_json(trial: &Trial) -> Json {
    let measurements = trial.measurements.iter().map(|measurement| {
        let metrics: Map<String, Json> = measurement
            .metrics
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_json()))
            .collect();
        json!({ "step": measurement.step, "attempt": measurement.attempt, "metrics": metrics })
    });
    measurements.collect()
}

/// A number, or its name where JSON has no number for it.
fn number_json(number: f64) -> Json {
    norgay_core::Value::Float(number).to_json()
}

/// A time as people and programs read it: ISO 8601 in UTC.
fn time_text(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).map_or_else(|_| at_ms.to_string(), |t| t.to_string())
}
