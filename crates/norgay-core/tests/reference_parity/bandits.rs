//! Population based bandits: not in the reference, but a population as its training is.

use norgay_core::space::Scale;
use norgay_core::testing::Simulation;

use crate::*;

fn study(name: &str, seed: u64, size: i64, generations: i64, space: Space) -> Simulation {
    let arguments = [("population_size", size), ("num_generations", generations)];
    let arguments = arguments.map(|(name, number)| (name.to_string(), Value::Int(number)));
    let choice = AlgorithmChoice {
        name: name.into(),
        arguments: arguments.to_vec(),
    };
    Simulation::new(Simulation::definition(space, choice, seed)).unwrap()
}

fn training() -> Space {
    space(vec![
        continuous("rate", 1e-5, 1.0, Scale::Log),
        continuous("momentum", 0.0, 1.0, Scale::Linear),
        choice("optimizer", &texts(&["sgd", "adam", "lion"])),
    ])
}

/// What an interval of training takes off the loss: most near one rate, momentum and optimizer.
fn gain(configuration: &Configuration) -> f64 {
    let rate = libm::log10(number(configuration, "rate")) + 2.5;
    let momentum = number(configuration, "momentum") - 0.8;
    let optimizer = configuration.get("optimizer") == Some(&"adam".into());
    let factor = if optimizer { 1.0 } else { 0.5 };
    factor * libm::exp(-rate * rate - 4.0 * momentum * momentum)
}

/// The final loss of the best member, and why the changed members were changed.
fn trained(name: &str, seed: u64) -> (f64, Vec<String>) {
    let mut simulation = study(name, seed, 8, 10, training());
    let mut losses = vec![0.0];
    let mut reasons = Vec::new();
    while let Some(trial) = simulation.start().unwrap() {
        let from = text(trial, "load_from").parse::<usize>().unwrap_or(0);
        let loss = losses[from] - gain(&trial.configuration);
        let number = trial.number;
        reasons.push(trial.reason.to_string());
        losses.push(loss);
        simulation.complete(number, loss).unwrap();
    }
    assert_eq!(losses.len(), 81);
    (losses.into_iter().fold(0.0, f64::min), reasons)
}

#[test]
fn its_model_trains_better_than_chance() {
    let mean = |name: &str| {
        let losses = (1..=10).map(|seed| trained(name, seed).0);
        losses.sum::<f64>() / 10.0
    };
    let (modelled, perturbed) = (mean("pb2"), mean("pbt"));
    assert!(modelled < perturbed, "{modelled} against {perturbed}");
}

#[test]
fn copies_of_one_interval_differ_and_say_why() {
    let (_, reasons) = trained("pb2", 1);
    let modelled = reasons
        .iter()
        .filter(|reason| reason.contains("a model expects"));
    assert!(modelled.count() >= 8);
    let mut simulation = study("pb2", 1, 20, 3, training());
    for _ in 0..40 {
        let trial = simulation.start().unwrap().unwrap();
        let (number, loss) = (trial.number, -gain(&trial.configuration));
        simulation.complete(number, loss).unwrap();
    }
    let mut changed = Vec::new();
    while let Some(trial) = simulation.start().unwrap() {
        if trial.reason.contains("a model expects") {
            changed.push(number(&trial.configuration, "rate"));
        }
    }
    assert_eq!(changed.len(), 4);
    changed.sort_by(f64::total_cmp);
    changed.dedup();
    assert_eq!(changed.len(), 4);
}

#[test]
fn what_is_not_mutable_stays() {
    let mut layers = discrete("layers", 1, 8, Scale::Linear);
    layers.mutable = false;
    let space = space(vec![layers, continuous("rate", 1e-4, 1e-1, Scale::Log)]);
    let mut simulation = study("pb2", 3, 6, 8, space);
    let trials = run(&mut simulation, 100, |t| -number(&t.configuration, "rate"));
    for trial in &trials[6..] {
        let parent = &trials[text(trial, "load_from").parse::<usize>().unwrap() - 1];
        let layers = |trial: &Trial| trial.configuration.get("layers").cloned();
        assert_eq!(layers(trial), layers(parent));
    }
}
