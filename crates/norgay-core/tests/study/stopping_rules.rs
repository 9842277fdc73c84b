use norgay_core::decision::Told;
use norgay_core::definition::Direction;
use norgay_core::stopping::{
    AshaRule, AutoRule, HyperbandRule, PatienceRule, StoppingRule, ThresholdRule,
};
use norgay_core::testing::Simulation;
use norgay_core::trial::StopCause;

use crate::{report, start, study};

fn ruled(rule: StoppingRule) -> Simulation {
    study(|definition| definition.stopping_rule = Some(rule))
}

fn asha(min_iterations: u64) -> Simulation {
    let eta = 3;
    ruled(StoppingRule::Asha(AshaRule {
        min_iterations,
        eta,
    }))
}

fn verdict(simulation: &Simulation, number: u64) -> Option<String> {
    simulation.study().stopping_verdict(number)
}

/// Reports until the rule stops the trial or its steps are done; gives its last step.
fn train(simulation: &mut Simulation, steps: u64, value: impl Fn(u64) -> f64) -> u64 {
    let number = start(simulation);
    for step in 1..=steps {
        report(simulation, number, step, value(step));
        if let Some(reason) = verdict(simulation, number) {
            stop(simulation, number, &reason);
            return step;
        }
    }
    let metrics = Vec::new();
    let told = Told::Finished {
        step: None,
        metrics,
    };
    if simulation.tell(number, told).is_err() {
        simulation.fail(number).unwrap();
    }
    steps
}

fn stop(simulation: &mut Simulation, number: u64, reason: &str) {
    let request = simulation
        .study()
        .request_stop(number, StopCause::Pruned, reason)
        .unwrap();
    simulation.apply(request).unwrap();
    simulation.tell(number, Told::Stopped).unwrap();
}

#[test]
fn asha_stops_whoever_is_not_among_the_best_third_of_a_rung() {
    let mut simulation = asha(1);
    for value in [1.0, 2.0] {
        assert_eq!(train(&mut simulation, 9, |_| value), 9, "too few to judge");
    }
    let worst = start(&mut simulation);
    report(&mut simulation, worst, 1, 3.0);
    let reason = verdict(&simulation, worst).unwrap();
    assert_eq!(reason, "3 until step 1 is only place 3 of 3");
    // At later rungs too, against those that came so far.
    report(&mut simulation, worst, 2, 0.5);
    assert_eq!(verdict(&simulation, worst), None, "better than all others");
    report(&mut simulation, worst, 3, 0.5);
    assert_eq!(verdict(&simulation, worst), None);
}

#[test]
fn asha_leaves_trials_alone_before_the_first_rung_and_at_their_end() {
    let mut simulation = asha(4);
    for value in [1.0, 2.0] {
        train(&mut simulation, 8, |_| value);
    }
    let worst = start(&mut simulation);
    report(&mut simulation, worst, 3, 3.0);
    assert_eq!(verdict(&simulation, worst), None);
    report(&mut simulation, worst, 4, 3.0);
    assert!(verdict(&simulation, worst).is_some());
    report(&mut simulation, worst, 8, 3.0);
    assert_eq!(verdict(&simulation, worst), None, "all its steps are done");
}

#[test]
fn asha_never_stops_the_best_trial() {
    let mut simulation = asha(1);
    for value in [1.0, 2.0, 3.0] {
        train(&mut simulation, 9, |_| value);
    }
    let late = start(&mut simulation);
    report(&mut simulation, late, 1, 9.0);
    assert!(verdict(&simulation, late).is_some());
    report(&mut simulation, late, 2, 0.1);
    assert_eq!(verdict(&simulation, late), None);
}

#[test]
fn asha_ranks_those_without_a_finite_value_last() {
    let mut simulation = asha(1);
    for value in [1.0, 2.0, 3.0] {
        train(&mut simulation, 9, |_| value);
    }
    for value in [f64::NAN, f64::INFINITY] {
        let number = start(&mut simulation);
        report(&mut simulation, number, 1, value);
        let reason = verdict(&simulation, number).unwrap();
        assert_eq!(reason, "no finite value until step 1");
        stop(&mut simulation, number, &reason);
    }
}

