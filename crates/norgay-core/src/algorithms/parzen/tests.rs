use super::contrast::Contrast;
use super::mixture::Mixture;
use super::structure::Structure;
use crate::random::{Purpose, Stream};
use crate::space::{Domain, Parameter, Scale, Space};
use crate::value::Value;

fn continuous() -> Domain {
    Domain::Continuous {
        low: 0.0,
        high: 1.0,
        scale: Scale::Linear,
        step: None,
    }
}

fn whole(high: i64, scale: Scale) -> Domain {
    Domain::Discrete {
        low: 1,
        high,
        scale,
        step: None,
    }
}

fn texts(values: &[&str]) -> Vec<Value> {
    values.iter().map(|text| Value::from(*text)).collect()
}

fn choice(values: &[&str]) -> Domain {
    let values = texts(values);
    Domain::Choice { values }
}

fn space(parameters: Vec<Parameter>) -> Space {
    Space::new(parameters, Vec::new()).expect("a space without mistakes")
}

fn even(_: usize) -> f64 {
    1.0
}

/// The density of a mixture at a point, relative to the uniform distribution.
fn density(mixture: &Mixture, structure: &Structure, point: &[f64]) -> f64 {
    let logarithms = mixture.logarithms(structure, point, &mut Vec::new());
    libm::exp(logarithms.iter().sum())
}

/// Places at which a function of a number is averaged, and their weights: its values with the
/// parts of the unit interval that they own, or a fine grid.
fn grid(domain: &Domain) -> Vec<(f64, f64)> {
    let fine = 20_000;
    let mut cells: Vec<(f64, f64)> = Vec::new();
    for step in 0..fine {
        let place = (f64::from(step) + 0.5) / f64::from(fine);
        let own = domain.place_of(&domain.at(place)).expect("a value of it");
        match cells.last_mut() {
            Some((last, weight)) if *last == own => *weight += 1.0 / f64::from(fine),
            _ => cells.push((own, 1.0 / f64::from(fine))),
        }
    }
    cells
}

#[test]
fn the_density_of_every_kind_of_number_integrates_to_1() {
    let values = [2, 4, 8, 16].map(Value::Int).to_vec();
    let domains = [
        continuous(),
        whole(2, Scale::Linear),
        whole(7, Scale::Linear),
        whole(100, Scale::Linear),
        whole(7, Scale::Log),
        whole(1_000, Scale::Log),
        Domain::Ordinal { values },
    ];
    for domain in domains {
        let space = space(vec![Parameter::new("x", domain.clone())]);
        let structure = Structure::new(&space, true);
        for places in [
            &[0.0][..],
            &[0.99, 0.5],
            &[0.1; 25],
            &[0.0, 0.3, 0.6, 1.0, 1.0],
        ] {
            let snapped = |place: &f64| domain.place_of(&domain.at(*place)).expect("its value");
            let rows: Vec<[f32; 1]> = places.iter().map(|p| [snapped(p) as f32]).collect();
            let rows: Vec<&[f32]> = rows.iter().map(<[f32; 1]>::as_slice).collect();
            let mixture = Mixture::new(&structure, &rows, even);
            let cells = grid(&domain);
            let integral: f64 = cells
                .iter()
                .map(|(place, weight)| weight * density(&mixture, &structure, &[*place]))
                .sum();
            assert!(
                (integral - 1.0).abs() < 2e-3,
                "{domain:?} {places:?}: {integral}"
            );
        }
    }
}

/// A branch with a number and a list of its own, beside a common list.
fn branching() -> Space {
    space(vec![
        Parameter::new("depth", whole(4, Scale::Linear)).when("kind", texts(&["tree"])),
        Parameter::new("kind", choice(&["tree", "linear", "net"])),
        Parameter::new("split", choice(&["best", "random"])).when("kind", texts(&["tree"])),
        Parameter::new("loss", choice(&["l1", "l2"])),
    ])
}

/// All points of the branching space.
fn branches() -> Vec<[f64; 4]> {
    let mut points = Vec::new();
    for loss in [0.0, 1.0] {
        // By their texts: linear, net, tree.
        points.push([f64::NAN, 0.0, f64::NAN, loss]);
        points.push([f64::NAN, 1.0, f64::NAN, loss]);
        for level in 0..4 {
            let depth = (f64::from(level) + 0.5) / 4.0;
            points.extend([0.0, 1.0].map(|split| [depth, 2.0, split, loss]));
        }
    }
    points
}

/// How likely a point of the branching space is where every choice is even.
fn uniform(point: &[f64; 4]) -> f64 {
    if point[0].is_nan() {
        1.0 / 6.0
    } else {
        1.0 / 48.0
    }
}

fn branch_rows() -> Vec<Vec<f32>> {
    let chosen = [0, 3, 7, 7, 11, 15, 19];
    let points = branches();
    let row = |index: &usize| points[*index].iter().map(|c| *c as f32).collect();
    chosen.iter().map(row).collect()
}

