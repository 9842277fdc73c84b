//! The results table: which rows and columns a study has, as in the reference.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use norgay_core::definition::{Objective, StudyDefinition};
use norgay_core::trial::{Measurement, Trial, TrialState};
use norgay_core::{Study, Value};

/// Column with the trial's number.
pub(super) const TRIAL_ID: &str = "Trial-ID";
/// Column with the row's status.
pub(super) const STATUS: &str = "Status";
/// Column with the step.
pub(super) const ITERATION: &str = "Iteration";
/// Column with the objective.
pub(super) const OBJECTIVE: &str = "Objective";

/// Column that tells whether a completed trial is on the front of several objectives.
pub(super) const FRONT: &str = "Front";
/// Column that tells whether a trial keeps the outcome constraints.
pub(super) const FEASIBLE: &str = "Feasible";

const CONTEXT_PREFIX: &str = "context.";

/// What a row tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowStatus {
    /// One measurement.
    Intermediate,
    /// A completed trial's best measurement.
    Completed,
    /// A failed trial's best measurement, if it has one.
    Failed,
    /// The same of a pruned or cancelled trial.
    Stopped,
}

impl RowStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Intermediate,
        Self::Completed,
        Self::Failed,
        Self::Stopped,
    ];

    /// The reference's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Intermediate => "INTERMEDIATE",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Stopped => "STOPPED",
        }
    }

    /// The status of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// The status of a finished trial's last row; `None` while it is not finished.
    pub fn of(state: TrialState) -> Option<Self> {
        match state {
            TrialState::Queued | TrialState::Running => None,
            TrialState::Completed => Some(Self::Completed),
            TrialState::Failed => Some(Self::Failed),
            TrialState::Pruned | TrialState::Cancelled => Some(Self::Stopped),
        }
    }
}

/// One row of the table. An empty cell is `None`; `Some(Value::None)` is Python's `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The trial's number.
    pub trial: u64,
    /// What the row tells of.
    pub status: RowStatus,
    /// The step, in a finished trial's last row the largest; 0 if nothing was measured.
    pub iteration: u64,
    /// The objective.
    pub objective: Option<Value>,
    /// Cells of the parameter columns; inactive parameters are empty.
    pub parameters: Arc<[Option<Value>]>,
    /// Cells of the context columns; there may be fewer than columns, the rest is empty.
    pub context: Vec<Option<Value>>,
}

/// The columns of a study's table, and which metric goes where.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    parameters: Vec<Arc<str>>,
    context: Vec<Arc<str>>,
    /// Position among the context columns by name of the metric.
    positions: HashMap<Arc<str>, usize>,
    renamed: Vec<(Arc<str>, Arc<str>)>,
    /// Where it is told which trials are on the front, and their numbers.
    front: Option<(usize, BTreeSet<u64>)>,
    /// Where it is told which trials are feasible.
    feasible: Option<usize>,
}

impl Columns {
    /// The columns of a study: its parameters and whatever algorithms added to configurations,
    /// sorted by bytes; then all metrics in the order of their first rows, sorted within a row;
    /// then whether a trial is on the front of several objectives, and whether it is feasible.
    pub fn of(study: &Study) -> Self {
        let space = study.definition().space.parameters();
        let mut parameters: BTreeSet<Arc<str>> = space.iter().map(|p| p.name.clone()).collect();
        for trial in study.trials().iter().filter(|trial| has_rows(trial)) {
            for (name, _) in trial.configuration.entries() {
                if !parameters.contains(name) {
                    parameters.insert(name.clone());
                }
            }
        }
        let mut columns = Self::default();
        let measurements = study.trials().iter().flat_map(|trial| &trial.measurements);
        for measurement in measurements {
            let mut new: Vec<Arc<str>> = measurement
                .metrics
                .iter()
                .filter(|(name, _)| !columns.positions.contains_key(name))
                .map(|(name, _)| name.clone())
                .collect();
            new.sort_unstable();
            new.dedup();
            for name in new {
                columns.add_context(name, &parameters);
            }
        }
        columns.parameters = parameters.into_iter().collect();
        columns.add_outcomes(study);
        columns
    }

    fn add_context(&mut self, name: Arc<str>, parameters: &BTreeSet<Arc<str>>) {
        let taken = |name: &str| {
            [TRIAL_ID, STATUS, ITERATION, OBJECTIVE, FRONT, FEASIBLE].contains(&name)
                || parameters.contains(name)
        };
        let column = column_name(&name, taken);
        if column != name {
            self.renamed.push((name.clone(), column.clone()));
        }
        self.positions.insert(name, self.context.len());
        self.context.push(column);
    }

    fn add_outcomes(&mut self, study: &Study) {
        if !study.definition().more_objectives.is_empty() {
            let front = study.front().iter().map(|trial| trial.number).collect();
            self.front = Some((self.context.len(), front));
            self.context.push(FRONT.into());
        }
        if !study.definition().outcome_constraints.is_empty() {
            self.feasible = Some(self.context.len());
            self.context.push(FEASIBLE.into());
        }
    }

    /// Names of the parameter columns.
    pub fn parameters(&self) -> &[Arc<str>] {
        &self.parameters
    }

