//! The scheduler for studies whose trials are workflows.

use anyhow::Result;
use norgay_engine::config::StudyConfig;
use norgay_engine::open_study::OpenStudy;
use norgay_engine::run::argo::Plan;
use norgay_engine::scheduler::Scheduler;

/// Begins to watch the study's workflows.
pub fn argo_scheduler(study: &OpenStudy, config: &StudyConfig) -> Result<Box<dyn Scheduler>> {
    let plan = Plan::new(study, &config.execution)?;
    let declared = plan.declared()?;
    Ok(Box::new(plan.scheduler(declared)?))
}
