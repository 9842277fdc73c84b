//! A server that gives recorded answers, one after the other.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use norgay_engine::scheduler::argo::server::{ArgoServer, ServerOptions, TokenSource};
use serde::Deserialize;
use serde_json::Value;

/// What an argo-server v4.1.2 answered, shortened.
const RECORDED: &str = include_str!("../data/argo_server.json");

#[derive(Clone, Deserialize)]
struct Exchange {
    name: String,
    request: Asked,
    answer: Answer,
}

#[derive(Clone, Deserialize)]
struct Asked {
    method: String,
    path: String,
}

#[derive(Clone, Deserialize)]
struct Answer {
    status: u16,
    content_type: String,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
    body: String,
}

/// What the client sent.
#[derive(Clone, Debug)]
pub struct Sent {
    pub query: String,
    pub headers: axum::http::HeaderMap,
    pub body: Value,
}

#[derive(Clone, Default)]
struct Shared {
    answers: Arc<Mutex<VecDeque<Exchange>>>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

/// A server that gives these answers in this order, and a client of it.
pub struct Replay {
    pub client: ArgoServer,
    shared: Shared,
}

impl Replay {
    pub async fn of(names: &[&str]) -> Self {
        Self::with_token(names, TokenSource::given("secret-token")).await
    }

    pub async fn with_token(names: &[&str], token: TokenSource) -> Self {
        let recorded: Vec<Exchange> = serde_json::from_str(RECORDED).unwrap();
        let find = |name: &&str| {
            let found = recorded.iter().find(|exchange| exchange.name == *name);
            found.unwrap_or_else(|| panic!("no answer {name}")).clone()
        };
        let shared = Shared::default();
        *shared.answers.lock().unwrap() = names.iter().map(find).collect();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let options = ServerOptions {
            url,
            namespace: "argo".into(),
            token,
            ca_file: None,
            insecure: false,
        };
        let client = ArgoServer::new(&options).unwrap();
        Self { client, shared }
    }

    /// What was sent, after all answers were given.
    pub fn sent(&self) -> Vec<Sent> {
        assert!(
            self.shared.answers.lock().unwrap().is_empty(),
            "too few calls"
        );
        self.shared.sent.lock().unwrap().clone()
    }
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let next = shared.answers.lock().unwrap().pop_front();
    let exchange = next.unwrap_or_else(|| panic!("one call too many: {}", parts.uri));
    assert_eq!(parts.method.as_str(), exchange.request.method);
    assert_eq!(parts.uri.path(), exchange.request.path);
    let body = to_bytes(body, usize::MAX).await.unwrap();
    shared.sent.lock().unwrap().push(Sent {
        query: parts.uri.query().unwrap_or_default().to_string(),
        headers: parts.headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    });
    let mut response = Response::builder()
        .status(exchange.answer.status)
        .header("content-type", exchange.answer.content_type);
    for (name, value) in exchange.answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(exchange.answer.body)).unwrap()
}
