//! The stand-in for an argo-server, as a test holds it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::{Router, middleware};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use crate::faults::{FaultPlan, Faults};
use crate::gate::gate;
use crate::lives::Lives;
use crate::record::{Counters, Kind, Request};
use crate::refusal::Refusal;
use crate::status::{self, Ending};
use crate::store::{Key, Stored, is_final};
use crate::templates::Templates;
use crate::world::{Setting, World};
use crate::{argo, http, kubernetes};

/// How a server begins.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port; 0 for any that is free.
    pub port: u16,
    /// What stands before all addresses, such as `/argo`.
    pub prefix: String,
    /// The token that callers must show; none lets everybody in.
    pub token: Option<String>,
    /// A file that always holds the present token, as projected tokens do.
    pub token_file: Option<PathBuf>,
    /// The only namespace that callers may use, and that of tests; none lets them use all.
    pub namespace: Option<String>,
    /// The version that it tells.
    pub version: String,
    /// The label `controller-instanceid` that the argo-server gives to workflows; the controller
    /// sees no others.
    pub instance_id: Option<String>,
    /// As whom callers are known.
    pub user: String,
    /// WorkflowTemplates and ClusterWorkflowTemplates, as objects.
    pub templates: Vec<Value>,
    /// How workflows go on.
    pub lives: Lives,
    /// What goes wrong.
    pub faults: FaultPlan,
    /// The time between two signs of life of a watch.
    pub keep_alive: Duration,
    /// Whether not even the head of a watch's answer leaves before its first event or sign of
    /// life, as with Argo.
    pub late_head: bool,
    /// How far its clock is ahead, in seconds.
    pub clock_ahead_s: i64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            prefix: String::new(),
            token: Some("testbed-token".into()),
            token_file: None,
            namespace: Some("argo".into()),
            version: "v4.1.2".into(),
            instance_id: None,
            user: "system:serviceaccount:argo:norgay".into(),
            templates: Vec::new(),
            lives: Lives::default(),
            faults: FaultPlan::default(),
            keep_alive: Duration::from_secs(15),
            late_head: false,
            clock_ahead_s: 0,
        }
    }
}

