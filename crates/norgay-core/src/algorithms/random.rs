//! Random search: independent samples of the space.
//!
//! Source: Bergstra and Bengio, "Random search for hyper-parameter optimization", JMLR 13 (2012).

use crate::algorithm::{Algorithm, AlgorithmError, Proposal, Suggestion, View};
use crate::random::{Purpose, Stream};
use crate::space::Space;

use super::{AlgorithmEntry, Arguments, MAX_NUM_TRIALS};

pub(super) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "random",
    aliases: &["RandomSearch", "random_search"],
    summary: "samples every parameter independently",
    arguments: &[MAX_NUM_TRIALS],
    allows_repetition: true,
    build,
};

struct RandomSearch {
    max_num_trials: u64,
}

fn build(arguments: &Arguments<'_>, _: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    Ok(Box::new(RandomSearch {
        max_num_trials: arguments.max_num_trials()?,
    }))
}

impl Algorithm for RandomSearch {
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        if view.suggested >= self.max_num_trials {
            return Ok(Suggestion::Done);
        }
        let mut stream = Stream::new(view.seed, view.next_number, Purpose::Sample);
        let configuration = view.space.sample(&mut stream)?;
        Ok(Suggestion::Trial(Proposal {
            configuration,
            reason: "random sample".into(),
            memo: None,
        }))
    }
}
