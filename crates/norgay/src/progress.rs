//! What a run shows: a bar on a terminal, else a line for each trial that ends.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use norgay_core::trial::{Trial, TrialState};
use norgay_engine::open_study::OpenStudy;
use norgay_engine::run::Observer;

use crate::cluster::workflow_of;
use crate::output::{complain, say};

/// How much a run says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    /// Nothing but errors and the end.
    Quiet,
    /// A bar or lines.
    Normal,
    /// Starts of trials as well.
    Verbose,
    /// JSON lines.
    Json,
}

/// Shows a run.
pub struct Progress {
    verbosity: Verbosity,
    bar: Option<ProgressBar>,
    began: Instant,
    done_before: Option<u64>,
}

impl Progress {
    /// Nothing is shown yet.
    pub fn new(verbosity: Verbosity) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let shows_bar = terminal && matches!(verbosity, Verbosity::Normal | Verbosity::Verbose);
        let bar = shows_bar.then(|| {
            let bar = ProgressBar::new(0);
            bar.set_style(style());
            bar
        });
        Self {
            verbosity,
            bar,
            began: Instant::now(),
            done_before: None,
        }
    }

    /// Takes the bar away, leaving its last state on the screen.
    pub fn close(&self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
            complain("");
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => say(text),
        }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:24} {pos}/{len} trials  {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━━─")
}

impl Observer for Progress {
    fn started(&mut self, study: &OpenStudy, trial: u64) {
        if self.verbosity == Verbosity::Verbose
            && let Ok(trial) = study.trial(trial)
        {
            let (number, parameters) = (trial.number, &trial.configuration);
            let workflow = workflow_of(study, number, trial.attempt());
            let workflow = workflow.map_or(String::new(), |name| format!(" as workflow {name}"));
            self.line(&format!("trial {number} started{workflow}: {parameters}"));
        }
    }

    fn ended(&mut self, study: &OpenStudy, trial: u64) {
        let Ok(trial) = study.trial(trial) else {
            return;
        };
        match self.verbosity {
            Verbosity::Quiet => {}
            Verbosity::Json => say(&norgay_engine::view::trial_json(trial, false).to_string()),
            _ if self.bar.is_some() && trial.state == TrialState::Completed => {}
            _ => self.line(&ended_line(study, trial)),
        }
    }

    fn message(&mut self, text: &str) {
        match (&self.bar, self.verbosity) {
            (_, Verbosity::Quiet) => {}
            (Some(bar), _) => bar.println(text),
            (None, _) => complain(text),
        }
    }

    fn tick(&mut self, study: &OpenStudy) {
        let Some(bar) = &self.bar else { return };
        let counts = study.study().counts();
        let done = counts.finished();
        let before = *self.done_before.get_or_insert(done);
        bar.set_length(
            study
                .study()
                .definition()
                .budget
                .trials
                .unwrap_or(counts.total()),
        );
        bar.set_position(done);
        bar.set_message(summary(study, done - before, self.began.elapsed()));
    }
}

/// What follows the bar: best value, running and failed trials, time left.
fn summary(study: &OpenStudy, done_now: u64, elapsed: Duration) -> String {
    let counts = study.study().counts();
    let mut parts = Vec::new();
    if is_several(study) {
        parts.push(format!("front of {}", study.study().front().len()));
    } else if let Some(best) = study.study().incumbent() {
        parts.push(format!(
            "best {} (trial {})",
            shown(best.value),
            best.number
        ));
    }
    for (count, word) in [
        (counts.running, "running"),
        (counts.queued, "queued"),
        (counts.pruned, "pruned"),
        (counts.failed, "failed"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    if let (Some(total), true) = (study.study().definition().budget.trials, done_now > 0) {
        let left = total.saturating_sub(counts.finished());
        let seconds = elapsed.as_secs_f64() / done_now as f64 * left as f64;
        parts.push(format!("ETA {}", duration_text(seconds)));
    }
    parts.join("  ")
}

fn is_several(study: &OpenStudy) -> bool {
    !study.study().definition().more_objectives.is_empty()
}

fn duration_text(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s:02}s"),
        (h, m, _) => format!("{h}h{m:02}m"),
    }
}

/// A value with six significant digits at most.
pub fn shown(value: Option<f64>) -> String {
    match value {
        None => "none".to_string(),
        Some(value) => {
            let rounded = format!("{value:.5e}").parse().unwrap_or(value);
            norgay_core::Value::Float(rounded).to_string()
        }
    }
}

fn ended_line(study: &OpenStudy, trial: &Trial) -> String {
    let number = trial.number;
    let end = match (trial.state, trial.cause) {
        (TrialState::Completed, _) if is_several(study) => {
            let values: Vec<String> = trial.values().iter().map(|v| shown(Some(*v))).collect();
            format!("finished with values {}", values.join(", "))
        }
        (TrialState::Completed, _) => format!("finished with value {}", shown(trial.value)),
        (TrialState::Pruned, _) => match trial.value {
            Some(value) => format!("was pruned at value {}", shown(Some(value))),
            None => "was pruned".to_string(),
        },
        (TrialState::Queued, Some(cause)) => format!("will be run again ({})", cause.name()),
        (TrialState::Failed, Some(cause)) => {
            let message = trial
                .last_attempt()
                .and_then(|attempt| attempt.message.as_deref());
            let message = message.unwrap_or_default().replace('\n', "\n    ");
            format!("failed ({}): {message}", cause.name())
        }
        (state, _) => format!("is {}", state.name()),
    };
    let best = study.study().incumbent().filter(|_| !is_several(study));
    let best = best.map_or(String::new(), |best| {
        format!(
            ". Best is trial {} with value {}",
            best.number,
            shown(best.value)
        )
    });
    match trial.state {
        TrialState::Failed => format!("Trial {number} {end}"),
        _ => format!("Trial {number} {end}{best}"),
    }
}
