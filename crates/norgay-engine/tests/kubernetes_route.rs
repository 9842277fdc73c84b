//! The route through the Kubernetes API: the contract of places that run workflows against the
//! stand-in and, if `NORGAY_TEST_KUBECONFIG` names one (and `NORGAY_TEST_NAMESPACE`, and
//! `NORGAY_TEST_TEMPLATE` if wanted), against a live cluster; and what only this route does.

#![allow(clippy::unwrap_used)]

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use norgay_engine::config::ArgoSettings;
use norgay_engine::scheduler::argo::api::{
    ApiError, Labels, Submission, TemplateKind, TemplateRef, WorkflowApi,
};
use norgay_engine::scheduler::argo::kubernetes::KubernetesWorkflows;
use norgay_engine::testing::workflow_api_contract::{Fixture, check_workflow_api};
use norgay_testbed::{
    ArgoServer, Ending, FaultPlan, Kind, Lives, Options, PodFailure, RequestFault, RequestRule,
    Script, WatchFault, WatchRule, When,
};
use serde_json::{Value, json};
use tempfile::TempDir;

const TEMPLATE: &str = "norgay-conformance";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_contract_is_kept() {
    let (open, closed) = (
        Cluster::start(Options::default()),
        Cluster::start(Options::default()),
    );
    for verb in ["get", "list", "watch", "create"] {
        closed.server.forbid(&format!("{verb} workflows"));
    }
    let fixture = Fixture {
        api: Arc::new(open.client().await),
        template: template(TEMPLATE),
        unknown: Some(Arc::new(open.client_with_token("nobody").await)),
        forbidden: Some(Arc::new(closed.client().await)),
    };
    check_workflow_api(&fixture).await;
    assert_eq!(
        open.server.workflows(),
        Vec::<Value>::new(),
        "all is cleaned up"
    );
    check_live_cluster().await;
}

/// Creates the template of the checks in a live cluster.
async fn create_template(kubeconfig: &Path, namespace: &str) {
    use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, PostParams};
    let read = kube::config::Kubeconfig::read_from(kubeconfig).unwrap();
    let options = kube::config::KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(read, &options);
    let client = kube::Client::try_from(config.await.unwrap()).unwrap();
    let kind = GroupVersionKind::gvk("argoproj.io", "v1alpha1", "WorkflowTemplate");
    let api: Api<DynamicObject> =
        Api::namespaced_with(client, namespace, &ApiResource::from_gvk(&kind));
    let text = include_str!("data/norgay-conformance.json");
    let object = serde_json::from_str(text).unwrap();
    let created = api.create(&PostParams::default(), &object).await;
    created.expect("create the template of tests/data/norgay-conformance.json first");
}

/// The same against a live cluster, if there is one.
async fn check_live_cluster() {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let Some(kubeconfig) = variable("NORGAY_TEST_KUBECONFIG").map(PathBuf::from) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let stranger = folder.path().join("token");
    std::fs::write(&stranger, "nobody").unwrap();
    let settings = ArgoSettings {
        namespace: variable("NORGAY_TEST_NAMESPACE").unwrap_or_default(),
        ..ArgoSettings::default()
    };
    let unknown = ArgoSettings {
        token_file: Some(stranger),
        ..settings.clone()
    };
    let client = async |settings: &ArgoSettings| {
        KubernetesWorkflows::from_kubeconfig(&kubeconfig, settings)
            .await
            .unwrap()
    };
    let name = variable("NORGAY_TEST_TEMPLATE").unwrap_or_else(|| TEMPLATE.into());
    let api = Arc::new(client(&settings).await);
    if api.template(&template(&name)).await.unwrap().is_none() {
        create_template(&kubeconfig, api.namespace()).await;
    }
    let fixture = Fixture {
        api,
        template: template(&name),
        unknown: Some(Arc::new(client(&unknown).await)),
        forbidden: None,
    };
    check_workflow_api(&fixture).await;
}

#[tokio::test]
async fn the_context_says_which_namespace_is_meant() {
    let cluster = Cluster::start(Options::default());
    assert_eq!(cluster.client().await.namespace(), "argo");
    let other = ArgoSettings {
        namespace: "hpo".into(),
        ..ArgoSettings::default()
    };
    assert_eq!(cluster.client_with(&other).await.namespace(), "hpo");
}

