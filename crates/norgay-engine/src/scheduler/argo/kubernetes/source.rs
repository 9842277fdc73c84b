//! Where the cluster is and as whom it is entered.

use std::path::{Path, PathBuf};

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use kube::Config;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig, KubeconfigError};

use crate::config::ArgoSettings;

/// No way to a cluster could be found.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Neither a pod nor a kubeconfig.
    #[error(
        "no cluster was found: this is no pod, and {reason}; let KUBECONFIG name the file that \
         kubectl uses, or take the route `server`"
    )]
    NoCluster {
        /// What is wrong with the kubeconfig.
        reason: String,
    },
    /// A pod without what a pod needs to enter its cluster.
    #[error("this pod's service account can't be used: {reason}")]
    Pod {
        /// What is wrong with it.
        reason: String,
    },
    /// A kubeconfig that says something else than it should.
    #[error("the kubeconfig can't be used: {reason}")]
    Kubeconfig {
        /// What is wrong with it.
        reason: String,
    },
    /// A file of the settings.
    #[error("{path} can't be used: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The way itself can't be opened.
    #[error("{server} can't be entered: {reason}")]
    Client {
        /// The Kubernetes API.
        server: String,
        /// Why.
        reason: String,
    },
}

/// Where to look for the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The one around this process.
    Pod,
    /// That of a kubeconfig; of the one that kubectl would take if no path is given.
    Kubeconfig(Option<PathBuf>),
}

impl Source {
    pub(super) fn from_environment() -> Self {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        Self::choose(is_set("KUBECONFIG"), is_set("KUBERNETES_SERVICE_HOST"))
    }

    fn choose(names_kubeconfig: bool, in_pod: bool) -> Self {
        if in_pod && !names_kubeconfig {
            return Self::Pod;
        }
        Self::Kubeconfig(None)
    }

    /// Reads everything anew, with what the settings say otherwise.
    pub(super) async fn read(&self, settings: &ArgoSettings) -> Result<Config, ConnectError> {
        let mut config = match self {
            Self::Pod => Config::incluster().map_err(|error| ConnectError::Pod {
                reason: error.to_string(),
            })?,
            Self::Kubeconfig(path) => from_kubeconfig(path.as_deref()).await?,
        };
        // Whoever calls decides what is tried again.
        config.default_retry = false;
        apply(settings, &mut config)?;
        Ok(config)
    }
}

async fn from_kubeconfig(path: Option<&Path>) -> Result<Config, ConnectError> {
    let kubeconfig = match path {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    }
    .map_err(unusable)?;
    let has_own_proxy = names_proxy(&kubeconfig);
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(unusable)?;
    if !has_own_proxy && goes_direct(&Matcher::from_env(), &config.cluster_url) {
        config.proxy_url = None;
    }
    Ok(config)
}

fn unusable(error: KubeconfigError) -> ConnectError {
    match error {
        KubeconfigError::FindPath => ConnectError::NoCluster {
            reason: "there is no home folder to look for .kube/config in".to_string(),
        },
        KubeconfigError::ReadConfig(error, path) => ConnectError::NoCluster {
            reason: format!("{} can't be read: {error}", path.display()),
        },
        // The parser quotes the lines around an error, and there may be a token among them.
        KubeconfigError::Parse(_) => ConnectError::Kubeconfig {
            reason: "it is not the YAML of a kubeconfig".to_string(),
        },
        other => ConnectError::Kubeconfig {
            reason: other.to_string(),
        },
    }
}

/// Whether the current context's cluster names a proxy of its own.
fn names_proxy(kubeconfig: &Kubeconfig) -> bool {
    let current = kubeconfig
        .contexts
        .iter()
        .find(|context| Some(&context.name) == kubeconfig.current_context.as_ref());
    let cluster = current
        .and_then(|named| named.context.as_ref())
        .map(|context| &context.cluster);
    kubeconfig
        .clusters
        .iter()
        .filter(|named| Some(&named.name) == cluster)
        .filter_map(|named| named.cluster.as_ref()?.proxy_url.as_ref())
        .any(|proxy| !proxy.is_empty())
}

/// Whether `NO_PROXY` names the cluster; `kube` compares it with the proxy itself.
fn goes_direct(proxies: &Matcher, cluster: &Uri) -> bool {
    proxies.intercept(cluster).is_none()
}

fn apply(settings: &ArgoSettings, config: &mut Config) -> Result<(), ConnectError> {
    if !settings.namespace.is_empty() {
        config.default_namespace.clone_from(&settings.namespace);
    }
    if let Some(path) = &settings.ca_file {
        read_file(path)?;
        config.root_cert_file = Some(path.clone());
    }
    if settings.insecure {
        config.accept_invalid_certs = true;
    }
    if let Some(path) = &settings.token_file {
        let token = read_file(path)?;
        config.auth_info = AuthInfo::default();
        config.auth_info.token = Some(bare_token(&token).to_string().into());
    }
    Ok(())
}

/// The token of a text that may be a whole header.
fn bare_token(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix("Bearer ").unwrap_or(text).trim()
}

fn read_file(path: &Path) -> Result<String, ConnectError> {
    std::fs::read_to_string(path).map_err(|error| ConnectError::File {
        path: path.to_path_buf(),
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_uses_its_own_cluster_unless_told_otherwise() {
        assert_eq!(Source::choose(false, true), Source::Pod);
        assert_eq!(Source::choose(true, true), Source::Kubeconfig(None));
        assert_eq!(Source::choose(false, false), Source::Kubeconfig(None));
    }

    #[test]
    fn clusters_named_in_no_proxy_are_reached_directly() {
        let matcher = Matcher::builder()
            .https("http://proxy:3128")
            .no("10.0.0.0/8")
            .build();
        assert!(goes_direct(
            &matcher,
            &Uri::from_static("https://10.1.2.3:6443")
        ));
        assert!(!goes_direct(
            &matcher,
            &Uri::from_static("https://cluster.example:6443")
        ));
    }

    #[test]
    fn a_token_may_be_the_whole_header_and_end_in_a_line_break() {
        assert_eq!(bare_token("abc\n"), "abc");
        assert_eq!(bare_token("Bearer abc\n"), "abc");
    }

    #[tokio::test]
    async fn a_broken_kubeconfig_is_not_quoted() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config");
        let text = "users:\n- name: me\n  user: {token: sesame\nclusters: ]";
        std::fs::write(&path, text).expect("written");
        let source = Source::Kubeconfig(Some(path));
        let error = source
            .read(&ArgoSettings::default())
            .await
            .expect_err("no YAML");
        assert!(!error.to_string().contains("sesame"), "{error}");
        assert!(!format!("{error:?}").contains("sesame"));
    }

    #[tokio::test]
    async fn a_missing_kubeconfig_is_named_with_what_to_do() {
        let source = Source::Kubeconfig(Some(PathBuf::from("/nowhere/config")));
        let error = source
            .read(&ArgoSettings::default())
            .await
            .expect_err("no file");
        let text = error.to_string();
        assert!(
            text.contains("/nowhere/config") && text.contains("KUBECONFIG"),
            "{text}"
        );
    }
}
