//! The random forest: what single trees must be, and the behaviour of scikit-learn's forest.
#![allow(clippy::unwrap_used)]

use norgay_core::numerics::random_forest::{Data, Feature, Forest, Region, Settings};
use norgay_core::numerics::sobol_sequence::SobolSequence;
use norgay_core::random::{Purpose, Stream};

fn stream(number: u64) -> Stream {
    Stream::new(5, number, Purpose::Model)
}

fn whole_tree() -> Settings {
    Settings {
        trees: 1,
        min_split: 2,
        min_leaf: 1,
        feature_share: 1.0,
        bootstrap: false,
    }
}

fn data(rows: &[(&[f64], f64)]) -> Data {
    let mut data = Data::new(rows.first().map_or(0, |row| row.0.len()));
    for (row, target) in rows {
        data.push(row, *target);
    }
    data
}

/// Friedman's first function, of which the sixth input is no part.
fn friedman(x: &[f64]) -> f64 {
    10.0 * (std::f64::consts::PI * x[0] * x[1]).sin()
        + 20.0 * (x[2] - 0.5).powi(2)
        + 10.0 * x[3]
        + 5.0 * x[4]
}

/// Share of the targets' variance that is explained.
fn explained(pairs: &[(f64, f64)]) -> f64 {
    let mean = pairs.iter().map(|p| p.0).sum::<f64>() / pairs.len() as f64;
    let rest: f64 = pairs.iter().map(|p| (p.0 - p.1).powi(2)).sum();
    let all: f64 = pairs.iter().map(|p| (p.0 - mean).powi(2)).sum();
    1.0 - rest / all
}

#[test]
fn it_predicts_as_well_and_as_unsurely_as_scikit_learn() {
    // RandomForestRegressor(100, max_features=5/6, min_samples_split=3, oob_score=True) of
    // scikit-learn on these points, means over 20 seeds (standard deviations 0.002, 0.005, 0.02):
    let (r2, r2_out_of_bag, spread_of_trees) = (0.849, 0.774, 2.707);
    let sequence = SobolSequence::plain(6).unwrap();
    let mut train = Data::new(6);
    for index in 0..256 {
        let point = sequence.point(index);
        train.push(&point, friedman(&point));
    }
    let settings = Settings {
        trees: 100,
        ..Settings::default()
    };
    let forest = Forest::fit(&[Feature::Numeric; 6], &train, &settings, &mut stream(1));
    let unseen = (256..1280).map(|index| {
        let point = sequence.point(index);
        let prediction = forest.predict(&point);
        (
            friedman(&point),
            prediction.mean,
            prediction.variance.sqrt(),
        )
    });
    let unseen: Vec<_> = unseen.collect();
    let pairs: Vec<_> = unseen.iter().map(|u| (u.0, u.1)).collect();
    assert!(
        (explained(&pairs) - r2).abs() < 0.015,
        "{}",
        explained(&pairs)
    );
    let spread = unseen.iter().map(|u| u.2).sum::<f64>() / 1024.0;
    // Ours adds the spread inside the leaves, which hold up to two rows.
    assert!((spread / spread_of_trees - 1.0).abs() < 0.05, "{spread}");
    let out_of_bag = (0..256).map(|index| {
        let row = train.row(index);
        let known = forest.predict_out_of_bag(index, &row).unwrap();
        (train.targets()[index], known.mean)
    });
    let found = explained(&out_of_bag.collect::<Vec<_>>());
    assert!((found - r2_out_of_bag).abs() < 0.03, "{found}");
}

#[test]
fn a_tree_of_all_rows_knows_every_target() {
    let sequence = SobolSequence::plain(3).unwrap();
    let mut known = Data::new(3);
    for index in 0..100 {
        let point = sequence.point(index);
        known.push(&point, (point[0] * 31.0).sin() * 1e6);
    }
    let forest = Forest::fit(
        &[Feature::Numeric; 3],
        &known,
        &whole_tree(),
        &mut stream(1),
    );
    for index in 0..100 {
        let prediction = forest.predict(&known.row(index));
        assert!((prediction.mean - known.targets()[index]).abs() < 1e-6);
        assert!(prediction.variance < 1e-6);
    }
}

#[test]
fn a_categorical_split_is_the_best_of_all_subsets() {
    let mut dice = stream(9);
    for _ in 0..20 {
        let mut known = Data::new(1);
        for _ in 0..30 {
            known.push(&[dice.below(6) as f64], dice.normal());
        }
        let one_split = Settings {
            min_split: 30,
            ..whole_tree()
        };
        let forest = Forest::fit(&[Feature::Categorical(6)], &known, &one_split, &mut dice);
        let pairs = |predict: &dyn Fn(usize) -> f64| -> f64 {
            let rows = (0..30).map(|index| {
                let category = known.row(index)[0] as usize;
                (known.targets()[index] - predict(category)).powi(2)
            });
            rows.sum()
        };
        let found = pairs(&|category| forest.predict(&[category as f64]).mean);
        let least = (1..63_u32)
            .map(|subset| {
                let mean = |side: bool| {
                    let side =
                        (0..30).filter(|i| (subset >> known.row(*i)[0] as u32 & 1 == 1) == side);
                    let targets: Vec<f64> = side.map(|i| known.targets()[i]).collect();
                    targets.iter().sum::<f64>() / targets.len().max(1) as f64
                };
                let means = [mean(false), mean(true)];
                pairs(&|category| means[(subset >> category & 1) as usize])
            })
            .fold(f64::INFINITY, f64::min);
        assert!((found - least).abs() < 1e-9, "{found} {least}");
    }
}

