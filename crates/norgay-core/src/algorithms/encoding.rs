//! A search space as a box of numbers, for models that measure distances.
//!
//! Numeric parameters become a coordinate in [0, 1] on the parameter's scale, with equally likely
//! values equally far apart; categorical ones become the code of their label. An inactive
//! parameter is imputed (the middle, or a code of its own), so that two configurations in which it
//! is inactive are at no distance there, and its parent's own difference tells branches apart.
//!
//! The encoding does not depend on the order in which parameters and labels are declared.

use crate::configuration::Configuration;
use crate::random::Stream;
use crate::space::{Domain, Space};
use crate::value::Value;

/// Numeric parameters of at most so many values are searched value by value.
const MAX_LEVELS: u64 = 256;
/// The code of an inactive categorical parameter.
const INACTIVE_CODE: f64 = -1.0;
/// The coordinate of an inactive numeric parameter.
const INACTIVE_PLACE: f64 = 0.5;

/// How the values of one dimension lie.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Axis {
    /// Everywhere in [0, 1].
    Continuous,
    /// At these coordinates, ascending.
    Levels(Vec<f64>),
    /// At too many coordinates to list them; the domain rounds.
    Grid,
    /// Codes `0..count`, with no order.
    Category(usize),
}

impl Axis {
    /// Whether its values have no order.
    pub(crate) fn is_category(&self) -> bool {
        matches!(self, Self::Category(_))
    }
}

/// One parameter that can vary.
#[derive(Clone, Debug)]
pub(crate) struct Dimension {
    /// Its position in the space.
    pub(crate) position: usize,
    /// How its values lie.
    pub(crate) axis: Axis,
    /// Values in the order of their coordinates or codes, for listed ones.
    values: Vec<Value>,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug)]
enum Condition {
    /// The dimension must be active, at one of these levels or codes.
    On(usize, Vec<bool>),
    /// The value of a dimension that is not listed must be one of these.
    Among(usize, Vec<Value>),
    /// It never holds.
    Never,
}

/// Maps configurations of a space to points and back.
#[derive(Clone, Debug)]
pub(crate) struct Encoding {
    dimensions: Vec<Dimension>,
    /// Dimensions, parents before children.
    order: Vec<usize>,
    /// The dimension of each parameter of the space.
    of_parameter: Vec<Option<usize>>,
    is_conditional: bool,
}

impl Encoding {
    /// The encoding of a space; parameters with one value have no dimension.
    pub(crate) fn new(space: &Space) -> Self {
        let parameters = space.parameters();
        let mut positions: Vec<usize> = (0..parameters.len())
            .filter(|position| parameters[*position].domain.cardinality() != Some(1))
            .collect();
        positions.sort_by(|a, b| parameters[*a].name.cmp(&parameters[*b].name));
        let mut of_parameter = vec![None; parameters.len()];
        for (dimension, position) in positions.iter().enumerate() {
            of_parameter[*position] = Some(dimension);
        }
        let mut dimensions: Vec<Dimension> = positions
            .iter()
            .map(|position| dimension(*position, &parameters[*position].domain))
            .collect();
        let conditions: Vec<Vec<Condition>> = dimensions
            .iter()
            .map(|dimension| conditions(space, dimension.position, &of_parameter, &dimensions))
            .collect();
        let is_conditional = conditions.iter().any(|list| !list.is_empty());
        for (dimension, conditions) in dimensions.iter_mut().zip(conditions) {
            dimension.conditions = conditions;
        }
        let order = parents_first(&dimensions);
        Self {
            dimensions,
            order,
            of_parameter,
            is_conditional,
        }
    }

    /// The dimensions, in the order of their parameters' names.
    pub(crate) fn dimensions(&self) -> &[Dimension] {
        &self.dimensions
    }

    /// How many dimensions there are.
    pub(crate) fn len(&self) -> usize {
        self.dimensions.len()
    }

    /// The dimension of the space's parameter at a position.
    pub(crate) fn dimension_of(&self, position: usize) -> Option<usize> {
        self.of_parameter.get(position).copied().flatten()
    }

