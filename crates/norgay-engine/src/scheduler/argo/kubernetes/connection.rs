//! The way to the Kubernetes API: who we are there, time-outs, and a new start when the token
//! was refused.

use std::future::Future;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use kube::Client;
use kube::client::{Body, ClientBuilder};
use kube::core::request::Error as RequestError;

use super::errors::{self, Answer};
use super::source::{ConnectError, Source};
use crate::config::ArgoSettings;
use crate::scheduler::argo::api::ApiError;

/// Longest time for one answer.
const TIME_OUT: Duration = Duration::from_secs(30);

type HttpRequest = http::Request<Vec<u8>>;

/// A way to the Kubernetes API that may be used by many at once.
pub(super) struct Connection {
    /// What is asked, for messages.
    pub(super) server: String,
    /// The namespace of the workflows.
    pub(super) namespace: String,
    source: Source,
    settings: ArgoSettings,
    current: RwLock<Session>,
    renewing: tokio::sync::Mutex<()>,
}

/// A client, and how many there were before it.
#[derive(Clone)]
struct Session {
    number: u64,
    client: Client,
}

impl Connection {
    pub(super) async fn open(
        source: Source,
        settings: &ArgoSettings,
    ) -> Result<Self, ConnectError> {
        crate::tls::install();
        let config = source.read(settings).await?;
        let server = format!("the Kubernetes API at {}", config.cluster_url);
        let server = server.trim_end_matches('/').to_string();
        let namespace = config.default_namespace.clone();
        let client = make_client(&server, config).await?;
        Ok(Self {
            server,
            namespace,
            source,
            settings: settings.clone(),
            current: RwLock::new(Session { number: 0, client }),
            renewing: tokio::sync::Mutex::new(()),
        })
    }

    /// The answer to a request, whatever it says.
    pub(super) async fn call(
        &self,
        request: Result<HttpRequest, RequestError>,
    ) -> Result<Answer, ApiError> {
        let request = self.sendable(request)?;
        let session = self.session().await?;
        let answer = self.send(&session, request.clone()).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        let session = self.renew(session.number).await?;
        self.send(&session, request).await
    }

    /// Whether a request can be made of it, which bad names prevent.
    pub(super) fn sendable(
        &self,
        request: Result<HttpRequest, RequestError>,
    ) -> Result<HttpRequest, ApiError> {
        request.map_err(|error| ApiError::Invalid {
            server: self.server.clone(),
            message: error.to_string(),
        })
    }

    async fn send(&self, session: &Session, request: HttpRequest) -> Result<Answer, ApiError> {
        let client = &session.client;
        self.in_time(async {
            let response = client.send(request.map(Body::from)).await?;
            let (head, body) = response.into_parts();
            Ok(Answer::new(
                head.status.as_u16(),
                &head.headers,
                body.collect_bytes().await?.into(),
            ))
        })
        .await?
        .map_err(|error| errors::failure(&self.server, &error))
    }

    /// The stream that this opens, with a new client if the first one's token is refused.
    pub(super) async fn open_stream<T, F>(&self, open: impl Fn(Client) -> F) -> Result<T, ApiError>
    where
        F: Future<Output = Result<T, kube::Error>>,
    {
        let session = self.session().await?;
        let outcome = match self.in_time(open(session.client)).await? {
            Err(kube::Error::Api(status)) if status.code == 401 => {
                let session = self.renew(session.number).await?;
                self.in_time(open(session.client)).await?
            }
            outcome => outcome,
        };
        outcome.map_err(|error| errors::failure(&self.server, &error))
    }

    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, ApiError> {
        tokio::time::timeout(TIME_OUT, work)
            .await
            .map_err(|_| ApiError::Unavailable {
                server: self.server.clone(),
                message: format!("no answer within {} s", TIME_OUT.as_secs()),
            })
    }

    /// The client in use; a new one if its certificate, given by a login command, has run out.
    async fn session(&self) -> Result<Session, ApiError> {
        let session = self.current();
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        match session.client.valid_until() {
            Some(end) if end.as_millisecond() <= now.as_millis() as i64 => {
                self.renew(session.number).await
            }
            _ => Ok(session),
        }
    }

    fn current(&self) -> Session {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Reads token and certificates again, once for all who found the client of this number
    /// refused.
    async fn renew(&self, refused: u64) -> Result<Session, ApiError> {
        let _guard = self.renewing.lock().await;
        let current = self.current();
        if current.number != refused {
            return Ok(current);
        }
        let renewed = self
            .new_client()
            .await
            .map_err(|error| ApiError::Unavailable {
                server: self.server.clone(),
                message: error.to_string(),
            })?;
        let session = Session {
            number: refused + 1,
            client: renewed,
        };
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = session.clone();
        Ok(session)
    }

    async fn new_client(&self) -> Result<Client, ConnectError> {
        make_client(&self.server, self.source.read(&self.settings).await?).await
    }
}

/// Login commands of kubeconfigs run while a client is made, and may take seconds.
async fn make_client(server: &str, config: kube::Config) -> Result<Client, ConnectError> {
    let unusable = |reason| ConnectError::Client {
        server: server.to_string(),
        reason,
    };
    tokio::task::spawn_blocking(move || ClientBuilder::try_from(config).map(ClientBuilder::build))
        .await
        .map_err(|error| unusable(error.to_string()))?
        .map_err(|error| unusable(errors::cause(&error)))
}
