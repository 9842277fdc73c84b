//! An S3 server over a folder.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// An S3 server whose buckets are the folders of a folder. Signatures (version 4) are enforced. It
/// runs on threads of its own until it is dropped.
pub struct S3Server {
    address: SocketAddr,
    access_key: String,
    secret_key: String,
    runtime: Option<Runtime>,
}

impl S3Server {
    /// Starts a server on this machine's loopback address; port 0 for any that is free.
    pub fn start(folder: &Path, port: u16, access_key: &str, secret_key: &str) -> io::Result<Self> {
        let files =
            FileSystem::new(folder).map_err(|error| io::Error::other(format!("{error:?}")))?;
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(SimpleAuth::from_single(access_key, secret_key));
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("testbed-s3")
            .enable_all()
            .build()?;
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener)?
        };
        runtime.spawn(serve(listener, service.build()));
        Ok(Self {
            address,
            access_key: access_key.to_string(),
            secret_key: secret_key.to_string(),
            runtime: Some(runtime),
        })
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The variables by which programs find it.
    pub fn variables(&self) -> Vec<(String, String)> {
        let pairs = [
            ("S3_ENDPOINT", self.url()),
            ("AWS_ENDPOINT_URL", self.url()),
            ("AWS_ACCESS_KEY_ID", self.access_key.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.secret_key.clone()),
            ("AWS_REGION", "us-east-1".to_string()),
        ];
        pairs
            .into_iter()
            .map(|(name, value)| (name.to_string(), value))
            .collect()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(listener: TcpListener, service: S3Service) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone()));
    }
}
