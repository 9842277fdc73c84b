//! Whatever is killed, whenever: all trials finish, none twice, nothing acknowledged is lost.
//!
//! `NORGAY_KILLS=200 cargo test --release -p norgay --test survival` runs the long form.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

const TRIALS: u64 = 60;

/// Reports three steps, noting each one that was acknowledged, then writes the metrics file.
const TRIAL: &str = r#"
for step in 1 2 3; do
  if "$NORGAY" report --step $step loss=0.$step$NORGAY_TRIAL_ID; then
    echo "$NORGAY_TRIAL_ID $step" >> "$NORGAY_STUDY_DIR/acknowledged"
  fi
  sleep 0.0$(( (NORGAY_TRIAL_ID * 7 + step * 3) % 9 + 1 ))
done
echo "$NORGAY_TRIAL_ID $NORGAY_ATTEMPT" >> "$NORGAY_STUDY_DIR/ran"
printf '{"loss": 0.0%s}' "$NORGAY_TRIAL_ID" > metrics.json
"#;

const STUDY: &str = "
name: survival
parameters:
  x: {type: continuous, range: [0, 1]}
objective: {name: loss}
algorithm: random
budget: {trials: 60}
max_concurrent: 4
command: sh trial.sh
metrics_file: metrics.json
retry: {lost: 1000, pre-empted: 1000}
limits: {grace: 1s}
";

/// A small generator: the test must not depend on the product's.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % bound
    }
}

fn norgay(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_norgay"));
    command.current_dir(folder).stdin(Stdio::null());
    command
}

fn start(folder: &Path) -> Child {
    let told = File::create(folder.join("told")).expect("a file for what it says");
    norgay(folder)
        .args(["run", "study.yaml", "--quiet"])
        .stdout(Stdio::null())
        .stderr(told)
        .spawn()
        .expect("norgay starts")
}

/// Kills one of the study's supervisors, as a machine without memory would.
fn kill_a_supervisor(folder: &Path, dice: &mut Dice) -> bool {
    let mut supervisors = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("a /proc").flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(" supervise ") && line.contains(&*folder.to_string_lossy()) {
            supervisors.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    if supervisors.is_empty() {
        return false;
    }
    let chosen = &supervisors[dice.below(supervisors.len() as u64) as usize];
    Command::new("kill")
        .args(["-9", chosen])
        .stderr(Stdio::null())
        .status()
        .expect("kill runs")
        .success()
}

/// Runs one study under kills until it is finished; returns how many kills it took.
fn run_under_kills(folder: &Path, most: u64, dice: &mut Dice) -> u64 {
    let mut kills = 0;
    let mut controller = start(folder);
    let deadline = Instant::now() + Duration::from_mins(5);
    loop {
        assert!(
            Instant::now() < deadline,
            "the study does not come to an end"
        );
        std::thread::sleep(Duration::from_millis(3 + dice.below(120)));
        if let Some(status) = controller
            .try_wait()
            .expect("the controller can be waited for")
        {
            let told = std::fs::read_to_string(folder.join("told")).unwrap_or_default();
            assert!(
                status.success(),
                "the controller ended with {status}: {told}"
            );
            return kills;
        }
        if kills < most {
            if dice.below(4) == 0 {
                kills += u64::from(kill_a_supervisor(folder, dice));
            } else {
                controller.kill().expect("the controller can be killed");
                controller.wait().expect("the controller can be waited for");
                check_files_whole(folder);
                kills += 1;
                controller = start(folder);
            }
        }
    }
}

/// Whatever files there are after a kill, they are whole.
fn check_files_whole(folder: &Path) {
    let base = folder.join("output/survival");
    for name in [
        "optimization_parameters.json",
        "study_config.json",
        "best_result.json",
    ] {
        if let Ok(text) = std::fs::read(base.join(name)) {
            let read: Result<Json, _> = serde_json::from_slice(&text);
            assert!(read.is_ok(), "{name} is not whole after a kill: {read:?}");
        }
    }
    if let Ok(text) = std::fs::read(base.join("study_results.csv")) {
        let read = norgay_engine::results::read_results(&text);
        assert!(
            read.is_ok(),
            "study_results.csv is not whole after a kill: {read:?}"
        );
    }
}

fn check_history(folder: &Path) {
    let exported = norgay(folder)
        .args(["study", "export", "survival", "--format", "json"])
        .output()
        .expect("export runs");
    let study: Json = serde_json::from_slice(&exported.stdout).expect("the export is JSON");
    let trials = study["history"].as_array().expect("a list of trials");
    assert_eq!(trials.len() as u64, TRIALS, "exactly the budget");
    let mut known = BTreeMap::new();
    for (index, trial) in trials.iter().enumerate() {
        let number = trial["trial"].as_u64().expect("a number");
        assert_eq!(
            number,
            index as u64 + 1,
            "numbers are handed out once, in order"
        );
        assert_eq!(trial["state"], "completed", "trial {number}: {trial}");
        let measurements = trial["measurements"].as_array().expect("measurements");
        let steps: BTreeSet<u64> = measurements
            .iter()
            .filter_map(|measurement| measurement["step"].as_u64())
            .collect();
        assert_eq!(
            steps.len(),
            measurements.len(),
            "trial {number}: a step twice"
        );
        known.insert(number, steps);
    }
    check_acknowledged(folder, &known);
    check_ran_once(folder);
}

fn numbers(folder: &Path, file: &str) -> Vec<(u64, u64)> {
    let text = std::fs::read_to_string(folder.join(file)).expect("the trials' notes");
    let pair = |line: &str| {
        let (a, b) = line.split_once(' ')?;
        Some((a.parse().ok()?, b.parse().ok()?))
    };
    text.lines()
        .map(|line| pair(line).expect("a note of two numbers"))
        .collect()
}

fn check_acknowledged(folder: &Path, known: &BTreeMap<u64, BTreeSet<u64>>) {
    for (trial, step) in numbers(folder, "acknowledged") {
        assert!(
            known[&trial].contains(&step),
            "step {step} of trial {trial} was lost"
        );
    }
}

/// An attempt's command reaches its end once at most: it was never started twice.
fn check_ran_once(folder: &Path) {
    let mut seen = BTreeSet::new();
    for attempt in numbers(folder, "ran") {
        assert!(seen.insert(attempt), "attempt {attempt:?} ran twice");
    }
}

#[test]
fn a_study_survives_kills_at_random_moments() {
    let wanted: u64 = std::env::var("NORGAY_KILLS")
        .ok()
        .and_then(|kills| kills.parse().ok())
        .unwrap_or(25);
    let mut dice = Dice(20_261_124);
    let mut kills = 0;
    let mut studies = 0;
    while kills < wanted {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("trial.sh"), TRIAL).expect("the trial is written");
        std::fs::write(folder.path().join("study.yaml"), STUDY).expect("the study is written");
        kills += run_under_kills(folder.path(), wanted - kills, &mut dice);
        check_history(folder.path());
        studies += 1;
        assert!(studies < 100, "the studies end before they can be killed");
    }
    assert_eq!(kills, wanted);
}