/// An argo-server, and beside it the Kubernetes API that the direct route needs, over the same
/// workflows. It runs on threads of its own until it is dropped.
pub struct ArgoServer {
    world: Arc<World>,
    namespace: String,
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl ArgoServer {
    /// Starts a server on this machine's loopback address.
    pub fn start(options: Options) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("testbed")
            .enable_all()
            .build()?;
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let mut templates = Templates::default();
        options
            .templates
            .into_iter()
            .for_each(|template| templates.put(template));
        let namespace = options.namespace.clone().unwrap_or_else(|| "argo".into());
        let setting = Setting {
            prefix: options.prefix.trim_end_matches('/').to_string(),
            namespace: options.namespace,
            version: options.version,
            instance_id: options.instance_id,
            user: options.user,
            keep_alive: options.keep_alive,
            late_head: options.late_head,
            token_file: options.token_file,
            clock_ahead_s: options.clock_ahead_s,
            lives: options.lives,
        };
        let faults = Faults::new(options.faults);
        let world = Arc::new(World::new(
            setting,
            templates,
            options.token,
            faults,
            runtime.handle().clone(),
        ));
        let router = router(&world);
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener)?
        };
        runtime.spawn(http::serve(listener, router));
        let server = Self {
            world,
            namespace,
            address,
            runtime: Some(runtime),
        };
        server.write_token_file()?;
        Ok(server)
    }

    /// Its URL, with the prefix.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address, self.world.setting.prefix)
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A kubeconfig for the Kubernetes API beside the argo-server.
    pub fn kubeconfig(&self) -> String {
        let named = |what: &str, value: Value| json!([{"name": "testbed", what: value}]);
        let context = json!({"cluster": "testbed", "user": "testbed", "namespace": self.namespace});
        // All JSON is YAML.
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": named("cluster", json!({"server": self.url()})),
            "users": named("user", json!({"token": self.token()})),
            "contexts": named("context", context),
            "current-context": "testbed",
        })
        .to_string()
    }

    /// The namespace that is meant by all methods here.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The token that callers must show now; empty if none.
    pub fn token(&self) -> String {
        self.world.state().token.clone().unwrap_or_default()
    }

    /// Takes another token from now on, and writes it to the token's file.
    pub fn rotate_token(&self, token: &str) -> io::Result<()> {
        self.world.state().token = Some(token.to_string());
        self.write_token_file()
    }

    /// Forbids something to everybody, as `verb resource`: `create workflows`,
    /// `list workflows`, `get workflowtemplates`, `get pods/log` ...
    pub fn forbid(&self, action: &str) {
        self.world.state().forbidden.insert(action.to_string());
    }

    /// Allows again what was forbidden.
    pub fn allow(&self, action: &str) {
        self.world.state().forbidden.remove(action);
    }

    /// From now on other things go wrong.
    pub fn set_faults(&self, plan: FaultPlan) {
        let mut state = self.world.state();
        state
            .store
            .set_lag(Duration::from_millis(plan.cluster.list_lag_ms));
        state.faults = Faults::new(plan);
    }

    /// Adds a template, or edits the one of the same kind and name.
    pub fn put_template(&self, template: Value) {
        self.world.state().templates.put(template);
    }

    /// Takes templates of this name away.
    pub fn remove_template(&self, name: &str) {
        self.world.state().templates.remove(name);
    }

    /// Creates a workflow as somebody else would; fails with the server's message.
    pub fn create(&self, mut workflow: Value) -> Result<Value, String> {
        workflow["metadata"]["namespace"] = Value::from(self.namespace.as_str());
        let created = self.world.create(workflow, false);
        created
            .map(|stored| stored.object.clone())
            .map_err(|refusal| refusal.message)
    }

    /// Sets the phase of a workflow; false if there is none of this name that has not ended.
    pub fn set_phase(&self, name: &str, phase: &str) -> bool {
        self.change(name, |workflow, entrypoint| match phase {
            "Running" => status::begin(workflow, entrypoint),
            "Succeeded" => status::end(workflow, &Ending::Succeeded),
            phase => status::set_phase(workflow, phase, ""),
        })
    }

    /// Ends a workflow; false if there is none of this name that has not ended.
    pub fn end(&self, name: &str, ending: &Ending) -> bool {
        self.change(name, |workflow, entrypoint| {
            if !workflow["status"]["nodes"].is_object() {
                status::begin(workflow, entrypoint);
            }
            status::end(workflow, ending);
        })
    }

    /// Changes anything in a workflow's object; false if there is none of this name.
    pub fn edit(&self, name: &str, edit: impl FnOnce(&mut Value)) -> bool {
        let key = self.key(name);
        let mut state = self.world.state();
        let Ok(stored) = state.store.modify(&key, edit) else {
            return false;
        };
        state.signal(&stored.uid, |_| {});
        true
    }

    /// Deletes a workflow as somebody else would; false if there is none of this name.
    pub fn delete(&self, name: &str) -> bool {
        self.world.delete(&self.key(name)).is_ok()
    }

    /// Adds a line to what a workflow's main container wrote.
    pub fn write_log(&self, name: &str, line: &str) {
        let mut state = self.world.state();
        if let Ok(stored) = state.store.get(&self.key(name)) {
            let line = crate::logs::Line {
                pod: status::pod_id(name, "main"),
                text: line.to_string(),
            };
            state.logs.add(&stored.uid, line);
        }
    }

    /// A workflow's object as it is now.
    pub fn workflow(&self, name: &str) -> Option<Value> {
        let found: Result<Arc<Stored>, Refusal> = self.world.state().store.get(&self.key(name));
        found.ok().map(|stored| stored.object.clone())
    }

    /// The phase of a workflow; none if it is gone, empty if no controller has seen it.
    pub fn phase(&self, name: &str) -> Option<String> {
        let workflow = self.workflow(name)?;
        Some(
            workflow["status"]["phase"]
                .as_str()
                .unwrap_or_default()
                .to_string(),
        )
    }

    /// All workflows, the oldest first.
    pub fn workflows(&self) -> Vec<Value> {
        let mut state = self.world.state();
        let mut all = state.store.list(
            &self.namespace,
            &crate::selector::Selector::default(),
            false,
        );
        all.reverse();
        all.into_iter()
            .map(|stored| stored.object.clone())
            .collect()
    }

    /// Names of the workflows that have not ended, the oldest first.
    pub fn live(&self) -> Vec<String> {
        let all = self.workflows();
        let live = all
            .iter()
            .filter(|one| !is_final(one["status"]["phase"].as_str().unwrap_or_default()));
        live.filter_map(|one| one["metadata"]["name"].as_str().map(String::from))
            .collect()
    }

    /// The requests so far (the last 50,000).
    pub fn requests(&self) -> Vec<Request> {
        self.world.state().record.requests()
    }

    /// The requests of one kind so far.
    pub fn requests_of(&self, kind: Kind) -> Vec<Request> {
        self.requests()
            .into_iter()
            .filter(|request| request.kind == kind)
            .collect()
    }

    /// What was counted since the start.
    pub fn counters(&self) -> Counters {
        self.world.counters()
    }

    /// Cuts all watches that are open now.
    pub fn cut_watches(&self) {
        self.world.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Forgets all changes: who wants to go on from an earlier version is told that it is too old.
    pub fn forget_changes(&self) {
        self.world.state().store.forget_changes();
    }

    /// Blocks until a condition holds; false if it does not within this time.
    pub fn wait_until(&self, patience: Duration, mut holds: impl FnMut(&Self) -> bool) -> bool {
        let start = Instant::now();
        while !holds(self) {
            if start.elapsed() > patience {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }

    /// Deletes all workflows and waits until their processes have ended; false if some have not
    /// within this time.
    pub fn end_all(&self, patience: Duration) -> bool {
        let keys: Vec<Key> = {
            let mut state = self.world.state();
            let all = state
                .store
                .list("", &crate::selector::Selector::default(), false);
            all.iter().map(|stored| stored.key.clone()).collect()
        };
        for key in keys {
            // One that went in between is gone all the same.
            drop(self.world.delete(&key));
        }
        self.wait_until(patience, |server| {
            server.world.lives.load(Ordering::Acquire) == 0
        })
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Value, &str)) -> bool {
        let key = self.key(name);
        let found = {
            let state = self.world.state();
            state
                .store
                .get(&key)
                .ok()
                .filter(|stored| !stored.is_final())
                .map(|stored| {
                    let spec = state.templates.resolve(&stored.object).unwrap_or_default();
                    (
                        stored,
                        spec["entrypoint"].as_str().unwrap_or_default().to_string(),
                    )
                })
        };
        let Some((stored, entrypoint)) = found else {
            return false;
        };
        self.world
            .change(&stored, |workflow| change(workflow, &entrypoint));
        true
    }

    fn key(&self, name: &str) -> Key {
        (self.namespace.clone(), name.to_string())
    }

    fn write_token_file(&self) -> io::Result<()> {
        match &self.world.setting.token_file {
            Some(path) => std::fs::write(path, self.token()),
            None => Ok(()),
        }
    }
}

impl Drop for ArgoServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waiting is not allowed inside another runtime, where tests may drop this.
            runtime.shutdown_background();
        }
    }
}

fn router(world: &Arc<World>) -> Router {
    let routes = argo::routes().merge(kubernetes::routes());
    let routes = match world.setting.prefix.as_str() {
        "" => routes,
        prefix => Router::new().nest(prefix, routes),
    };
    routes
        .fallback(|| async { Refusal::new(crate::refusal::Reason::NotFound, "Not Found").argo() })
        .layer(middleware::from_fn_with_state(Arc::clone(world), gate))
        .with_state(Arc::clone(world))
}
