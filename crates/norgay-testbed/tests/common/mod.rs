//! A plain client of the stand-in, and templates for it.

#![allow(clippy::unwrap_used, dead_code, clippy::missing_panics_doc)]

use std::time::Duration;

use norgay_testbed::{ArgoServer, Options};
use reqwest::{Method, Response};
use serde_json::{Value, json};

/// Long enough for anything that happens at all.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A client with the server's URL and token.
pub struct Client {
    pub http: reqwest::Client,
    pub url: String,
    pub token: String,
}

impl Client {
    pub fn of(server: &ArgoServer) -> Self {
        // A second test of this process finds it installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            http,
            url: server.url(),
            token: server.token(),
        }
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<Response> {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        request.send().await
    }

    /// Status and JSON body of an answer.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let answer = self.send(method, path, body).await.unwrap();
        let status = answer.status().as_u16();
        (
            status,
            serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap(),
        )
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, None).await
    }

    pub async fn submit(&self, options: Value) -> (u16, Value) {
        let body = json!({"resourceKind": "WorkflowTemplate", "resourceName": "trial", "submitOptions": options});
        self.call(Method::POST, "/api/v1/workflows/argo/submit", Some(body))
            .await
    }

    /// Submits a workflow of this name and label `n`.
    pub async fn start(&self, name: &str) -> Value {
        let (status, workflow) = self
            .submit(json!({"name": name, "labels": format!("study=a,n={name}")}))
            .await;
        assert_eq!(status, 200, "{workflow}");
        workflow
    }
}

/// A template `trial` with one entrypoint and a parameter that has a value.
pub fn template() -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "WorkflowTemplate",
        "metadata": {"name": "trial"},
        "spec": {
            "entrypoint": "main",
            "arguments": {"parameters": [{"name": "x", "value": "1"}]},
            "templates": [{"name": "main", "container": {"image": "i", "command": ["true"]}}],
        },
    })
}

/// A server with the template.
pub fn server(options: Options) -> ArgoServer {
    ArgoServer::start(Options {
        templates: vec![template()],
        ..options
    })
    .unwrap()
}
