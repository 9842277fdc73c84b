//! Where an argo-server is, and the addresses of what it offers.

use url::{Host, Url};

use super::SetupError;

/// The base of all addresses of one argo-server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    base: Url,
}

impl Address {
    /// Reads `https://argo.example.org/prefix`; without a scheme it is https.
    pub fn parse(text: &str) -> Result<Self, SetupError> {
        let text = text.trim();
        let whole = if text.contains("://") {
            text.to_string()
        } else {
            format!("https://{text}")
        };
        let wrong = |reason: &str| SetupError::Url {
            reason: reason.to_string(),
        };
        if text.is_empty() {
            return Err(wrong("none is given"));
        }
        let mut base = Url::parse(&whole).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(wrong("it must begin with https:// or http://"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(wrong(
                "it holds a user or a password, which would be stored with the study; \
                 put `Basic` and both in base64 into the variable ARGO_TOKEN instead",
            ));
        }
        base.set_query(None);
        base.set_fragment(None);
        Ok(Self { base })
    }

    /// The address of these path segments below `/api/v1`.
    pub fn api(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["api", "v1"]).extend(segments);
        }
        url
    }

    /// Whether what is sent is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// Whether it is on this machine, where no proxy has to be asked.
    pub fn is_loopback(&self) -> bool {
        match self.base.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// How messages name the server.
    pub fn name(&self) -> String {
        let text = self.base.as_str().trim_end_matches('/');
        format!("the argo-server at {text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).expect("an address")
    }

    #[test]
    fn without_a_scheme_it_is_https() {
        let url = address("10.1.2.3:2746").api(&["version"]);
        assert_eq!(url.as_str(), "https://10.1.2.3:2746/api/v1/version");
        let url = address("argo.local:2746").api(&["version"]);
        assert_eq!(url.as_str(), "https://argo.local:2746/api/v1/version");
    }

    #[test]
    fn a_path_stays_in_front_and_names_are_escaped() {
        for base in [
            "http://h/argo/x",
            "http://h/argo/x/",
            " http://h/argo/x?a=b#c ",
        ] {
            let url = address(base).api(&["workflows", "n s", "a/b"]);
            let expected = "http://h/argo/x/api/v1/workflows/n%20s/a%2Fb";
            assert_eq!(url.as_str(), expected, "{base}");
        }
    }

    #[test]
    fn loopback_is_known_in_all_its_forms() {
        for there in ["localhost:1", "http://127.0.0.9:2746", "https://[::1]:2746"] {
            assert!(address(there).is_loopback(), "{there}");
        }
        for elsewhere in ["argo.example.org", "10.0.0.1:2746", "localhost.example.org"] {
            assert!(!address(elsewhere).is_loopback(), "{elsewhere}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_and_passwords_are_not_repeated() {
        for text in ["", "ftp://h", "https://", "http://me:secret@h"] {
            let error = Address::parse(text).expect_err(text).to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
