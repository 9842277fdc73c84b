//! The Argo scheduler as a study's execution wants it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use norgay_core::study::Study;
use norgay_core::trial::{Origin, Trial, TrialState};
use tokio::runtime::Builder;

use super::job::{JobError, JobMaker};
use super::local::host_name;
use super::workflow_task::{ENTRYPOINT_CONTINUE, TEMPLATE_CONTINUE};
use crate::config::{ArgoSettings, Execution, Route};
use crate::files::{Files, FilesError};
use crate::open_study::OpenStudy;
use crate::scheduler::argo::ArgoScheduler;
use crate::scheduler::argo::api::{ApiError, Submission, TemplateRef, WorkflowApi};
use crate::scheduler::argo::fleet::{Fleet, FleetOptions, Timing};
use crate::scheduler::argo::names::StudyIdentity;
use crate::scheduler::argo::preflight::{Expectations, Report, preflight};
use crate::scheduler::argo::server::{ArgoServer, ServerOptions, SetupError};
use crate::scheduler::{AttemptKey, SchedulerError};

/// The variable that holds the argo-server's address if the study does not, as for Argo's own
/// command.
pub const SERVER_VARIABLE: &str = "ARGO_SERVER";
/// The variable that holds the namespace if the study does not.
pub const NAMESPACE_VARIABLE: &str = "ARGO_NAMESPACE";
/// Parameters that are sent whether a template wants them or not, as the reference does.
const FOR_NORGAY: [&str; 5] = [
    TEMPLATE_CONTINUE,
    ENTRYPOINT_CONTINUE,
    "run_name",
    "input_path",
    "model_input_path",
];
const DEFAULT_NAMESPACE: &str = "default";