#[tokio::test]
async fn the_preflight_tells_who_we_are_and_what_we_lack() {
    let cluster = Cluster::start(Options::default());
    cluster.server.forbid("delete workflows");
    let facts = cluster.client().await.preflight().await.unwrap();
    assert!(facts.server.starts_with("Kubernetes v"), "{}", facts.server);
    assert_eq!(
        facts.user.as_deref(),
        Some("system:serviceaccount:argo:norgay")
    );
    assert_eq!(facts.missing_permissions, ["delete workflows"]);
}

#[tokio::test]
async fn long_lists_come_in_pages() {
    let cluster = Cluster::with_many_workflows(501);
    let listed = cluster.client().await.list(&labels()).await.unwrap();
    assert_eq!(listed.len(), 501);
    assert_eq!(cluster.server.requests_of(Kind::List).len(), 2);
}

#[tokio::test]
async fn a_list_that_grows_old_begins_anew() {
    let cluster = Cluster::with_many_workflows(501);
    cluster.fail(Kind::List, When::Nth(2), RequestFault::Status(410));
    let listed = cluster.client().await.list(&labels()).await.unwrap();
    assert_eq!(listed.len(), 501);
    assert_eq!(cluster.server.requests_of(Kind::List).len(), 4);
}

#[tokio::test]
async fn a_list_that_always_grows_old_is_given_up() {
    let cluster = Cluster::with_many_workflows(501);
    cluster.fail(Kind::List, When::Every(2), RequestFault::Status(410));
    let error = cluster.client().await.list(&labels()).await.unwrap_err();
    assert!(error.may_pass(), "{error}");
}

#[tokio::test]
async fn nothing_is_repeated_behind_the_callers_back() {
    let cluster = Cluster::start(Options::default());
    let client = cluster.client().await;
    for (code, calls) in [(503, 1), (429, 2), (504, 3)] {
        cluster.fail(Kind::Get, When::Always, RequestFault::Status(code));
        let error = client.get("one", None).await.unwrap_err();
        assert!(error.may_pass(), "{error}");
        assert_eq!(cluster.server.requests_of(Kind::Get).len(), calls);
    }
}

