use norgay_core::numerics::random_forest::Feature;
use norgay_core::random::{Purpose, Stream};
use norgay_core::space::{Columns, INACTIVE};
use norgay_core::testing::contract_spaces;

#[test]
fn a_point_has_the_row_of_its_configuration() {
    let mut dice = Stream::new(3, 1, Purpose::Sample);
    for (name, space) in contract_spaces() {
        let columns = Columns::new(&space);
        for _ in 0..300 {
            let places: Vec<f64> = space.parameters().iter().map(|_| dice.unit()).collect();
            let from_places = columns.row_at(&space, &places);
            let from_values = columns.row(&space, &space.at(&places));
            for (one, other) in from_places.iter().zip(&from_values) {
                assert!(
                    (one - other).abs() < 1e-12,
                    "{name}: {from_places:?} {from_values:?}"
                );
            }
        }
    }
}

#[test]
fn inactive_parameters_stand_apart_from_every_value() {
    let spaces = contract_spaces();
    let (_, space) = spaces
        .iter()
        .find(|(name, _)| *name == "conditions")
        .unwrap();
    let columns = Columns::new(space);
    // damping, solver, nesterov, rate; the last third of solver's places is "none".
    let row = columns.row_at(space, &[0.2, 0.9, 0.1, 0.4]);
    assert_eq!(row, [INACTIVE, 2.0, 2.0, INACTIVE]);
    let kinds = columns.features();
    assert_eq!(kinds[1], Feature::Categorical(3), "always active");
    assert_eq!(
        kinds[2],
        Feature::Categorical(3),
        "two values, and inactive"
    );
}