    /// The point of a configuration; values outside the space (of another version of it) become
    /// the nearest ones or are taken as inactive.
    pub(crate) fn encode(&self, space: &Space, configuration: &Configuration) -> Vec<f64> {
        let parameters = space.parameters();
        let mut point: Vec<f64> = self
            .dimensions
            .iter()
            .map(|dimension| {
                let parameter = &parameters[dimension.position];
                let value = configuration.get(&parameter.name);
                value
                    .and_then(|value| dimension.coordinate(&parameter.domain, value))
                    .unwrap_or(dimension.inactive())
            })
            .collect();
        self.impute(space, &mut point);
        point
    }

    /// The configuration at a point.
    pub(crate) fn decode(&self, space: &Space, point: &[f64]) -> Configuration {
        space.configure(|position, parameter| match self.dimension_of(position) {
            None => parameter.domain.at(0.5),
            Some(dimension) => {
                self.dimensions[dimension].value(&parameter.domain, point[dimension])
            }
        })
    }

    /// Whether a dimension is active at a point whose parents are set.
    fn is_active(&self, space: &Space, dimension: usize, active: &[bool], point: &[f64]) -> bool {
        let conditions = &self.dimensions[dimension].conditions;
        conditions.iter().all(|condition| match condition {
            Condition::Never => false,
            Condition::On(parent, allowed) => {
                active[*parent]
                    && self.dimensions[*parent]
                        .level(point[*parent])
                        .is_some_and(|level| allowed.get(level).copied().unwrap_or(false))
            }
            Condition::Among(parent, values) => {
                let parent_dimension = &self.dimensions[*parent];
                let domain = &space.parameters()[parent_dimension.position].domain;
                let value = parent_dimension.value(domain, point[*parent]);
                active[*parent] && values.iter().any(|wanted| wanted.means_the_same(&value))
            }
        })
    }

    /// Which dimensions are active at a point.
    pub(crate) fn active(&self, space: &Space, point: &[f64]) -> Vec<bool> {
        let mut active = vec![true; self.len()];
        if self.is_conditional {
            for &dimension in &self.order {
                active[dimension] = self.is_active(space, dimension, &active, point);
            }
        }
        active
    }

    /// Sets inactive coordinates to their imputed values.
    pub(crate) fn impute(&self, space: &Space, point: &mut [f64]) {
        if !self.is_conditional {
            return;
        }
        let active = self.active(space, point);
        for (dimension, active) in active.iter().enumerate() {
            if !active {
                point[dimension] = self.dimensions[dimension].inactive();
            }
        }
    }

    /// Rounds every coordinate to a value of its parameter and imputes inactive ones.
    pub(crate) fn snap(&self, space: &Space, point: &mut [f64]) {
        for (dimension, coordinate) in self.dimensions.iter().zip(point.iter_mut()) {
            *coordinate = dimension.snapped(space, *coordinate);
        }
        self.impute(space, point);
    }

    /// Gives every inactive coordinate a value of its parameter, as if it were active.
    pub(crate) fn fill(&self, space: &Space, point: &mut [f64], stream: &mut Stream) {
        if !self.is_conditional {
            return;
        }
        let active = self.active(space, point);
        for (dimension, active) in active.iter().enumerate() {
            if !active {
                point[dimension] = self.dimensions[dimension].at(stream.unit());
            }
        }
    }
}

impl Dimension {
    /// The coordinate or code at a place of the unit interval.
    pub(crate) fn at(&self, place: f64) -> f64 {
        let place = place.clamp(0.0, 1.0);
        let index = |count: usize| ((place * count as f64) as usize).min(count - 1);
        match &self.axis {
            Axis::Continuous | Axis::Grid => place,
            Axis::Levels(levels) => levels[index(levels.len())],
            Axis::Category(count) => index(*count) as f64,
        }
    }

    /// The index of the level or code at a coordinate, for listed ones.
    pub(crate) fn level(&self, coordinate: f64) -> Option<usize> {
        match &self.axis {
            Axis::Levels(levels) => Some(nearest_level(levels, coordinate)),
            Axis::Category(count) => {
                let is_code = coordinate >= 0.0 && coordinate < *count as f64;
                is_code.then_some(coordinate as usize)
            }
            _ => None,
        }
    }

