//! A real S3 server in this process, which checks signatures; or the one that variables name.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use norgay_engine::files::{Files, Settings};
use rcgen::{CertifiedKey, KeyPair};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpError};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

pub const KEY: &str = "AKIATESTKEY";
pub const SECRET: &str = "test/secret+key";
pub const BUCKET: &str = "factory-bucket";

/// Variables that name another server for the same tests: its endpoint and a bucket in it. The
/// keys then come from the usual variables.
const ENDPOINT_VARIABLE: &str = "NORGAY_TEST_S3_ENDPOINT";
const BUCKET_VARIABLE: &str = "NORGAY_TEST_S3_BUCKET";

/// A server on a port of its own, with one bucket.
pub struct S3Server {
    folder: TempDir,
    address: SocketAddr,
    certificate: Option<String>,
    _runtime: Runtime,
}

impl S3Server {
    pub fn start() -> Self {
        Self::start_as(None)
    }

    /// With a certificate for `localhost` that nobody trusts by default.
    pub fn start_with_tls() -> Self {
        Self::start_as(Some(
            rcgen::generate_simple_self_signed(["localhost".to_string()]).expect("a certificate"),
        ))
    }

    fn start_as(identity: Option<CertifiedKey<KeyPair>>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join(BUCKET)).expect("made");
        let mut builder = S3ServiceBuilder::new(FileSystem::new(folder.path()).expect("a root"));
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = builder.build();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let tls = identity.as_ref().map(acceptor);
        runtime.spawn(serve(listener, tls, service, folder.path().to_path_buf()));
        Self {
            folder,
            address,
            certificate: identity.map(|identity| identity.cert.pem()),
            _runtime: runtime,
        }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The certificate, where there is one, as a file for clients.
    pub fn certificate_file(&self) -> PathBuf {
        let path = self.folder.path().join("certificate.pem");
        let certificate = self.certificate.as_deref().expect("a server with TLS");
        std::fs::write(&path, certificate).expect("written");
        path
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Where the bucket's files are on this machine.
    pub fn bucket_folder(&self) -> PathBuf {
        self.folder.path().join(BUCKET)
    }

    pub fn settings(&self) -> Settings {
        settings(&[
            ("S3_ENDPOINT", &self.endpoint()),
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
        ])
    }
}

fn acceptor(identity: &CertifiedKey<KeyPair>) -> TlsAcceptor {
    norgay_engine::tls::install();
    let key = identity.signing_key.serialize_der();
    let key = PrivateKeyDer::try_from(key).expect("a key");
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![identity.cert.der().clone()], key);
    TlsAcceptor::from(Arc::new(config.expect("an identity")))
}

async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, service: S3Service, root: PathBuf) {
    while let Ok((stream, _)) = listener.accept().await {
        // Else short answers wait for the client's acknowledgement of their first half.
        let _ = stream.set_nodelay(true);
        let (service, root, tls) = (service.clone(), root.clone(), tls.clone());
        tokio::spawn(async move {
            match tls {
                None => serve_one(stream, service, root).await,
                Some(tls) => {
                    // A client that does not trust us goes away.
                    if let Ok(stream) = tls.accept(stream).await {
                        serve_one(stream, service, root).await;
                    }
                }
            }
        });
    }
}

async fn serve_one<S>(stream: S, service: S3Service, root: PathBuf)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let answer = service_fn(move |request: Request<Incoming>| {
        let (service, root) = (service.clone(), root.clone());
        async move { answer(service, &root, request).await }
    });
    let server = Builder::new(TokioExecutor::new());
    // A client that goes away is no fault of the server.
    let _ = server.serve_connection(TokioIo::new(stream), answer).await;
}