#[test]
fn the_density_of_a_conditional_space_sums_to_1() {
    for multivariate in [true, false] {
        let structure = Structure::new(&branching(), multivariate);
        let rows = branch_rows();
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let mixture = Mixture::new(&structure, &rows, |rank| 1.0 / (rank as f64 + 1.0));
        let points = branches();
        let sum: f64 = points
            .iter()
            .map(|point| uniform(point) * density(&mixture, &structure, point))
            .sum();
        assert!((sum - 1.0).abs() < 1e-4, "{sum}");
    }
}

#[test]
fn draws_follow_the_density() {
    let structure = Structure::new(&branching(), true);
    let rows = branch_rows();
    let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
    let mixture = Mixture::new(&structure, &rows, even);
    let mut stream = Stream::new(5, 0, Purpose::Acquisition);
    let (mut point, mut room) = (vec![0.0; 4], Vec::new());
    let draws = 20_000;
    let mut counts: Vec<([u64; 4], f64)> = Vec::new();
    for _ in 0..draws {
        mixture.draw(&structure, &mut stream, &mut point, &mut room);
        let key: [u64; 4] = std::array::from_fn(|index| point[index].to_bits());
        match counts.iter_mut().find(|(known, _)| *known == key) {
            Some((_, count)) => *count += 1.0,
            None => counts.push((key, 1.0)),
        }
    }
    for point in branches() {
        let expected = uniform(&point) * density(&mixture, &structure, &point);
        let key = point.map(f64::to_bits);
        let found = counts.iter().find(|(known, _)| *known == key);
        let found = found.map_or(0.0, |(_, count)| count / f64::from(draws));
        // Five standard deviations, and what a kernel loses by standing for its integral.
        let allowed = 5.0 * libm::sqrt(expected / f64::from(draws)) + 0.01;
        assert!(
            (found - expected).abs() < allowed,
            "{point:?}: {found} {expected}"
        );
    }
}

#[test]
fn children_depend_on_the_coordinates_of_their_parents() {
    let parameters = vec![
        Parameter::new("on", choice(&["no", "yes"])),
        Parameter::new("level", continuous()),
        Parameter::new("child", continuous()).when("on", texts(&["yes"])),
    ];
    let structure = Structure::new(&space(parameters), true);
    // The child follows the level.
    let rows: Vec<[f32; 3]> = (0..20)
        .map(|index| {
            let place = (index as f32 + 0.5) / 20.0;
            [1.0, place, place]
        })
        .collect();
    let rows: Vec<&[f32]> = rows.iter().map(<[f32; 3]>::as_slice).collect();
    let mixture = Mixture::new(&structure, &rows, even);
    let at = |level: f64, child: f64| density(&mixture, &structure, &[1.0, level, child]);
    assert!(at(0.2, 0.2) > 3.0 * at(0.2, 0.8));
    assert!(at(0.8, 0.8) > 3.0 * at(0.8, 0.2));
}

#[test]
fn candidates_are_ordered_and_best_near_the_good_and_away_from_the_bad() {
    let structure = Structure::new(&space(vec![Parameter::new("x", continuous())]), true);
    let good: [&[f32]; 3] = [&[0.30], &[0.33], &[0.36]];
    let bad: [&[f32]; 4] = [&[0.1], &[0.36], &[0.7], &[0.9]];
    let contrast = Contrast::new(&structure, &good, &bad);
    assert!(contrast.score(&[0.3]) > contrast.score(&[0.36]));
    assert!(contrast.score(&[0.3]) > contrast.score(&[0.7]));
    let mut stream = Stream::new(1, 1, Purpose::Acquisition);
    let candidates = contrast.candidates(50, &mut stream);
    assert_eq!(candidates.len(), 50);
    assert!(candidates.is_sorted_by(|a, b| a.score >= b.score));
    assert!((candidates[0].point[0] - 0.3).abs() < 0.15);
    let score = contrast.score(&candidates[0].point);
    assert!((candidates[0].score - score).abs() < 1e-5);
}

#[test]
fn nothing_known_means_the_uniform_distribution() {
    let structure = Structure::new(&branching(), true);
    let contrast = Contrast::new(&structure, &[], &[]);
    let mut stream = Stream::new(1, 1, Purpose::Acquisition);
    for candidate in contrast.candidates(20, &mut stream) {
        assert!(candidate.score.abs() < 1e-6);
    }
}

#[test]
fn a_thousand_parameters_do_not_overflow() {
    let parameters = (0..1_000).map(|index| Parameter::new(format!("x{index}"), continuous()));
    let structure = Structure::new(&space(parameters.collect()), true);
    let row = vec![0.2_f32; 1_000];
    let rows: Vec<&[f32]> = vec![&row; 9];
    let contrast = Contrast::new(&structure, &rows, &rows);
    let mut stream = Stream::new(1, 1, Purpose::Acquisition);
    let candidates = contrast.candidates(5, &mut stream);
    assert!(
        candidates
            .iter()
            .all(|candidate| candidate.score.is_finite())
    );
}