#[test]
fn asha_lets_one_of_many_run_to_its_end_even_if_the_first_rung_misleads() {
    let mut simulation = asha(1);
    // Ever worse at the first step: by the rung alone, none but the first would go on.
    let complete = (1..=200)
        .filter(|k| train(&mut simulation, 9, |_| f64::from(*k)) == 9)
        .count();
    assert!(complete <= 4, "{complete}");
    // Middling ones come too: one of twenty of all goes on.
    let mut simulation = asha(1);
    let complete = (0..200)
        .map(|k| f64::from(k * 77 % 200))
        .filter(|value| train(&mut simulation, 9, |_| *value) == 9)
        .count();
    assert!((10..80).contains(&complete), "{complete}");
}

#[test]
fn a_script_that_tells_a_value_after_the_stop_does_not_pass_for_complete() {
    let mut simulation = asha(1);
    for value in [1.0, 2.0] {
        train(&mut simulation, 9, |_| value);
    }
    let stopped = start(&mut simulation);
    report(&mut simulation, stopped, 1, 3.0);
    let study = simulation.study();
    let request = study.request_stop(stopped, StopCause::Pruned, "").unwrap();
    simulation.apply(request).unwrap();
    simulation.complete(stopped, 3.0).unwrap();
    let next = start(&mut simulation);
    report(&mut simulation, next, 2, 2.5);
    assert!(verdict(&simulation, next).is_some());
}

#[test]
fn rungs_hold_for_scripts_that_report_every_thousandth_step() {
    let mut simulation = asha(1);
    for value in [1.0, 2.0, 3.0] {
        let number = start(&mut simulation);
        for step in [1000, 2000, 3000] {
            report(&mut simulation, number, step, value);
        }
        let reason = verdict(&simulation, number);
        assert_eq!(reason.is_some(), value > 2.0, "{reason:?}");
    }
}

fn auto() -> Simulation {
    ruled(StoppingRule::Auto(AutoRule::default()))
}

/// Falls from 1 + `end` towards `end` as a power law.
fn power(end: f64, rate: f64) -> impl Fn(u64) -> f64 {
    move |step| end + (step as f64).powf(-rate)
}

#[test]
fn auto_stops_curves_that_would_end_far_above_the_best_one() {
    let mut simulation = auto();
    assert_eq!(train(&mut simulation, 27, power(0.1, 1.0)), 27);
    let bad = train(&mut simulation, 27, power(1.5, 1.0));
    assert!(bad <= 9, "{bad}");
    let reason = simulation.log().iter().rev().find_map(|record| {
        let norgay_core::event::Event::StopRequested { reason, .. } = &record.event else {
            return None;
        };
        Some(reason.to_string())
    });
    let reason = reason.unwrap();
    assert!(reason.contains("% to end better than 0.13"), "{reason}");
    assert_eq!(train(&mut simulation, 27, power(0.0, 1.0)), 27);
}

#[test]
fn auto_gives_slow_learners_their_time_where_curves_cross() {
    // Fast ones end high, slow ones low: the rungs say the opposite of the end.
    let (fast, slow) = (power(0.5, 1.2), power(0.0, 0.5));
    assert!(slow(9) > fast(3) - 0.5 && slow(27) < fast(27));
    let mut simulation = auto();
    for k in 0..12 {
        let tilt = f64::from(k) * 1e-3;
        if k % 3 == 2 {
            train(&mut simulation, 27, |step| slow(step) + tilt);
        } else {
            train(&mut simulation, 27, |step| fast(step) + tilt);
        }
    }
    let best = simulation.study().incumbent().unwrap().value.unwrap();
    assert!(best < 0.2, "{best}");
}

#[test]
fn auto_cuts_like_successive_halving_once_rungs_foretell_the_end() {
    let mut simulation = auto();
    let steps: u64 = (0..60)
        .map(|k| {
            train(
                &mut simulation,
                27,
                power(f64::from(k * 37 % 60) / 20.0, 0.7),
            )
        })
        .sum();
    assert!(steps < 60 * 27 / 3, "{steps}");
}

#[test]
fn auto_survives_whatever_is_reported() {
    for value in [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        0.0,
        1e308,
        -1e308,
    ] {
        let mut simulation = auto();
        train(&mut simulation, 5, |_| value);
        for other in [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            1.0,
            1e308,
            -1e308,
        ] {
            train(
                &mut simulation,
                5,
                |step| if step == 2 { value } else { other },
            );
        }
    }
}

#[test]
fn higher_may_be_better_for_all_rules() {
    let rules = [
        StoppingRule::Asha(AshaRule::default()),
        StoppingRule::Hyperband(HyperbandRule {
            max_iterations: 2,
            ..HyperbandRule::default()
        }),
    ];
    for rule in rules {
        let mut simulation = study(|definition| {
            definition.objective.direction = Direction::Maximize;
            definition.stopping_rule = Some(rule.clone());
        });
        for value in [3.0, 2.0, 1.0] {
            let number = start(&mut simulation);
            report(&mut simulation, number, 1, value);
        }
        assert_eq!(verdict(&simulation, 1), None);
        assert!(verdict(&simulation, 3).is_some(), "{rule:?}");
    }
}