#[tokio::test]
async fn the_time_to_wait_is_passed_on() {
    let cluster = Cluster::start(Options::default());
    let fault = RequestFault::TooManyRequests {
        retry_after_s: Some(7),
    };
    cluster.fail(Kind::Create, When::Always, fault);
    match cluster
        .client()
        .await
        .submit(&submission("one"), false)
        .await
    {
        Err(ApiError::Busy { retry_after, .. }) => {
            assert_eq!(retry_after, Some(Duration::from_secs(7)));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_lost_reply_leaves_a_taken_name() {
    let cluster = Cluster::start(Options::default());
    let client = cluster.client().await;
    cluster.fail(Kind::Create, When::Nth(1), RequestFault::LostReply);
    let lost = client.submit(&submission("one"), false).await.unwrap_err();
    assert!(matches!(lost, ApiError::Unavailable { .. }), "{lost:?}");
    let again = client.submit(&submission("one"), false).await.unwrap_err();
    assert_eq!(again, ApiError::NameTaken { name: "one".into() });
    assert_eq!(cluster.server.workflows().len(), 1);
}

#[tokio::test]
async fn a_dry_run_tells_all_that_is_wrong_with_a_submission() {
    let cluster = Cluster::start(Options::default());
    cluster.server.put_template(json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "WorkflowTemplate",
        "metadata": {"name": "picky"},
        "spec": {
            "arguments": {"parameters": [{"name": "depth"}]},
            "templates": [{"name": "main"}],
        },
    }));
    let submission = Submission {
        template: template("picky"),
        entrypoint: "mian".into(),
        parameters: Vec::new(),
        ..submission("one")
    };
    let error = cluster
        .client()
        .await
        .submit(&submission, true)
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(text.contains("no template mian; it holds main"), "{text}");
    assert!(text.contains("needs a parameter depth"), "{text}");
    assert_eq!(cluster.server.requests_of(Kind::Create).len(), 0);
}

#[tokio::test]
async fn the_label_of_the_controller_is_set_where_one_is_named() {
    let cluster = Cluster::start(Options::default());
    let client = cluster.client().await.instance(Some("mine".into()));
    client.submit(&submission("one"), false).await.unwrap();
    let made = cluster.server.workflow("one").unwrap();
    let labels = &made["metadata"]["labels"];
    assert_eq!(
        labels["workflows.argoproj.io/controller-instanceid"],
        "mine"
    );
    assert_eq!(labels["norgay.dev/study"], "s");
}

#[tokio::test]
async fn a_watch_of_what_is_forgotten_ends_in_an_error() {
    let cluster = Cluster::start(Options::default());
    cluster.fail_watches(0, WatchFault::TooOld);
    let mut watch = cluster.client().await.watch(&labels()).await.unwrap();
    let error = watch.next().await.unwrap().unwrap_err();
    assert!(error.may_pass(), "{error}");
    assert!(watch.next().await.is_none());
}

#[tokio::test]
async fn a_watch_ends_when_its_connection_does() {
    let cluster = Cluster::start(Options::default());
    let client = cluster.client().await;
    for (name, fault) in [("one", WatchFault::Cut), ("two", WatchFault::End)] {
        cluster.fail_watches(1, fault);
        let watch = client.watch(&labels()).await.unwrap();
        client.submit(&submission(name), false).await.unwrap();
        let events: Vec<_> = watch.collect().await;
        let errors: Vec<_> = events.into_iter().filter_map(Result::err).collect();
        assert!(
            errors.len() <= 1 && errors.iter().all(ApiError::may_pass),
            "{errors:?}"
        );
    }
}

#[tokio::test]
async fn signs_of_life_are_no_events() {
    let options = Options {
        keep_alive: Duration::from_millis(5),
        ..Options::default()
    };
    let cluster = Cluster::start(options);
    let client = cluster.client().await;
    let mut watch = client.watch(&labels()).await.unwrap();
    let began = tokio::time::timeout(Duration::from_millis(100), watch.next()).await;
    assert!(began.is_err(), "{began:?}");
    client.submit(&submission("one"), false).await.unwrap();
    assert!(watch.next().await.unwrap().is_ok());
}

#[tokio::test]
async fn a_token_that_was_replaced_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("token");
    let cluster = Cluster::start(Options {
        token_file: Some(token_file.clone()),
        ..Options::default()
    });
    let settings = ArgoSettings {
        token_file: Some(token_file),
        ..ArgoSettings::default()
    };
    let client = cluster.client_with(&settings).await;
    cluster.server.rotate_token("second").unwrap();
    assert_eq!(client.list(&labels()).await, Ok(Vec::new()));
    cluster.server.rotate_token("third").unwrap();
    assert!(client.watch(&labels()).await.is_ok());
}

#[tokio::test]
async fn the_login_command_runs_again_when_its_token_is_refused() {
    let cluster = Cluster::start(Options::default());
    let credential = cluster.folder.path().join("credential");
    let give = |token: &str| {
        let text = json!({
            "apiVersion": "client.authentication.k8s.io/v1",
            "kind": "ExecCredential",
            "status": {"token": token},
        });
        std::fs::write(&credential, text.to_string()).unwrap();
    };
    give(&cluster.server.token());
    let login = json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "cat",
        "args": [credential],
        "interactiveMode": "Never",
    }});
    let client = connect(&cluster.kubeconfig(&login), &ArgoSettings::default()).await;
    assert_eq!(client.list(&labels()).await, Ok(Vec::new()));
    cluster.server.rotate_token("second").unwrap();
    give("second");
    assert_eq!(client.list(&labels()).await, Ok(Vec::new()));
    cluster.server.rotate_token("third").unwrap();
    let refused = client.list(&labels()).await.unwrap_err();
    assert!(
        matches!(refused, ApiError::Unauthorized { .. }),
        "{refused:?}"
    );
    assert!(!refused.to_string().contains("second"));
}

#[tokio::test]
async fn the_last_lines_of_the_main_container_are_told() {
    let cluster = Cluster::start(Options::default());
    let client = cluster.client().await;
    let mut long = submission("one");
    long.parameters[0].1 = "600".into();
    client.submit(&long, false).await.unwrap();
    let runs = |server: &ArgoServer| server.phase("one").as_deref() == Some("Running");
    assert!(cluster.server.wait_until(Duration::from_mins(1), runs));
    for line in ["first", "second", "third"] {
        cluster.server.write_log("one", line);
    }
    assert_eq!(client.logs("one", 2).await.unwrap(), "second\nthird\n");
}