/// Trials can't run as workflows.
#[derive(Debug, thiserror::Error)]
pub enum ArgoError {
    /// The study does not say how.
    #[error("the study has no settings for Argo")]
    NoSettings,
    /// No address.
    #[error(
        "the address of the argo-server is missing: give --argo_ip or argo.url, or set \
         {SERVER_VARIABLE}"
    )]
    NoAddress,
    /// The client can't be made.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The Kubernetes client can't be made.
    #[error("{0}")]
    Kubernetes(String),
    /// What trials are given.
    #[error(transparent)]
    Job(#[from] JobError),
    /// The output folder.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The cluster refuses.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The scheduler can't start.
    #[error(transparent)]
    Scheduler(#[from] SchedulerError),
    /// The system gives no runtime.
    #[error("calls to the cluster can't be made: {0}")]
    Runtime(#[from] std::io::Error),
}

/// The settings of a study, with what the environment says in its place.
///
/// # Errors
/// It has none, or the server's address is nowhere.
pub fn argo_settings(
    execution: &Execution,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<ArgoSettings, ArgoError> {
    let mut settings = execution.argo.clone().ok_or(ArgoError::NoSettings)?;
    let filled = |name: &str| variable(name).filter(|text| !text.trim().is_empty());
    if settings.url.is_empty() {
        settings.url = filled(SERVER_VARIABLE).unwrap_or_default();
    }
    let is_cluster = settings.route == Route::Kubernetes;
    if settings.namespace.is_empty() {
        // A kubeconfig names one itself.
        let otherwise = if is_cluster { "" } else { DEFAULT_NAMESPACE };
        settings.namespace = filled(NAMESPACE_VARIABLE).unwrap_or_else(|| otherwise.into());
    }
    if settings.url.is_empty() && !is_cluster {
        return Err(ArgoError::NoAddress);
    }
    Ok(settings)
}

/// The way to the workflows that the settings name.
///
/// # Errors
/// Address, token or certificates can't be used, or this program was built without that way.
pub async fn workflow_api(settings: &ArgoSettings) -> Result<Arc<dyn WorkflowApi>, ArgoError> {
    match settings.route {
        Route::Server => Ok(Arc::new(ArgoServer::new(&ServerOptions::of(settings))?)),
        Route::Kubernetes => kubernetes(settings).await,
    }
}

#[cfg(feature = "kubernetes")]
async fn kubernetes(settings: &ArgoSettings) -> Result<Arc<dyn WorkflowApi>, ArgoError> {
    let connected = crate::scheduler::argo::kubernetes::KubernetesWorkflows::connect(settings);
    let api = connected
        .await
        .map_err(|error| ArgoError::Kubernetes(error.to_string()))?;
    Ok(Arc::new(api))
}

#[cfg(not(feature = "kubernetes"))]
async fn kubernetes(_: &ArgoSettings) -> Result<Arc<dyn WorkflowApi>, ArgoError> {
    std::future::ready(Err(ArgoError::Kubernetes(
        "this norgay was built without the way through the Kubernetes API: build it with \
         `cargo build --release --features kubernetes`, or use the argo-server"
            .into(),
    )))
    .await
}

/// What a study will ask of the cluster.
pub struct Plan {
    /// The settings, filled in from the environment.
    pub settings: ArgoSettings,
    /// The templates that it uses: the trial's own, and that of continued trials.
    pub templates: Vec<TemplateRef>,
    /// The workflow of a made-up first trial, for a dry run.
    pub sample: Submission,
    /// Parameters that are sent to templates that declare them.
    pub optional: Vec<String>,
    /// The study's folder.
    pub files: Files,
    options: FleetOptions,
}

impl Plan {
    /// The plan of a study; nothing is asked of the cluster yet.
    ///
    /// # Errors
    /// Settings, parameter text or output folder are wrong.
    pub fn new(study: &OpenStudy, execution: &Execution) -> Result<Self, ArgoError> {
        let settings = argo_settings(execution, &|name| std::env::var(name).ok())?;
        let files = execution.output()?.child(study.name())?;
        let state = study.study();
        let jobs = JobMaker::new(study.name(), execution, files.clone(), state)?;
        let trial = made_up_trial(state);
        let job = jobs.make(state, &trial)?;
        let task = job.workflow.clone().ok_or(ArgoError::NoSettings)?;
        let continued = task.parameters.iter();
        let continued = continued
            .filter(|(name, _)| name == TEMPLATE_CONTINUE)
            .map(|(_, template)| template.clone());
        let mut templates = vec![settings.template.clone()];
        templates.extend(continued.filter(|name| *name != settings.template));
        let identity = identity(study);
        let options = FleetOptions {
            identity,
            settings: settings.clone(),
            max_concurrent: execution.max_concurrent,
            declared: BTreeMap::new(),
            timing: Timing::default(),
        };
        let sample = Fleet::new(options.clone()).submission(&job, &task);
        let kind = settings.template_kind;
        Ok(Self {
            templates: templates
                .into_iter()
                .map(|name| TemplateRef { kind, name })
                .collect(),
            sample,
            optional: task.optional.into_iter().map(|(name, _)| name).collect(),
            settings,
            files,
            options,
        })
    }

    /// Begins to watch the study's workflows, given what the templates declare.
    ///
    /// # Errors
    /// The way to the cluster can't be opened.
    pub fn scheduler(
        &self,
        declared: BTreeMap<String, BTreeSet<String>>,
    ) -> Result<ArgoScheduler, ArgoError> {
        let options = FleetOptions {
            declared,
            ..self.options.clone()
        };
        let connect = workflow_api(&self.settings);
        ArgoScheduler::new(connect, self.files.clone(), options)
    }

    /// Finds out whether the cluster and the study's folder will do for the study.
    ///
    /// # Errors
    /// There is no way to the cluster at all, so that nothing could be asked.
    pub fn preflight(&self) -> Result<Report, ArgoError> {
        let expected = self.expectations();
        let files = self.files.clone();
        block_on(async {
            let api = workflow_api(&self.settings).await?;
            Ok(preflight(api.as_ref(), &expected, move || files.check_access()).await)
        })?
    }

    fn expectations(&self) -> Expectations {
        let parameters = &self.sample.parameters;
        let continued = parameters
            .iter()
            .find(|(name, _)| name == ENTRYPOINT_CONTINUE);
        // The trial's own template comes first; any other is that of continued trials.
        let entrypoint = |index: usize| match (index, continued) {
            (1.., Some((_, name))) => name.clone(),
            _ => self.sample.entrypoint.clone(),
        };
        let templates = self.templates.iter().enumerate();
        Expectations {
            namespace: self.settings.namespace.clone(),
            templates: templates
                .map(|(index, template)| (template.clone(), entrypoint(index)))
                .collect(),
            sample: self.sample.clone(),
            optional: self.optional.clone(),
            for_norgay: FOR_NORGAY.map(String::from).into(),
            folder: self.files.url(),
        }
    }
}

/// The name of an attempt's workflow.
pub fn workflow_name(study: &OpenStudy, key: AttemptKey) -> String {
    identity(study).workflow_name(key)
}

fn identity(study: &OpenStudy) -> StudyIdentity {
    let created_ms = study.study().created_ms();
    StudyIdentity::new(study.name(), created_ms, study.id().0, &host_name())
}

/// The last lines that an attempt's pods wrote; `None` if its workflow is not in the cluster.
///
/// # Errors
/// The cluster does not tell.
pub fn workflow_logs(
    study: &OpenStudy,
    execution: &Execution,
    key: AttemptKey,
    lines: usize,
) -> Result<Option<String>, ArgoError> {
    let settings = argo_settings(execution, &|name| std::env::var(name).ok())?;
    let name = workflow_name(study, key);
    block_on(async {
        let api = workflow_api(&settings).await?;
        if api.get(&name, None).await?.is_none() {
            return Ok(None);
        }
        Ok(Some(api.logs(&name, lines).await?))
    })?
}

/// Runs calls to the cluster to their end.
///
/// # Errors
/// The system gives no runtime.
pub fn block_on<F: Future>(calls: F) -> std::io::Result<F::Output> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(calls))
}

/// A trial in the middle of the space, of which no workflow can exist: it has no attempt.
fn made_up_trial(study: &Study) -> Trial {
    let space = &study.definition().space;
    Trial {
        number: 1,
        configuration: space.at(&vec![0.5; space.parameters().len()]),
        origin: Origin::Suggested,
        reason: "a check before the first trial".into(),
        memo: None,
        created_ms: study.created_ms(),
        state: TrialState::Queued,
        cause: None,
        value: None,
        outcome: None,
        attempts: Vec::new(),
        measurements: Vec::new(),
    }
}