    /// A coordinate rounded to one of a value.
    pub(crate) fn snapped(&self, space: &Space, coordinate: f64) -> f64 {
        match &self.axis {
            Axis::Continuous => coordinate.clamp(0.0, 1.0),
            Axis::Category(_) => coordinate,
            Axis::Levels(levels) => levels[nearest_level(levels, coordinate)],
            Axis::Grid => {
                let domain = &space.parameters()[self.position].domain;
                domain
                    .place_of(&domain.at(coordinate))
                    .unwrap_or(coordinate)
            }
        }
    }

    fn inactive(&self) -> f64 {
        if self.axis.is_category() {
            INACTIVE_CODE
        } else {
            INACTIVE_PLACE
        }
    }

    fn value(&self, domain: &Domain, coordinate: f64) -> Value {
        match self.level(coordinate) {
            Some(level) => self.values[level].clone(),
            // A category that became active without a code: never, if points are filled.
            None if self.axis.is_category() => self.values[0].clone(),
            None => domain.at(coordinate),
        }
    }

    /// The coordinate or code of a value of the parameter.
    pub(crate) fn coordinate(&self, domain: &Domain, value: &Value) -> Option<f64> {
        match &self.axis {
            Axis::Continuous | Axis::Grid => domain.place_of(value),
            Axis::Levels(levels) => self.index_of(domain, value).map(|index| levels[index]),
            Axis::Category(_) => self.index_of(domain, value).map(|index| index as f64),
        }
    }

    fn index_of(&self, domain: &Domain, value: &Value) -> Option<usize> {
        if let Domain::Discrete { low, step, .. } = domain {
            let distance = i128::from(value.as_i64()?) - i128::from(*low);
            let index = usize::try_from(distance / i128::from(step.unwrap_or(1))).ok()?;
            return (index < self.values.len()).then_some(index);
        }
        let value = domain.normalised(value)?;
        self.values.iter().position(|known| *known == value)
    }
}

fn nearest_level(levels: &[f64], coordinate: f64) -> usize {
    let above = levels.partition_point(|level| *level < coordinate);
    if above == 0 {
        return 0;
    }
    if above == levels.len() || coordinate - levels[above - 1] <= levels[above] - coordinate {
        return above - 1;
    }
    above
}

fn dimension(position: usize, domain: &Domain) -> Dimension {
    let (axis, values) = match domain {
        Domain::Choice { values } => {
            let mut sorted = values.clone();
            sorted.sort_by_cached_key(ToString::to_string);
            (Axis::Category(sorted.len()), sorted)
        }
        Domain::Ordinal { values } if values.len() == 2 => (Axis::Category(2), values.clone()),
        Domain::Ordinal { values } => {
            let (levels, values) = ordinal_levels(values);
            (Axis::Levels(levels), values)
        }
        _ => match domain.cardinality() {
            None => (Axis::Continuous, Vec::new()),
            Some(count) if count > MAX_LEVELS => (Axis::Grid, Vec::new()),
            Some(count) => {
                let values: Vec<Value> = (0..count).filter_map(|k| domain.nth(k)).collect();
                let place = |value| domain.place_of(value).unwrap_or(INACTIVE_PLACE);
                (Axis::Levels(values.iter().map(place).collect()), values)
            }
        },
    };
    Dimension {
        position,
        axis,
        values,
        conditions: Vec::new(),
    }
}