    /// Names of the context columns.
    pub fn context(&self) -> &[Arc<str>] {
        &self.context
    }

    /// Metrics whose name another column has, with the name of the column that they got instead.
    pub fn renamed(&self) -> &[(Arc<str>, Arc<str>)] {
        &self.renamed
    }

    /// Names of all columns in order.
    pub fn names(&self) -> Vec<&str> {
        names(&self.parameters, &self.context)
    }

    /// The rows of a trial: one a measurement, then, if it is finished, one of the whole trial.
    pub fn rows_of<'a>(
        &'a self,
        trial: &'a Trial,
        definition: &'a StudyDefinition,
    ) -> impl Iterator<Item = Row> + 'a {
        let objective = &definition.objective;
        let parameters: Arc<[Option<Value>]> = self
            .parameters
            .iter()
            .map(|name| trial.configuration.get(name).cloned())
            .collect();
        let shared = parameters.clone();
        let intermediate = trial.measurements.iter().map(move |measurement| Row {
            trial: trial.number,
            status: RowStatus::Intermediate,
            iteration: measurement.step,
            objective: objective_cell(measurement, objective),
            parameters: shared.clone(),
            context: self.context_cells(measurement),
        });
        let last = RowStatus::of(trial.state).map(move |status| {
            let best = definition.deciding_measurement(trial);
            Row {
                trial: trial.number,
                status,
                iteration: trial.last_step().unwrap_or(0),
                objective: best.and_then(|best| objective_cell(best, objective)),
                parameters,
                context: self.whole_cells(trial, best),
            }
        });
        intermediate.chain(last)
    }

    /// The context cells of a finished trial's last row.
    fn whole_cells(&self, trial: &Trial, best: Option<&Measurement>) -> Vec<Option<Value>> {
        let mut cells = best.map_or_else(Vec::new, |best| self.context_cells(best));
        let front = self.front.as_ref();
        let front = front.map(|(place, front)| (*place, front.contains(&trial.number)));
        let feasible = self.feasible.map(|place| (place, trial.violation() <= 0.0));
        for (place, truth) in front.into_iter().chain(feasible) {
            if trial.outcome.is_some() {
                cells.resize(cells.len().max(place + 1), None);
                cells[place] = Some(Value::Bool(truth));
            }
        }
        cells
    }

    fn context_cells(&self, measurement: &Measurement) -> Vec<Option<Value>> {
        let mut cells = Vec::with_capacity(measurement.metrics.len());
        for (name, value) in &measurement.metrics {
            let Some(&position) = self.positions.get(name) else {
                continue;
            };
            if cells.len() <= position {
                cells.resize(position + 1, None);
            }
            cells[position] = Some(value.clone());
        }
        cells
    }
}

/// A whole table in memory, as read from a file or taken from a study.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResultsTable {
    /// Names of the parameter columns.
    pub parameters: Vec<Arc<str>>,
    /// Names of the context columns.
    pub context: Vec<Arc<str>>,
    /// The rows in order.
    pub rows: Vec<Row>,
}

impl ResultsTable {
    /// The table of a study: trials in the order of their numbers.
    pub fn of(study: &Study) -> Self {
        let columns = Columns::of(study);
        let definition = study.definition();
        let trials = study.trials().iter();
        let rows = trials
            .flat_map(|trial| columns.rows_of(trial, definition))
            .collect();
        Self {
            rows,
            parameters: columns.parameters,
            context: columns.context,
        }
    }

    /// Names of all columns in order.
    pub fn names(&self) -> Vec<&str> {
        names(&self.parameters, &self.context)
    }
}

pub(super) fn names<'a>(parameters: &'a [Arc<str>], context: &'a [Arc<str>]) -> Vec<&'a str> {
    let parameters = parameters.iter().map(AsRef::as_ref);
    let context = context.iter().map(AsRef::as_ref);
    [TRIAL_ID, STATUS, ITERATION]
        .into_iter()
        .chain(parameters)
        .chain([OBJECTIVE])
        .chain(context)
        .collect()
}

fn has_rows(trial: &Trial) -> bool {
    !trial.measurements.is_empty() || trial.state.is_final()
}

/// The column of a metric: its name, prefixed if another column has that name.
///
/// A metric that is called like such a prefixed column gets one prefix more, so that no two
/// metrics share a column.
fn column_name(name: &Arc<str>, taken: impl Fn(&str) -> bool) -> Arc<str> {
    let mut base = name.as_ref();
    loop {
        if taken(base) {
            return format!("{CONTEXT_PREFIX}{name}").into();
        }
        match base.strip_prefix(CONTEXT_PREFIX) {
            Some(rest) => base = rest,
            None => return name.clone(),
        }
    }
}

/// The objective as it was reported, so that a whole number stays one; NaN is an empty cell.
fn objective_cell(measurement: &Measurement, objective: &Objective) -> Option<Value> {
    let number = measurement.objective.filter(|number| !number.is_nan())?;
    let reported = measurement
        .metrics
        .iter()
        .find(|(name, _)| *name == objective.name);
    Some(reported.map_or(Value::Float(number), |(_, value)| value.clone()))
}
