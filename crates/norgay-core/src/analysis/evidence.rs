//! The trials that an analysis rests on.

use crate::numerics::random_forest::{Data, Feature, Forest, Settings};
use crate::random::{Purpose, Stream};
use crate::space::{Columns, Space};
use crate::trial::{Trial, TrialState};

/// Values without which there is nothing to analyse.
pub const FEWEST: usize = 4;
/// Values beyond which the analysis takes a part of them, evenly spread over the study.
const MOST: usize = 1_000;
/// Trees of a forest that is asked for shares rather than for the next trial.
const TREES: usize = 64;

/// Why there is no analysis.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AnalysisError {
    /// Too few trials have a finite value.
    #[error("an analysis needs {FEWEST} completed trials with a finite value; there are {found}")]
    TooFew {
        /// How many there are.
        found: usize,
    },
    /// Nothing differs.
    #[error("all {found} values are the same: there is nothing that parameters could explain")]
    NoVariation {
        /// How many there are.
        found: usize,
    },
    /// A parameter's name is wrong.
    #[error("there is no parameter '{name}'; the space has {known}")]
    UnknownParameter {
        /// The name given.
        name: String,
        /// The space's parameters.
        known: String,
    },
    /// The parameters are never active at the same time.
    #[error("the parameters are never active together")]
    NeverActive,
    /// A trial's number is wrong.
    #[error("there is no trial {number}; the study has {trials}")]
    UnknownTrial {
        /// The number given.
        number: u64,
        /// How many trials there are.
        trials: usize,
    },
}

/// Configurations and their values.
#[derive(Clone, Debug)]
pub struct Evidence<'a> {
    /// The space of the configurations.
    pub space: &'a Space,
    pub(super) columns: Columns,
    pub(super) features: Vec<Feature>,
    pub(super) rows: Vec<Vec<f64>>,
    /// One value a row, all finite; as reported, whatever the direction.
    pub(super) values: Vec<f64>,
    pub(super) lower_is_better: bool,
}

impl<'a> Evidence<'a> {
    /// Takes the completed trials with a finite value of an objective, counted from 0.
    pub fn of<'b>(
        space: &'a Space,
        trials: impl IntoIterator<Item = &'b Trial>,
        objective: usize,
        lower_is_better: bool,
    ) -> Self {
        let columns = Columns::new(space);
        let mut this = Self {
            space,
            features: columns.features(),
            columns,
            rows: Vec::new(),
            values: Vec::new(),
            lower_is_better,
        };
        let completed = trials
            .into_iter()
            .filter(|trial| trial.state == TrialState::Completed);
        for trial in completed {
            if let Some(value) = trial.values().get(objective).filter(|v| v.is_finite()) {
                this.rows
                    .push(this.columns.row(space, &trial.configuration));
                this.values.push(*value);
            }
        }
        this.thin();
        this
    }

    fn thin(&mut self) {
        let count = self.values.len();
        if count <= MOST {
            return;
        }
        let kept: Vec<usize> = (0..MOST).map(|k| k * count / MOST).collect();
        self.rows = kept.iter().map(|k| self.rows[*k].clone()).collect();
        self.values = kept.iter().map(|k| self.values[*k]).collect();
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub(super) fn check(&self) -> Result<(), AnalysisError> {
        let found = self.len();
        if found < FEWEST {
            return Err(AnalysisError::TooFew { found });
        }
        if self.values.iter().all(|value| *value == self.values[0]) {
            return Err(AnalysisError::NoVariation { found });
        }
        Ok(())
    }

    /// The positions of the parameters that have more than one value.
    pub(super) fn varying(&self) -> Vec<usize> {
        let parameters = self.space.parameters().iter().enumerate();
        parameters
            .filter(|(_, parameter)| parameter.domain.cardinality() != Some(1))
            .map(|(position, _)| position)
            .collect()
    }

    /// A forest of the values.
    pub(super) fn forest(&self) -> Forest {
        let mut data = Data::new(self.features.len());
        for (row, value) in self.rows.iter().zip(&self.values) {
            data.push(row, *value);
        }
        let settings = Settings {
            trees: TREES,
            ..Settings::default()
        };
        let mut stream = Stream::new(0, 0, Purpose::Model);
        Forest::fit(&self.features, &data, &settings, &mut stream)
    }
}
