//! Iterate: the configurations of a given list, in order.

use crate::algorithm::{Algorithm, AlgorithmError, Proposal, Suggestion, View};
use crate::configuration::Configuration;
use crate::space::Space;

use super::{AlgorithmEntry, ArgumentEntry, Arguments, MAX_NUM_TRIALS, REQUIRED};

pub(super) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "iterate",
    aliases: &[],
    summary: "tries the configurations of a list, in order",
    arguments: &[
        ArgumentEntry {
            name: "hp_iter",
            default: REQUIRED,
            help: "the configurations: a list of dicts, each with a value of every parameter",
        },
        MAX_NUM_TRIALS,
    ],
    allows_repetition: true,
    build,
};

struct Iterate {
    configurations: Vec<Configuration>,
    max_num_trials: u64,
}

fn build(arguments: &Arguments<'_>, space: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    let name = "hp_iter";
    let given = arguments.required(name)?;
    let items = given.as_items().ok_or_else(|| {
        let found = given.type_name();
        arguments.wrong(name, format!("it must be a list of dicts, not a {found}"))
    })?;
    let mut configurations = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let place = format!("{name}[{index}]");
        let configuration = space
            .validated(&arguments.configuration(&place, item)?, |_| false)
            .map_err(|error| arguments.wrong(&place, error.to_string()))?;
        configurations.push(configuration);
    }
    Ok(Box::new(Iterate {
        configurations,
        max_num_trials: arguments.max_num_trials()?,
    }))
}

impl Algorithm for Iterate {
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        if view.suggested >= self.max_num_trials {
            return Ok(Suggestion::Done);
        }
        let index = usize::try_from(view.suggested).unwrap_or(usize::MAX);
        let Some(configuration) = self.configurations.get(index) else {
            return Ok(Suggestion::Done);
        };
        let (place, all) = (index + 1, self.configurations.len());
        Ok(Suggestion::Trial(Proposal {
            configuration: configuration.clone(),
            reason: format!("configuration {place} of {all} given").into(),
            memo: None,
        }))
    }
}