/// What `s3s-fs` answers, but in two points as real servers do: it makes a bucket that is missing,
/// and fails where a key names a folder on its disk.
async fn answer(
    service: S3Service,
    root: &Path,
    request: Request<Incoming>,
) -> Result<Response<Body>, HttpError> {
    let method = request.method().clone();
    let path = request.uri().path().trim_matches('/').to_string();
    let bucket = path.split('/').next().unwrap_or_default();
    if !root.join(bucket).is_dir() {
        return Ok(said(404, "NoSuchBucket"));
    }
    let response = service.call(request.map(Body::from)).await?;
    let names_folder = path.contains('/') && root.join(&path).is_dir();
    if !(response.status().is_server_error() && names_folder) {
        return Ok(response);
    }
    Ok(match method.as_str() {
        "DELETE" => said(204, ""),
        _ => said(404, "NoSuchKey"),
    })
}

fn said(status: u16, code: &str) -> Response<Body> {
    let body = match code {
        "" => Body::empty(),
        code => Body::from(format!("<Error><Code>{code}</Code></Error>")),
    };
    let response = Response::builder().status(status).body(body);
    response.expect("a response")
}

/// Settings from the given variables, with little patience.
pub fn settings(variables: &[(&str, &str)]) -> Settings {
    let owned = variables
        .iter()
        .map(|(name, value)| ((*name).to_string(), (*value).to_string()));
    Settings::of(owned.collect::<BTreeMap<_, _>>()).with_patience(Duration::from_secs(5))
}

/// The bucket that tests share: of the server in this process, or of the one that variables name.
pub struct SharedBucket {
    pub url: String,
    pub settings: Settings,
}

pub fn shared_bucket() -> &'static SharedBucket {
    static SERVER: OnceLock<S3Server> = OnceLock::new();
    static SHARED: OnceLock<SharedBucket> = OnceLock::new();
    SHARED.get_or_init(|| {
        let Ok(endpoint) = std::env::var(ENDPOINT_VARIABLE) else {
            return SharedBucket {
                url: format!("s3://{BUCKET}"),
                settings: SERVER.get_or_init(S3Server::start).settings(),
            };
        };
        let mut variables: BTreeMap<String, String> = std::env::vars().collect();
        variables.insert("S3_ENDPOINT".into(), endpoint);
        let bucket = std::env::var(BUCKET_VARIABLE).unwrap_or_else(|_| BUCKET.to_string());
        SharedBucket {
            url: format!("s3://{bucket}"),
            settings: Settings::of(variables).with_patience(Duration::from_secs(5)),
        }
    })
}

/// A folder in the shared bucket that no other test uses.
pub fn own_prefix() -> Files {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let shared = shared_bucket();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let url = format!("{}/{}/{number}", shared.url, std::process::id());
    Files::open_with(&url, Path::new("/"), &shared.settings).expect("files")
}

/// A server that gives the answers it is told to, for what a healthy one never says.
pub struct CannedServer {
    address: SocketAddr,
}

impl CannedServer {
    /// `answer` gets method and target of a request and returns status and body.
    pub fn start(answer: impl Fn(&str, &str) -> (u16, String) + Send + Sync + 'static) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answer = Arc::clone(&answer);
                std::thread::spawn(move || answer_one(stream, answer.as_ref()));
            }
        });
        Self { address }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn files(&self, url: &str) -> Files {
        let settings = settings(&[
            ("S3_ENDPOINT", &self.endpoint()),
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
        ]);
        let settings = settings.with_patience(Duration::from_millis(500));
        Files::open_with(url, Path::new("/"), &settings).expect("files")
    }
}

/// Answers the first request of a connection and closes it.
fn answer_one(stream: TcpStream, answer: &dyn Fn(&str, &str) -> (u16, String)) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim_end().to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if header.is_empty() {
            break;
        }
    }
    reader.read_exact(&mut vec![0; length]).ok()?;
    let (status, body) = answer(method, target);
    let length = body.len();
    let response = format!(
        "HTTP/1.1 {status} Said\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    reader.get_mut().write_all(response.as_bytes()).ok()
}