/// A stand-in with a kubeconfig that leads to it.
struct Cluster {
    server: ArgoServer,
    folder: TempDir,
}

impl Cluster {
    fn start(options: Options) -> Self {
        let server = ArgoServer::start(Options {
            templates: vec![conformance_template()],
            lives: Lives::each(life),
            ..options
        });
        Self {
            server: server.unwrap(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn with_many_workflows(number: usize) -> Self {
        let cluster = Self::start(Options::default());
        for index in 0..number {
            let workflow = json!({
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Workflow",
                "metadata": {"name": format!("w-{index}"), "labels": {"norgay.dev/study": "s"}},
                "spec": {
                    "workflowTemplateRef": {"name": TEMPLATE},
                    "arguments": {"parameters": [{"name": "seconds", "value": "600"}]},
                },
            });
            cluster.server.create(workflow).unwrap();
        }
        cluster
    }

    fn fail(&self, kind: Kind, when: When, fault: RequestFault) {
        let requests = vec![RequestRule {
            on: vec![kind],
            when,
            fault,
        }];
        self.server.set_faults(FaultPlan {
            requests,
            ..FaultPlan::default()
        });
    }

    fn fail_watches(&self, after_changes: u64, fault: WatchFault) {
        let watches = vec![WatchRule {
            when: When::Always,
            after_changes,
            fault,
        }];
        self.server.set_faults(FaultPlan {
            watches,
            ..FaultPlan::default()
        });
    }

    async fn client(&self) -> KubernetesWorkflows {
        self.client_with(&ArgoSettings::default()).await
    }

    async fn client_with(&self, settings: &ArgoSettings) -> KubernetesWorkflows {
        connect(
            &self.kubeconfig(&json!({"token": self.server.token()})),
            settings,
        )
        .await
    }

    async fn client_with_token(&self, token: &str) -> KubernetesWorkflows {
        connect(
            &self.kubeconfig(&json!({"token": token})),
            &ArgoSettings::default(),
        )
        .await
    }

    fn kubeconfig(&self, user: &Value) -> PathBuf {
        let path = self.folder.path().join("kubeconfig");
        // JSON is YAML.
        let text = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": self.server.url()}}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "x", "context":
                {"cluster": "c", "user": "u", "namespace": self.server.namespace()}}],
            "current-context": "x",
        });
        std::fs::write(&path, text.to_string()).unwrap();
        path
    }
}

async fn connect(kubeconfig: &Path, settings: &ArgoSettings) -> KubernetesWorkflows {
    KubernetesWorkflows::from_kubeconfig(kubeconfig, settings)
        .await
        .unwrap()
}

fn labels() -> Labels {
    vec![("norgay.dev/study".into(), "s".into())]
}

fn template(name: &str) -> TemplateRef {
    TemplateRef {
        kind: TemplateKind::WorkflowTemplate,
        name: name.into(),
    }
}

fn submission(name: &str) -> Submission {
    Submission {
        name: name.into(),
        template: template(TEMPLATE),
        entrypoint: String::new(),
        parameters: vec![("seconds".into(), "0".into())],
        labels: labels(),
        service_account: None,
        priority: None,
        deadline_s: None,
    }
}

fn conformance_template() -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "WorkflowTemplate",
        "metadata": {"name": TEMPLATE},
        "spec": {
            "entrypoint": "main",
            "arguments": {"parameters": [
                {"name": "seconds", "value": "1"},
                {"name": "exit", "value": "0"},
            ]},
            "templates": [{"name": "main", "container": {"image": "i", "command": ["sh", "-c"]}}],
        },
    })
}

/// A workflow lives as the template's step would.
fn life(workflow: &Value) -> Script {
    let number = |name: &str| -> i32 {
        let parameters = workflow["spec"]["arguments"]["parameters"].as_array();
        let mut all = parameters.into_iter().flatten();
        let value = all.find(|parameter| parameter["name"] == name);
        value.map_or(0, |value| value["value"].as_str().unwrap().parse().unwrap())
    };
    let time = Duration::from_secs(number("seconds").unsigned_abs().into());
    let ending = match number("exit") {
        0 => Ending::default(),
        code => Ending::PodFailed(PodFailure::exit_code(code)),
    };
    Script::running_for(time).ending(ending)
}
