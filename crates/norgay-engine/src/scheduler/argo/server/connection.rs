//! The HTTP client: certificates, proxies, time-outs, the token.

use std::error::Error;
use std::fs;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap};
use reqwest::{Certificate, Client, Method, Response, StatusCode, Url};
use serde_json::Value;

use super::super::api::ApiError;
use super::super::wire::http_date_ms;
use super::address::Address;
use super::refusal::{Asked, Refusal};
use super::token::{Token, VARIABLES};
use super::{ServerOptions, SetupError};

/// A call that takes longer than this has failed.
const CALL_LIMIT: Duration = Duration::from_secs(30);
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// A client of one argo-server.
#[derive(Debug)]
pub(super) struct Connection {
    client: Client,
    address: Address,
    name: String,
    token: Token,
}

/// What is asked of the server.
#[derive(Clone, Debug)]
pub(super) struct Call {
    method: Method,
    url: Url,
    body: Option<Value>,
    stream: bool,
}

impl Call {
    /// A call without a body.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            body: None,
            stream: false,
        }
    }

    /// With this body.
    pub fn with_body(self, body: Value) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }

    /// With one more field of the query.
    pub fn with_query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// Asks for events for as long as the server has some.
    pub fn for_events(self) -> Self {
        Self {
            stream: true,
            ..self
        }
    }
}

/// A call failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// With an answer.
    Refused(Refusal),
    /// Without an answer that can be understood.
    NoAnswer(String),
}

/// The body of an answer, and the time at the server.
pub(super) struct Answer {
    /// The body.
    pub body: Vec<u8>,
    /// Unix milliseconds.
    pub server_time_ms: Option<i64>,
}

impl Connection {
    /// Makes the client; nothing is sent yet.
    pub fn new(options: &ServerOptions) -> Result<Self, SetupError> {
        let address = Address::parse(&options.url)?;
        Ok(Self {
            client: client(options, &address)?,
            name: address.name(),
            token: Token::new(options.token.clone())?,
            address,
        })
    }

    /// How messages name the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A call of the path of these segments.
    pub fn call(&self, method: Method, segments: &[&str]) -> Call {
        Call::new(method, self.address.api(segments))
    }

    /// Makes a call and reads its answer.
    pub async fn ask(&self, call: &Call) -> Result<Answer, Failure> {
        let response = self.open(call).await?;
        let server_time_ms = server_time(response.headers());
        let body = response.bytes().await.map_err(no_answer)?;
        Ok(Answer {
            body: body.to_vec(),
            server_time_ms,
        })
    }

    /// Makes a call whose answer is read by the caller. A token that is refused is read anew and
    /// sent once more.
    pub async fn open(&self, call: &Call) -> Result<Response, Failure> {
        let first = self.send(call).await?;
        let answer = if first.status() == StatusCode::UNAUTHORIZED && self.token.header().is_some()
        {
            // If it can't be read, the old one may still do: the file may be about to be replaced.
            let _ = self.token.reload();
            self.send(call).await?
        } else {
            first
        };
        if answer.status() == StatusCode::OK {
            return Ok(answer);
        }
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.map_err(no_answer)?;
        Err(Failure::Refused(Refusal::read(status, &headers, &body)))
    }

    async fn send(&self, call: &Call) -> Result<Response, Failure> {
        let mut request = self.client.request(call.method.clone(), call.url.clone());
        if let Some(token) = self.token.header() {
            request = request.header(AUTHORIZATION, token);
        }
        if let Some(body) = &call.body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_string());
        }
        request = if call.stream {
            // Without exactly this the server keeps silent between events.
            request.header(ACCEPT, "text/event-stream")
        } else {
            request
                .header(ACCEPT, "application/json")
                .timeout(CALL_LIMIT)
        };
        let answer = tokio::time::timeout(CALL_LIMIT, request.send()).await;
        let too_late = |_| Failure::NoAnswer("no answer within 30 seconds".to_string());
        answer.map_err(too_late)?.map_err(no_answer)
    }

    /// The error for the caller of a trait method.
    pub fn error(&self, failure: Failure, asked: Asked) -> ApiError {
        let error = match failure {
            Failure::Refused(refusal) => refusal.into_error(&self.name, asked),
            Failure::NoAnswer(message) => ApiError::Unavailable {
                server: self.name.clone(),
                message,
            },
        };
        match error {
            ApiError::Unauthorized { server, message } if self.token.header().is_none() => {
                let [first, second] = VARIABLES;
                let message = format!(
                    "{message} (no token is given: set the variable {first} or {second}, or name \
                     a file that holds it with --argo_token_file)"
                );
                ApiError::Unauthorized { server, message }
            }
            other => other,
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

fn client(options: &ServerOptions, address: &Address) -> Result<Client, SetupError> {
    crate::tls::install();
    let mut builder = Client::builder()
        .user_agent(concat!("norgay/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_LIMIT)
        // Whoever is redirected has the wrong address; the token is for this one alone.
        .redirect(reqwest::redirect::Policy::none());
    if address.is_loopback() {
        builder = builder.no_proxy();
    }
    let certificates = match &options.ca_file {
        None => Vec::new(),
        Some(path) => {
            let pem = fs::read(path).map_err(|error| SetupError::CaFile {
                path: path.clone(),
                reason: error.to_string(),
            })?;
            certificates(&pem).map_err(|reason| SetupError::CaFile {
                path: path.clone(),
                reason,
            })?
        }
    };
    builder = if address.is_encrypted() {
        builder
            .tls_certs_merge(certificates)
            .tls_danger_accept_invalid_certs(options.insecure)
    } else {
        // No certificate will be looked at, and small images have none.
        builder.tls_certs_only([])
    };
    builder.build().map_err(|error| SetupError::Client {
        reason: root_cause(&error),
    })
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate>, String> {
    let found = Certificate::from_pem_bundle(pem).map_err(|error| root_cause(&error))?;
    if found.is_empty() {
        return Err("it holds no certificate in the PEM format".to_string());
    }
    Ok(found)
}

fn server_time(headers: &HeaderMap) -> Option<i64> {
    http_date_ms(headers.get(DATE)?.to_str().ok()?)
}

/// Why there is no answer; addresses are left out, since proxies' may hold a password.
pub(super) fn no_answer(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let message = if error.is_timeout() {
        "no answer in time".to_string()
    } else {
        root_cause(&error)
    };
    Failure::NoAnswer(message)
}

/// The innermost reason, which says most.
fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let reason = cause.to_string();
    if reason.contains("invalid peer certificate") {
        format!(
            "{reason}; name the file of its certificate authority with --argo_ca_file, or accept \
             any certificate with --argo_insecure"
        )
    } else {
        reason
    }
}
