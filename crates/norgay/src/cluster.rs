//! The scheduler for studies whose trials are workflows.

use anyhow::Result;
use norgay_engine::config::StudyConfig;
use norgay_engine::open_study::OpenStudy;
use norgay_engine::run::argo::Plan;
use norgay_engine::scheduler::Scheduler;

use crate::output::complain;

/// Begins to watch the study's workflows, if the cluster will take them.
pub fn argo_scheduler(study: &OpenStudy, config: &StudyConfig) -> Result<Box<dyn Scheduler>> {
    let plan = Plan::new(study, &config.execution)?;
    let report = plan.preflight()?;
    let (problems, rest): (Vec<_>, Vec<_>) =
        report.checks.iter().partition(|check| check.is_problem());
    for check in rest.iter().filter(|check| check.finding().is_some()) {
        complain(&format!("warning: {check}"));
    }
    if !problems.is_empty() {
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow::bail!("the study can't run on the cluster:\n{}", told.join("\n"));
    }
    Ok(Box::new(plan.scheduler(report.declared)?))
}
