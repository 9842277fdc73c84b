//! Buckets: opened from a URL and the environment, and their refusals in plain words.

mod amazon;
mod azure;
mod google;
mod profile;
mod refusal;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use object_store::{BackoffConfig, Certificate, ClientOptions, ObjectStore, RetryConfig};
use tokio::runtime::Handle;

use super::blocking;
use super::location::{BucketUrl, Provider};
use super::settings::Settings;

pub(super) use refusal::{Refusal, names_missing_bucket, names_unknown_request};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest silence of a server while it is to answer, and longest time that a part may take to
/// be sent; less if the caller has less patience, but no less than this.
const SILENCE: Duration = Duration::from_secs(30);
const LEAST_SILENCE: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Variables that name a file of certificate authorities, the most specific first.
const CA_VARIABLES: [&str; 2] = ["AWS_CA_BUNDLE", "SSL_CERT_FILE"];

/// What is known of an open bucket beside its storage interface.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) provider: Provider,
    pub(super) name: String,
    pub(super) endpoint: String,
    pub(super) network: Handle,
    /// Whether the server refused a write on a condition, so that none is tried again.
    pub(super) lacks_conditions: AtomicBool,
}

/// A bucket just opened.
struct Opened {
    store: Arc<dyn ObjectStore>,
    endpoint: String,
}

impl Opened {
    fn new(store: impl ObjectStore, endpoint: String) -> Self {
        Self {
            store: Arc::new(store),
            endpoint,
        }
    }
}

/// Opens the bucket of a URL; nothing is asked of it yet.
pub(super) fn open(
    url: &BucketUrl,
    settings: &Settings,
) -> Result<(Arc<dyn ObjectStore>, Bucket), String> {
    let network = blocking::network().map_err(|error| error.to_string())?;
    let opened = match url.provider() {
        Provider::Amazon => amazon::open(url, settings),
        Provider::Google => google::open(url, settings),
        Provider::Azure => azure::open(url, settings),
    }?;
    let bucket = Bucket {
        provider: url.provider(),
        name: url.bucket().to_string(),
        endpoint: opened.endpoint,
        network,
        lacks_conditions: AtomicBool::new(false),
    };
    Ok((opened.store, bucket))
}

fn retries(settings: &Settings) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: FIRST_PAUSE,
            max_backoff: LONGEST_PAUSE,
            base: 2.0,
        },
        // The time alone bounds them.
        max_retries: usize::MAX,
        retry_timeout: settings.patience(),
    }
}

/// How the HTTP client behaves; `plain` if the endpoint is an explicit http:// one.
///
/// There is no limit to the whole of a request, since files may be large, only to silence.
fn client_options(settings: &Settings, plain: bool) -> Result<ClientOptions, String> {
    crate::tls::install();
    let agent = concat!("norgay/", env!("CARGO_PKG_VERSION"));
    let mut options = ClientOptions::new()
        .with_user_agent(agent.parse().map_err(|_| "the version is no header")?)
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_timeout_disabled()
        .with_read_timeout(settings.patience().clamp(LEAST_SILENCE, SILENCE))
        .with_allow_http(plain);
    // As other tools take it, such a file stands in place of the system's own authorities.
    if let Some((variable, path)) = settings.first(&CA_VARIABLES) {
        options = options.with_no_system_certificates(true);
        for certificate in authorities(path).map_err(|error| format!("{variable}: {error}"))? {
            options = options.with_root_certificate(certificate);
        }
    } else if plain {
        // A small image may have no certificates at all, and none is needed here.
        options = options.with_no_system_certificates(true);
    }
    Ok(options)
}

fn authorities(path: &str) -> Result<Vec<Certificate>, String> {
    let text = fs::read(path).map_err(|error| format!("can't read '{path}': {error}"))?;
    let found = Certificate::from_pem_bundle(&text);
    let found = found.map_err(|error| format!("'{path}' holds no PEM certificates: {error}"))?;
    if found.is_empty() {
        return Err(format!("'{path}' holds no PEM certificate"));
    }
    Ok(found)
}