#[test]
fn the_variance_is_that_of_the_trees_and_of_their_leaves() {
    // Rows that no split can tell apart: their own variance, sure of the mean.
    let same = data(&[(&[0.5], 1.0), (&[0.5], 3.0)]);
    let forest = Forest::fit(&[Feature::Numeric], &same, &whole_tree(), &mut stream(1));
    let prediction = forest.predict(&[0.1]);
    assert!((prediction.mean - 2.0).abs() < 1e-12 && (prediction.variance - 1.0).abs() < 1e-12);
    // Trees that split elsewhere within the gap: between the rows they disagree.
    let two = data(&[(&[0.0], 0.0), (&[1.0], 1.0)]);
    let settings = Settings {
        trees: 400,
        ..whole_tree()
    };
    let forest = Forest::fit(&[Feature::Numeric], &two, &settings, &mut stream(2));
    for place in [0.1, 0.25, 0.5, 0.9] {
        let prediction = forest.predict(&[place]);
        assert!(
            (prediction.mean - place).abs() < 0.1,
            "a straight line on average"
        );
        let expected = prediction.mean * (1.0 - prediction.mean);
        assert!((prediction.variance - expected).abs() < 1e-9);
    }
}

#[test]
fn a_category_that_no_row_has_leaves_the_trees_in_doubt() {
    let rows: Vec<(&[f64], f64)> = vec![(&[0.0], 0.0), (&[1.0], 1.0)];
    let settings = Settings {
        trees: 200,
        ..whole_tree()
    };
    let features = [Feature::Categorical(3)];
    let forest = Forest::fit(&features, &data(&rows), &settings, &mut stream(3));
    assert!(forest.predict(&[0.0]).variance < 1e-12);
    assert!(forest.predict(&[2.0]).variance > 0.2);
}

#[test]
fn the_same_stream_gives_the_same_forest_and_scaled_targets_scaled_predictions() {
    let mut dice = stream(4);
    let (mut plain, mut scaled) = (Data::new(2), Data::new(2));
    for _ in 0..50 {
        let row = [dice.unit(), dice.below(4) as f64];
        let target = row[0] * row[1] + dice.unit();
        plain.push(&row, target);
        scaled.push(&row, 1024.0 * target);
    }
    let features = [Feature::Numeric, Feature::Categorical(4)];
    let fit = |data| Forest::fit(&features, data, &Settings::default(), &mut stream(5));
    let (one, same, large) = (fit(&plain), fit(&plain), fit(&scaled));
    assert_eq!(one.trees(), same.trees());
    for _ in 0..20 {
        let row = [dice.unit(), dice.below(4) as f64];
        let ratio = large.predict(&row).mean / one.predict(&row).mean;
        assert!((ratio - 1024.0).abs() < 1e-6);
    }
}

#[test]
fn leaves_part_the_space() {
    let mut dice = stream(6);
    let mut known = Data::new(2);
    for _ in 0..60 {
        let row = [dice.unit(), dice.below(70) as f64];
        known.push(&row, dice.normal());
    }
    let features = [Feature::Numeric, Feature::Categorical(70)];
    let forest = Forest::fit(&features, &known, &whole_tree(), &mut stream(7));
    let tree = &forest.trees()[0];
    let (mut area, mut leaves) = (0.0, 0);
    tree.visit_leaves(&features, &mut |regions, _| {
        let shares = regions.iter().map(|region| match region {
            Region::Numbers(low, high) => (high.min(1.0) - low.max(0.0)).max(0.0),
            Region::Categories(inside) => {
                inside.iter().filter(|inside| **inside).count() as f64 / 70.0
            }
        });
        area += shares.product::<f64>();
        leaves += 1;
    });
    assert!((area - 1.0).abs() < 1e-12 && leaves > 30);
}

#[test]
fn nothing_of_the_data_breaks_it() {
    let settings = Settings::default();
    let none = Forest::fit(
        &[Feature::Numeric],
        &Data::new(1),
        &settings,
        &mut stream(1),
    );
    assert_eq!(none.predict(&[0.3]).mean, 0.0);
    let no_columns = data(&[(&[], 3.0), (&[], 5.0)]);
    let forest = Forest::fit(&[], &no_columns, &settings, &mut stream(1));
    assert!((3.0..=5.0).contains(&forest.predict(&[]).mean));
    let extreme = data(&[
        (&[0.1], f64::NAN),
        (&[0.2], f64::MAX),
        (&[0.3], f64::MIN),
        (&[f64::NAN], 1.0),
        (&[0.5], f64::INFINITY),
    ]);
    assert_eq!(
        extreme.len(),
        3,
        "rows without a finite target are left out"
    );
    let forest = Forest::fit(&[Feature::Numeric], &extreme, &settings, &mut stream(1));
    assert!(forest.predict(&[0.25]).mean.is_finite());
    let equal = data(&[(&[0.1], 7.0), (&[0.9], 7.0)]);
    let forest = Forest::fit(&[Feature::Numeric], &equal, &settings, &mut stream(1));
    let prediction = forest.predict(&[0.4]);
    assert!((prediction.mean - 7.0).abs() < 1e-12 && prediction.variance == 0.0);
}