/// Coordinates of an ordinal's values: numbers by value, on the scale (linear or logarithmic)
/// whose gaps are more alike; other labels by rank.
fn ordinal_levels(values: &[Value]) -> (Vec<f64>, Vec<Value>) {
    let count = values.len() as f64;
    let ranks = || {
        (0..values.len())
            .map(|k| (k as f64 + 0.5) / count)
            .collect()
    };
    let numbers: Option<Vec<f64>> = values.iter().map(Value::as_f64).collect();
    let Some(mut numbers) = numbers.filter(|numbers| numbers.iter().all(|x| x.is_finite())) else {
        return (ranks(), values.to_vec());
    };
    let mut sorted = values.to_vec();
    if numbers.windows(2).all(|pair| pair[1] < pair[0]) {
        numbers.reverse();
        sorted.reverse();
    }
    if !numbers.windows(2).all(|pair| pair[0] < pair[1]) {
        return (ranks(), values.to_vec());
    }
    if numbers[0] > 0.0 {
        let logarithms: Vec<f64> = numbers.iter().map(|x| libm::log(*x)).collect();
        if gap_variation(&logarithms) < gap_variation(&numbers) {
            numbers = logarithms;
        }
    }
    let (low, high) = (numbers[0], numbers[numbers.len() - 1]);
    let range = high * 0.5 - low * 0.5;
    // Half a mean gap stays free at both ends, as with ranks.
    let inside = (count - 1.0) / count;
    let place = |x: &f64| 0.5 / count + inside * ((x * 0.5 - low * 0.5) / range);
    (numbers.iter().map(place).collect(), sorted)
}

/// The coefficient of variation of the gaps between ascending numbers.
fn gap_variation(numbers: &[f64]) -> f64 {
    let gaps: Vec<f64> = numbers
        .windows(2)
        .map(|pair| pair[1] * 0.5 - pair[0] * 0.5)
        .collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let variance = gaps
        .iter()
        .map(|gap| (gap / mean - 1.0).powi(2))
        .sum::<f64>();
    variance / gaps.len() as f64
}

fn conditions(
    space: &Space,
    position: usize,
    of_parameter: &[Option<usize>],
    dimensions: &[Dimension],
) -> Vec<Condition> {
    let parameters = space.parameters();
    let mut list = Vec::new();
    for condition in &parameters[position].conditions {
        let Some(parent) = space.position(&condition.parent) else {
            continue;
        };
        let domain = &parameters[parent].domain;
        let wanted = |value: &Value| condition.values.iter().any(|w| w.means_the_same(value));
        match of_parameter[parent] {
            Some(dimension) if dimensions[dimension].values.is_empty() => {
                list.push(Condition::Among(dimension, condition.values.clone()));
            }
            Some(dimension) => {
                let allowed = dimensions[dimension].values.iter().map(wanted).collect();
                list.push(Condition::On(dimension, allowed));
            }
            // A parent with one value: the condition always holds where the parent is active.
            None if wanted(&domain.at(0.5)) => {
                list.extend(conditions(space, parent, of_parameter, dimensions));
            }
            None => list.push(Condition::Never),
        }
    }
    list
}

fn parents_first(dimensions: &[Dimension]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::with_capacity(dimensions.len());
    while order.len() < dimensions.len() {
        let before = order.len();
        for (index, dimension) in dimensions.iter().enumerate() {
            let ready = dimension
                .conditions
                .iter()
                .all(|condition| match condition {
                    Condition::On(parent, _) | Condition::Among(parent, _) => {
                        order.contains(parent)
                    }
                    Condition::Never => true,
                });
            if ready && !order.contains(&index) {
                order.push(index);
            }
        }
        // A space has no circles; this only keeps the loop finite.
        if order.len() == before {
            break;
        }
    }
    order
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::random::Purpose;
    use crate::testing::contract_spaces;

    #[test]
    fn a_configuration_survives_the_way_there_and_back() {
        for (_, space) in contract_spaces() {
            let encoding = Encoding::new(&space);
            let mut stream = Stream::new(5, 0, Purpose::Sample);
            for _ in 0..50 {
                let configuration = space.sample(&mut stream).unwrap();
                let point = encoding.encode(&space, &configuration);
                let back = encoding.decode(&space, &point);
                let again = encoding.encode(&space, &back);
                assert_eq!(point.len(), encoding.len());
                for (a, b) in point.iter().zip(&again) {
                    assert!((a - b).abs() < 1e-9, "{configuration} {back}");
                }
            }
        }
    }

    #[test]
    fn sizes_that_double_lie_evenly() {
        let values: Vec<Value> = [8, 16, 32, 64].map(Value::Int).to_vec();
        let (levels, _) = ordinal_levels(&values);
        let expected = [0.125, 0.375, 0.625, 0.875];
        assert!(
            levels
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-12)
        );
    }
}
