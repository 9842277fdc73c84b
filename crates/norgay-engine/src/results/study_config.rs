//! What a study is about, for other programs: as JSON, as a pickle, and its space alone.

use norgay_core::space::{Condition, Domain, Parameter, Scale};
use norgay_core::trial::{FailureCause, TrialState};
use norgay_core::{Study, Value};

use super::WriteError;
use super::plain::Plain;

const CONFIG_JSON: &str = "study_config.json";
const CONFIG_PICKLE: &str = "study_config.pkcl";
const PARAMETERS_JSON: &str = "optimization_parameters.json";

/// `study_config.json`: space, objective, algorithm, seed, budget and rules of a study.
///
/// Nothing of how trials are run is in it, since that may hold secrets.
pub fn study_config_json(study: &Study, name: &str) -> Result<Vec<u8>, WriteError> {
    config(study, name, CONFIG_JSON)?.to_json(CONFIG_JSON)
}

/// `study_config.pkcl`: the same as a pickle of plain containers.
///
/// The reference's `parameters`, `lower_is_better` and `num_trials` are there; its parameters are
/// dicts, not objects of classes that only its library has.
pub fn study_config_pickle(study: &Study, name: &str) -> Result<Vec<u8>, WriteError> {
    config(study, name, CONFIG_PICKLE)?.to_pickle(CONFIG_PICKLE)
}

/// `optimization_parameters.json`: the space in the form in which users write one.
///
/// Constraints have no place in that form; they are in [`study_config_json`].
pub fn optimization_parameters_json(study: &Study) -> Result<Vec<u8>, WriteError> {
    let parameters = study.definition().space.parameters();
    let entries = parameters
        .iter()
        .map(|parameter| (parameter.name.to_string(), Plain::Object(fields(parameter))));
    Plain::Object(entries.collect()).to_json(PARAMETERS_JSON)
}

fn config(study: &Study, name: &str, file: &'static str) -> Result<Plain, WriteError> {
    let definition = study.definition();
    let space = &definition.space;
    let parameters = space.parameters().iter().map(|parameter| {
        let mut entries = vec![("name".to_string(), Plain::text(&parameter.name))];
        entries.extend(fields(parameter));
        Plain::Object(entries)
    });
    let constraints = space.constraints().iter();
    let retries = definition.retry.retries.iter();
    let retries = retries.map(|(cause, count)| (cause_name(*cause), Plain::Whole((*count).into())));
    let objective = &definition.objective;
    let entries = [
        ("name", Plain::text(name)),
        ("parameters", Plain::List(parameters.collect())),
        (
            "constraints",
            Plain::List(constraints.map(|c| Plain::text(c.text())).collect()),
        ),
        ("objective", Plain::text(&objective.name)),
        ("direction", Plain::of(&objective.direction, file)?),
        (
            "lower_is_better",
            Plain::flag(objective.direction.lower_is_better()),
        ),
        ("value", Plain::of(&objective.value, file)?),
        ("objectives", objectives(study, file)?),
        ("outcome_constraints", outcome_constraints(study)),
        ("algorithm", algorithm(study)),
        ("seed", Plain::Whole(definition.seed)),
        ("budget", Plain::of(&definition.budget, file)?),
        ("retries", Plain::Object(retries.collect())),
        ("stopping_rule", Plain::of(&definition.stopping_rule, file)?),
        ("status", Plain::text(study.status())),
        ("num_trials", Plain::Whole(study.trials().len() as u64)),
        ("trials_by_state", counts(study)),
    ];
    let entries = entries.map(|(key, value)| (key.to_string(), value));
    Ok(Plain::Object(entries.into()))
}

fn objectives(study: &Study, file: &'static str) -> Result<Plain, WriteError> {
    let entries = study.definition().objectives().map(|objective| {
        let direction = Plain::of(&objective.direction, file)?;
        Ok(Plain::Object(vec![
            ("name".into(), Plain::text(&objective.name)),
            ("direction".into(), direction),
        ]))
    });
    Ok(Plain::List(entries.collect::<Result<_, WriteError>>()?))
}

