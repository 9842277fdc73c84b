//! What becomes of trials' files in the bucket.

use crate::cluster::{Cluster, STUDY, template};

/// Trial 2 is the best, trial 3 fails; each leaves a model.
const SCRIPT: &str = r#"
echo model | put "$OUT/model.bin"
case "$TRIAL" in 1) loss=3;; 2) loss=1;; 3) exit 1;; *) loss=2;; esac
echo "{\"loss\": $loss}" | put "$OUT/metrics.json"
"#;

/// The trials whose models are there after a study.
fn kept(strategy: &str, more: &str) -> Vec<u64> {
    let cluster = Cluster::running(SCRIPT);
    // Near the study's own folder, and none of its business.
    for neighbour in ["out/press2/1/model.bin", "out/press/10/model.bin"] {
        cluster.put(neighbour, "a neighbour's");
    }
    let study = format!("{STUDY}storage_strategy: {strategy}\n{more}");
    cluster.run(&study, 0);
    for neighbour in ["out/press2/1/model.bin", "out/press/10/model.bin"] {
        assert_eq!(cluster.read(neighbour), "a neighbour's");
    }
    assert!(cluster.read("out/press/best_result.json").contains("\"1\""));
    cluster.check_end(4);
    let model = |trial: &u64| cluster.object(&format!("out/press/{trial}/model.bin"));
    (1..=4).filter(|trial| model(trial).exists()).collect()
}

#[test]
fn keep_keeps_all_but_what_failed() {
    assert_eq!(kept("keep", ""), [1, 2, 4]);
}

#[test]
fn failed_trials_files_stay_if_they_are_wanted() {
    assert_eq!(kept("keep", "keep_failed: true\n"), [1, 2, 3, 4]);
}

#[test]
fn delete_keeps_nothing_but_the_results() {
    assert_eq!(kept("delete", ""), Vec::<u64>::new());
}

#[test]
fn best_keeps_the_best_trials_files_alone() {
    assert_eq!(kept("best", ""), [2]);
}

/// Goes on from its parent's model, which has to be there, or begins one.
const CONTINUED: &str = r#"
if [ -n "$MODEL" ]; then
  [ "$ENTRYPOINT" = go-on ] || { echo "wrong entrypoint $ENTRYPOINT"; exit 9; }
  [ -e "$PARENT/model.bin" ] || { echo "no model in $MODEL"; exit 8; }
  echo "$TRIAL" >> "$FREE/continued"
else
  [ "$ENTRYPOINT" = begin ] || { echo "wrong entrypoint $ENTRYPOINT"; exit 9; }
fi
echo model | put "$OUT/model.bin"
printf '{"loss": %s}' "$X" | put "$OUT/metrics.json"
"#;

/// Runs a study of an algorithm whose trials go on from each other.
fn continues(algorithm: &str, strategy: &str) {
    let templates = [
        template("trial", &["begin"], CONTINUED, &[]),
        template("trial-continued", &["go-on"], CONTINUED, &[]),
    ];
    let cluster = Cluster::with(&templates);
    let study = STUDY
        .replace("algorithm: random\n", &format!("algorithm: {algorithm}\n"))
        .replace("budget: {trials: 4}", "budget: {trials: 12}")
        .replace("submit_rate: 100", "entrypoint: begin, submit_rate: 100")
        + &format!(
            "storage_strategy: {strategy}\nparameter_text: \"{{'x': tp['x'], \
             'WorkflowTemplateContinue': 'trial-continued', 'EntrypointContinue': 'go-on'}}\"\n"
        );
    let said = cluster.run(&study, 0);
    let states = cluster.place.states();
    assert!(
        states.iter().all(|state| state == "completed"),
        "{states:?}\n{said}"
    );
    let continued = std::fs::read_to_string(cluster.free("continued")).unwrap_or_default();
    assert!(
        continued.lines().count() > 0,
        "no trial went on from another: {said}"
    );
    cluster.check_end(states.len() as u64);
}

#[test]
fn population_based_training_goes_on_from_its_parents_models() {
    continues(
        "{name: pbt, population_size: 4, num_generations: 3}",
        "delete",
    );
}

#[test]
fn successive_halving_goes_on_from_its_parents_models() {
    continues("{name: asha, r: 1, R: 9, eta: 3, s: 0}", "best");
}
