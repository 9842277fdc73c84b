//! The scheduler for studies whose trials are workflows.

use std::time::Duration;

use anyhow::Result;
use norgay_engine::config::StudyConfig;
use norgay_engine::open_study::OpenStudy;
use norgay_engine::run::argo::{Plan, workflow_name};
use norgay_engine::run::{StopLevel, StopSwitch};
use norgay_engine::scheduler::argo::preflight::Report;
use norgay_engine::scheduler::{AttemptKey, Scheduler};

use crate::output::complain;

/// Time between two looks at a cluster that does not answer.
const AGAIN: Duration = Duration::from_secs(10);

/// Begins to watch the study's workflows, if the cluster will take them.
///
/// A study that has begun waits for a cluster that does not answer: its trials may be running
/// there, and whoever started it again may not do so twice.
pub fn argo_scheduler(
    study: &OpenStudy,
    config: &StudyConfig,
    switch: &StopSwitch,
) -> Result<Box<dyn Scheduler>> {
    let plan = Plan::new(study, &config.execution)?;
    let has_begun = !study.study().trials().is_empty();
    let mut is_told = false;
    loop {
        let report = plan.preflight()?;
        let Some(problems) = problems(&report) else {
            tell_warnings(&report);
            return Ok(Box::new(plan.scheduler(report.declared)?));
        };
        if !has_begun || !report.may_pass || switch.level() > StopLevel::None {
            tell_warnings(&report);
            anyhow::bail!("the study can't run on the cluster:\n{problems}");
        }
        if !std::mem::replace(&mut is_told, true) {
            complain(&format!(
                "waiting until the study can go on (Ctrl-C ends the waiting):\n{problems}"
            ));
        }
        switch.wait(AGAIN);
    }
}

/// All that keeps the study from running.
fn problems(report: &Report) -> Option<String> {
    let problems = report.checks.iter().filter(|check| check.is_problem());
    let told: Vec<String> = problems.map(ToString::to_string).collect();
    (!told.is_empty()).then(|| told.join("\n"))
}

fn tell_warnings(report: &Report) {
    for check in &report.checks {
        if check.finding().is_some() && !check.is_problem() {
            complain(&format!("warning: {check}"));
        }
    }
}

/// The name of an attempt's workflow, if it is one.
pub fn workflow_of(study: &OpenStudy, trial: u64, attempt: u32) -> Option<String> {
    let index = attempt.checked_sub(1)? as usize;
    let known = study.trial(trial).ok()?.attempts.get(index)?;
    let key = AttemptKey { trial, attempt };
    (known.scheduler.as_ref() == "argo").then(|| workflow_name(study, key))
}