#[test]
fn hyperband_compares_within_brackets_that_begin_later_and_later() {
    let mut simulation = ruled(StoppingRule::Hyperband(HyperbandRule {
        max_iterations: 9,
        ..HyperbandRule::default()
    }));
    let mut last_steps: Vec<u64> = Vec::new();
    for k in 0..300 {
        let value = f64::from(k * 77 % 300);
        last_steps.push(train(&mut simulation, 9, |_| value));
    }
    let ended = |step: u64| last_steps.iter().filter(|last| **last == step).count();
    // Nearly all of the 9 of 17 trials in the first bracket end at step 1, of the 5 in the second
    // at step 3, and the 3 of the third run on.
    assert!((80..160).contains(&ended(1)), "{}", ended(1));
    assert!((30..120).contains(&ended(3)), "{}", ended(3));
    assert!((40..150).contains(&ended(9)), "{}", ended(9));
    assert_eq!(ended(1) + ended(3) + ended(9), 300);
}

#[test]
fn hyperband_without_a_length_waits_for_the_first_trial_that_ends() {
    let mut simulation = ruled(StoppingRule::Hyperband(HyperbandRule::default()));
    for value in [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0] {
        let number = start(&mut simulation);
        report(&mut simulation, number, 1, value);
        assert_eq!(verdict(&simulation, number), None);
    }
    simulation.complete(1, 1.0).unwrap();
    let last = simulation.study().next_number() - 1;
    assert_eq!(verdict(&simulation, last), None, "one step is all");
}

#[test]
fn patience_ends_a_trial_that_no_longer_improves() {
    let rule = |min_iterations, min_delta| {
        ruled(StoppingRule::Patience(PatienceRule {
            min_iterations,
            patience: 3,
            min_delta,
        }))
    };
    let curve = |step: u64| if step <= 4 { 1.0 / step as f64 } else { 0.26 };
    assert_eq!(train(&mut rule(0, 0.0), 20, curve), 7);
    assert_eq!(train(&mut rule(10, 0.0), 20, curve), 10);
    assert_eq!(
        train(&mut rule(0, 0.3), 20, curve),
        5,
        "0.5 was the last step ahead"
    );
    assert_eq!(train(&mut rule(0, 0.0), 20, |_| f64::NAN), 4);
    assert_eq!(train(&mut rule(0, 0.0), 20, |step| -(step as f64)), 20);
}

#[test]
fn thresholds_end_a_trial_that_leaves_them() {
    let rule = |min_iterations| {
        ruled(StoppingRule::Threshold(ThresholdRule {
            min_iterations,
            lower: Some(-1.0),
            upper: Some(10.0),
        }))
    };
    assert_eq!(train(&mut rule(0), 9, |step| step as f64 * 4.0), 3);
    assert_eq!(train(&mut rule(5), 9, |step| step as f64 * 4.0), 5);
    assert_eq!(train(&mut rule(0), 9, |step| 1.0 - step as f64), 3);
    assert_eq!(train(&mut rule(0), 9, |_| f64::NAN), 1);
    assert_eq!(train(&mut rule(0), 9, |_| 10.0), 9);
}

#[test]
fn rules_stored_by_an_older_release_are_read_with_defaults() {
    for (stored, rule) in [
        (
            r#"{"name": "asha"}"#,
            StoppingRule::Asha(AshaRule::default()),
        ),
        (
            r#"{"name": "hyperband", "eta": 4}"#,
            StoppingRule::Hyperband(HyperbandRule {
                eta: 4,
                ..HyperbandRule::default()
            }),
        ),
        (
            r#"{"name": "auto"}"#,
            StoppingRule::Auto(AutoRule::default()),
        ),
        (
            r#"{"name": "patience"}"#,
            StoppingRule::Patience(PatienceRule::default()),
        ),
        (
            r#"{"name": "threshold"}"#,
            StoppingRule::Threshold(ThresholdRule::default()),
        ),
    ] {
        let read: StoppingRule = serde_json::from_str(stored).unwrap();
        assert_eq!(read, rule);
        let again = serde_json::to_string(&rule).unwrap();
        assert_eq!(serde_json::from_str::<StoppingRule>(&again).unwrap(), rule);
    }
}