fn outcome_constraints(study: &Study) -> Plain {
    let constraints = study.definition().outcome_constraints.iter();
    Plain::List(constraints.map(|c| Plain::text(&c.to_string())).collect())
}

fn cause_name(cause: FailureCause) -> String {
    cause.name().to_string()
}

fn algorithm(study: &Study) -> Plain {
    let algorithm = &study.definition().algorithm;
    let arguments = algorithm.arguments.iter();
    let arguments = arguments.map(|(name, value)| (name.clone(), Plain::Value(value.clone())));
    Plain::Object(vec![
        ("name".into(), Plain::text(&algorithm.name)),
        ("arguments".into(), Plain::Object(arguments.collect())),
    ])
}

fn counts(study: &Study) -> Plain {
    let counts = study.counts();
    let by_state = [
        (TrialState::Queued, counts.queued),
        (TrialState::Running, counts.running),
        (TrialState::Completed, counts.completed),
        (TrialState::Pruned, counts.pruned),
        (TrialState::Failed, counts.failed),
        (TrialState::Cancelled, counts.cancelled),
    ];
    let entries = by_state.map(|(state, count)| (state.name().to_string(), Plain::Whole(count)));
    Plain::Object(entries.into())
}

/// A parameter's fields but its name, as a user would declare them.
fn fields(parameter: &Parameter) -> Vec<(String, Plain)> {
    let mut fields = domain_fields(&parameter.domain);
    if !parameter.conditions.is_empty() {
        fields.push(("when", when(&parameter.conditions)));
    }
    if !parameter.mutable {
        fields.push(("mutable", Plain::flag(false)));
    }
    let named = fields.into_iter();
    named.map(|(key, value)| (key.to_string(), value)).collect()
}

fn domain_fields(domain: &Domain) -> Vec<(&'static str, Plain)> {
    let scale_of = |scale: Scale| match scale {
        Scale::Linear => Plain::text("linear"),
        Scale::Log => Plain::text("log"),
    };
    let list = |items: Vec<Value>| Plain::Value(Value::from(items));
    let numeric = |kind, low: Value, high: Value, scale, step: Option<Value>| {
        let mut fields = vec![
            ("type", Plain::text(kind)),
            ("range", list(vec![low, high])),
            ("scale", scale_of(scale)),
        ];
        fields.extend(step.map(|step| ("step", Plain::Value(step))));
        fields
    };
    match domain {
        Domain::Continuous {
            low,
            high,
            scale,
            step,
        } => numeric(
            "Continuous",
            (*low).into(),
            (*high).into(),
            *scale,
            step.map(Value::from),
        ),
        Domain::Discrete {
            low,
            high,
            scale,
            step,
        } => numeric(
            "Discrete",
            (*low).into(),
            (*high).into(),
            *scale,
            step.map(Value::from),
        ),
        Domain::Ordinal { values } => vec![
            ("type", Plain::text("Ordinal")),
            ("range", list(values.clone())),
        ],
        Domain::Choice { values } => vec![
            ("type", Plain::text("Choice")),
            ("range", list(values.clone())),
        ],
        Domain::Constant { value } => vec![
            ("type", Plain::text("Constant")),
            ("value", Plain::Value(value.clone())),
        ],
    }
}

/// Conditions as `{parent: [values]}`; several on one parent become the values common to them.
fn when(conditions: &[Condition]) -> Plain {
    let mut joined: Vec<(String, Vec<Value>)> = Vec::with_capacity(conditions.len());
    for condition in conditions {
        let parent = condition.parent.as_ref();
        match joined.iter_mut().find(|(known, _)| known == parent) {
            None => joined.push((parent.to_string(), condition.values.clone())),
            Some((_, values)) => values.retain(|value| {
                let mut wanted = condition.values.iter();
                wanted.any(|wanted| wanted.means_the_same(value))
            }),
        }
    }
    let entries = joined.into_iter();
    Plain::Object(
        entries
            .map(|(parent, values)| (parent, Plain::Value(Value::from(values))))
            .collect(),
    )
}
