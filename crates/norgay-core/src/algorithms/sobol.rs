//! Points of a scrambled Sobol sequence: evenly spread in every projection, whatever their number.

use crate::algorithm::{Algorithm, AlgorithmError, Proposal, Suggestion, Trials, View};
use crate::numerics::sobol_sequence::{MAX_DIMENSIONS, SobolSequence};
use crate::space::Space;
use crate::trial::{Origin, Trial};
use crate::value::Value;

use super::{AlgorithmEntry, ArgumentEntry, Arguments, MAX_NUM_TRIALS};

/// Points in a row that may break the constraints.
const MAX_SKIPS: u32 = 100_000;
/// What the memo of a trial calls the index of its point.
const INDEX: &str = "index";

pub(super) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "sobol",
    aliases: &["SobolSearch", "quasi_random"],
    summary: "spreads the trials evenly over the space (scrambled Sobol sequence)",
    arguments: &[
        ArgumentEntry {
            name: "scramble",
            default: "true",
            help: "whether the study's seed scrambles the points",
        },
        MAX_NUM_TRIALS,
    ],
    allows_repetition: true,
    build,
};

struct SobolSearch {
    dimensions: usize,
    scramble: bool,
    max_num_trials: u64,
    /// The sequence of the seed seen last: a cache.
    sequence: Option<(u64, SobolSequence)>,
}

fn build(arguments: &Arguments<'_>, space: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    let dimensions = space.parameters().len();
    if dimensions > MAX_DIMENSIONS {
        return Err(AlgorithmError::Unsuitable {
            algorithm: ENTRY.name,
            message: format!(
                "the space has {dimensions} parameters; the sequence has at most \
                 {MAX_DIMENSIONS} dimensions"
            ),
        });
    }
    Ok(Box::new(SobolSearch {
        dimensions,
        scramble: arguments.flag("scramble", true)?,
        max_num_trials: arguments.max_num_trials()?,
        sequence: None,
    }))
}

impl SobolSearch {
    fn sequence(&mut self, seed: u64) -> Result<&SobolSequence, AlgorithmError> {
        if self
            .sequence
            .as_ref()
            .is_none_or(|(known, _)| *known != seed)
        {
            let made = if self.scramble {
                SobolSequence::scrambled(self.dimensions, seed)
            } else {
                SobolSequence::plain(self.dimensions)
            };
            self.sequence = made.map(|sequence| (seed, sequence));
        }
        self.sequence
            .as_ref()
            .map(|(_, sequence)| sequence)
            .ok_or(AlgorithmError::Unsuitable {
                algorithm: ENTRY.name,
                message: "the space has too many parameters".to_string(),
            })
    }
}

/// The index of a trial's point, if this algorithm chose the trial.
fn index_of<'a>(trials: Trials<'a>, trial: &'a Trial) -> Option<i64> {
    if trials.origin(trial) != Origin::Suggested {
        return None;
    }
    trials.memo(trial)?.get(INDEX)?.as_i64()
}

impl Algorithm for SobolSearch {
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        if view.suggested >= self.max_num_trials {
            return Ok(Suggestion::Done);
        }
        let next = view
            .trials
            .iter()
            .rev()
            .find_map(|trial| index_of(view.trials, trial))
            .map_or(0, |index| index + 1);
        let sequence = self.sequence(view.seed)?;
        for index in (next..=i64::from(u32::MAX)).take(MAX_SKIPS as usize) {
            let configuration = view.space.at(&sequence.point(index as u32));
            if view.space.is_feasible(&configuration) {
                let memo = Value::Dict([(INDEX.into(), index.into())].into());
                let reason = format!("point {index} of a Sobol sequence").into();
                return Ok(Suggestion::Trial(Proposal {
                    configuration,
                    reason,
                    memo: Some(memo),
                }));
            }
        }
        if next > i64::from(u32::MAX) {
            return Ok(Suggestion::Done);
        }
        Err(AlgorithmError::Unsuitable {
            algorithm: ENTRY.name,
            message: format!("none of {MAX_SKIPS} points in a row fulfils the constraints"),
        })
    }
}
