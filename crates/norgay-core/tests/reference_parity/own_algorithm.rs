//! A user's own algorithm works like those of the table: CS-74.

use norgay_core::algorithm::{Algorithm, AlgorithmError, Proposal, Suggestion, View};
use norgay_core::decision::Next;
use norgay_core::space::Scale;

use crate::*;

/// Halves the best value so far, from 1.
struct Halving;

impl Algorithm for Halving {
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        let tried = view.trials.iter();
        let x = tried.map(|trial| number(&trial.configuration, "x") / 2.0);
        let x = x.fold(1.0, f64::min);
        if view.suggested == 4 {
            return Ok(Suggestion::Done);
        }
        Ok(Suggestion::Trial(Proposal {
            configuration: Configuration::new(vec![("x".into(), Value::Float(x))]),
            reason: "half of the best".into(),
            memo: None,
        }))
    }
}

#[test]
fn cs_74_an_algorithm_of_the_users_own_works() {
    let space = space(vec![continuous("x", 0.0, 1.0, Scale::Linear)]);
    let mut simulation = simulation(space, "random", Vec::new());
    loop {
        let next = simulation
            .study()
            .next_start(&mut Halving, &"external".into(), None, 0);
        let Next::Start { trial, events, .. } = next.unwrap() else {
            break;
        };
        simulation.apply(events).unwrap();
        simulation.complete(trial, 0.0).unwrap();
    }
    let trials = simulation.study().trials().iter();
    let x: Vec<f64> = trials.map(|t| number(&t.configuration, "x")).collect();
    assert_eq!(x, [1.0, 0.5, 0.25, 0.125]);
}
