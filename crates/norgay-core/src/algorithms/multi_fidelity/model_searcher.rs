//! New configurations from another algorithm, which sees one trial for each configuration.

use crate::algorithm::{Algorithm, AlgorithmError, Suggestion, Trials, View};
use crate::algorithms::build;
use crate::definition::AlgorithmChoice;
use crate::random::{Purpose, Stream};
use crate::space::Space;

use super::halving::{Found, RandomSearcher, Searcher};
use super::rungs::Rungs;
use super::shadows::{Sight, shadows};

/// Asks an algorithm for most configurations.
pub(super) struct ModelSearcher {
    inner: Box<dyn Algorithm>,
    sight: Sight,
    /// The part of the configurations that are random all the same.
    random_share: f64,
}

impl ModelSearcher {
    pub(super) fn new(
        name: &str,
        space: &Space,
        sight: Sight,
        random_share: f64,
    ) -> Result<Self, AlgorithmError> {
        let choice = AlgorithmChoice {
            name: name.to_string(),
            arguments: Vec::new(),
        };
        Ok(Self {
            inner: build(&choice, space)?,
            sight,
            random_share,
        })
    }
}

impl Searcher for ModelSearcher {
    fn search(
        &mut self,
        view: &View<'_>,
        rungs: &Rungs<'_>,
        level: usize,
    ) -> Result<Found, AlgorithmError> {
        let mut stream = Stream::new(view.seed, view.next_number, Purpose::Selection);
        if stream.unit() >= self.random_share {
            let trials = shadows(view, rungs, self.sight);
            let inner = View {
                suggested: trials.len() as u64,
                budget: None,
                trials: Trials::all(&trials),
                ..*view
            };
            if let Suggestion::Trial(proposal) = self.inner.suggest(&inner)? {
                return Ok(Found {
                    configuration: proposal.configuration,
                    origin: proposal.reason.to_string(),
                    memo: proposal.memo,
                });
            }
        }
        RandomSearcher.search(view, rungs, level)
    }
}
