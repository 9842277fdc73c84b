//! Amazon S3 and its like: what the environment says about credentials, region and endpoint.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey as Setting};
use url::Url;

use super::super::location::BucketUrl;
use super::super::settings::Settings;
use super::{Opened, client_options, profile, retries};

/// Where no region is set: what endpoints other than Amazon's take.
const REGION: &str = "us-east-1";
/// Variables that say where the storage is, the most specific first; all are hosts or URLs.
const ENDPOINT_VARIABLES: [&str; 3] = ["AWS_ENDPOINT_URL_S3", "S3_ENDPOINT", "AWS_ENDPOINT_URL"];
/// Settings that are handed on as they are.
const FURTHER: [(&str, &str); 7] = [
    ("AWS_REQUEST_PAYER", "aws_request_payer"),
    ("AWS_SERVER_SIDE_ENCRYPTION", "aws_server_side_encryption"),
    ("AWS_SSE_KMS_KEY_ID", "aws_sse_kms_key_id"),
    ("AWS_SSE_BUCKET_KEY_ENABLED", "aws_sse_bucket_key_enabled"),
    ("AWS_CHECKSUM_ALGORITHM", "aws_checksum_algorithm"),
    ("AWS_UNSIGNED_PAYLOAD", "aws_unsigned_payload"),
    ("AWS_DISABLE_BULK_DELETE", "aws_disable_bulk_delete"),
];
const NO_CREDENTIALS: &str = "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY \
     (and AWS_SESSION_TOKEN for temporary ones), or AWS_PROFILE with a profile in \
     ~/.aws/credentials, or AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE; for a public bucket set \
     AWS_SKIP_SIGNATURE=true";

/// Opens the bucket of a URL; nothing is asked of it yet.
pub(super) fn open(url: &BucketUrl, settings: &Settings) -> Result<Opened, String> {
    let profile = Profile::read(settings)?;
    let endpoint = endpoint(settings, &profile)?;
    let plain = endpoint.as_ref().is_some_and(|e| e.scheme() == "http");
    let region = region(settings, &profile);
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(url.bucket())
        .with_region(&region)
        .with_retry(retries(settings))
        .with_client_options(client_options(settings, plain)?);
    for (setting, value) in sign_in(settings, &profile)? {
        builder = builder.with_config(setting, value);
    }
    for (variable, setting) in FURTHER {
        if let (Some(value), Ok(setting)) = (settings.get(variable), setting.parse()) {
            builder = builder.with_config(setting, value);
        }
    }
    let asked = settings.is_true("AWS_VIRTUAL_HOSTED_STYLE_REQUEST");
    // A dot in the name would need a certificate that nobody has.
    let virtual_hosted = asked || (endpoint.is_none() && !url.bucket().contains('.'));
    builder = builder.with_virtual_hosted_style_request(virtual_hosted);
    let shown = match &endpoint {
        Some(endpoint) => endpoint.as_str().trim_end_matches('/').to_string(),
        None => format!("https://s3.{region}.amazonaws.com"),
    };
    if let Some(endpoint) = endpoint {
        let address = if virtual_hosted {
            with_bucket(endpoint, url.bucket())?
        } else {
            endpoint
        };
        builder = builder.with_endpoint(address.as_str().trim_end_matches('/'));
    }
    let store = builder.build().map_err(|error| error.to_string())?;
    Ok(Opened::new(store, shown))
}

fn region(settings: &Settings, profile: &Profile) -> String {
    let set = settings.first(&["AWS_REGION", "AWS_DEFAULT_REGION"]);
    let region = set.map(|(_, region)| region);
    region
        .or_else(|| profile.get("region"))
        .unwrap_or(REGION)
        .to_string()
}

fn endpoint(settings: &Settings, profile: &Profile) -> Result<Option<Url>, String> {
    let set = settings.first(&ENDPOINT_VARIABLES);
    let found = set.or_else(|| Some(("endpoint_url of the profile", profile.get("endpoint_url")?)));
    found
        .map(|(name, text)| endpoint_url(name, text))
        .transpose()
}

/// The URL of an endpoint: a host with or without a port, for which https is assumed, or a URL.
fn endpoint_url(name: &str, text: &str) -> Result<Url, String> {
    let whole = if text.contains("://") {
        text.to_string()
    } else {
        format!("https://{text}")
    };
    // The text is not repeated: it may hold a password.
    let form = "it must be a host or a URL, as in 's3.example.org' or 'http://127.0.0.1:9000'";
    let url = Url::parse(&whole).map_err(|error| format!("{name}: {form} ({error})"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(format!("{name}: {form}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!(
            "{name}: it must not hold a user name or a password"
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("{name}: it must not hold '?' or '#'"));
    }
    Ok(url)
}

fn with_bucket(mut endpoint: Url, bucket: &str) -> Result<Url, String> {
    let host = format!("{bucket}.{}", endpoint.host_str().unwrap_or_default());
    endpoint
        .set_host(Some(&host))
        .map_err(|error| format!("'{host}' is no host ({error})"))?;
    Ok(endpoint)
}

type SignIn = Vec<(Setting, String)>;

/// How requests are signed: the first in the usual order that the environment offers.
fn sign_in(settings: &Settings, profile: &Profile) -> Result<SignIn, String> {
    if settings.is_true("AWS_SKIP_SIGNATURE") {
        return Ok(vec![(Setting::SkipSignature, "true".into())]);
    }
    let set = |name: &str| settings.get(name).map(str::to_string);
    let keys = (set("AWS_ACCESS_KEY_ID"), set("AWS_SECRET_ACCESS_KEY"));
    let found = match keys {
        (Some(id), Some(secret)) => Some(signed_with(id, secret, set("AWS_SESSION_TOKEN"))),
        (Some(_), None) => {
            return Err("AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not".into());
        }
        (None, Some(_)) => {
            return Err("AWS_SECRET_ACCESS_KEY is set, but AWS_ACCESS_KEY_ID is not".into());
        }
        (None, None) => None,
    };
    if let Some(found) = found.or_else(|| web_identity(settings)) {
        return Ok(found);
    }
    if let Some(found) = profile.keys()? {
        return Ok(found);
    }
    container(settings)
        .or_else(|| instance(settings))
        .ok_or_else(|| NO_CREDENTIALS.to_string())
}

fn signed_with(id: String, secret: String, token: Option<String>) -> SignIn {
    let keys = [
        (Setting::AccessKeyId, id),
        (Setting::SecretAccessKey, secret),
    ];
    let token = token.map(|token| (Setting::Token, token));
    keys.into_iter().chain(token).collect()
}

/// The settings whose variables are set; `None` unless the needed ones are.
fn collected(
    settings: &Settings,
    needed: &[(Setting, &str)],
    wanted: &[(Setting, &str)],
) -> Option<SignIn> {
    let value = |(setting, name): &(Setting, &str)| Some((*setting, settings.get(name)?.into()));
    let mut found = needed.iter().map(value).collect::<Option<SignIn>>()?;
    found.extend(wanted.iter().filter_map(value));
    Some(found)
}

fn web_identity(settings: &Settings) -> Option<SignIn> {
    let needed = [
        (Setting::WebIdentityTokenFile, "AWS_WEB_IDENTITY_TOKEN_FILE"),
        (Setting::RoleArn, "AWS_ROLE_ARN"),
    ];
    let wanted = [
        (Setting::RoleSessionName, "AWS_ROLE_SESSION_NAME"),
        (Setting::StsEndpoint, "AWS_ENDPOINT_URL_STS"),
    ];
    collected(settings, &needed, &wanted)
}

fn container(settings: &Settings) -> Option<SignIn> {
    let relative = [(
        Setting::ContainerCredentialsRelativeUri,
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    )];
    let full = [
        (
            Setting::ContainerCredentialsFullUri,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        ),
        (
            Setting::ContainerAuthorizationTokenFile,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        ),
    ];
    collected(settings, &relative, &[]).or_else(|| collected(settings, &full, &[]))
}

/// The metadata service is asked only where there is one: elsewhere every call would wait for it.
fn instance(settings: &Settings) -> Option<SignIn> {
    if settings.is_true("AWS_EC2_METADATA_DISABLED") {
        return None;
    }
    let endpoint = [(Setting::MetadataEndpoint, "AWS_METADATA_ENDPOINT")];
    let named = collected(settings, &endpoint, &[]);
    named.or_else(|| settings.machine_is_from("Amazon").then(Vec::new))
}

/// One profile of the files that Amazon's own tools keep.
struct Profile {
    name: String,
    settings: BTreeMap<String, String>,
}

impl Profile {
    /// The profile that `AWS_PROFILE` names, which must exist, or the default one, which need not.
    fn read(settings: &Settings) -> Result<Self, String> {
        let name = settings.get("AWS_PROFILE").unwrap_or("default");
        let files = [
            ("AWS_CONFIG_FILE", ".aws/config"),
            ("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
        ];
        let mut found = None;
        for (variable, usual) in files {
            let path = settings.get(variable).map(PathBuf::from);
            let Some(path) = path.or_else(|| settings.home(usual)) else {
                continue;
            };
            // A file that is not there, or not ours to read, is as good as none.
            let text = fs::read_to_string(path).unwrap_or_default();
            if let Some(section) = profile::section(&text, name) {
                found.get_or_insert_with(BTreeMap::new).extend(section);
            }
        }
        match found {
            None if settings.get("AWS_PROFILE").is_some() => Err(format!(
                "AWS_PROFILE names '{name}', but there is no such profile in ~/.aws/credentials \
                 or ~/.aws/config"
            )),
            found => Ok(Self {
                name: name.to_string(),
                settings: found.unwrap_or_default(),
            }),
        }
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.settings.get(key).map(String::as_str)
    }

    fn keys(&self) -> Result<Option<SignIn>, String> {
        let get = |key: &str| self.get(key).map(str::to_string);
        let keys = (get("aws_access_key_id"), get("aws_secret_access_key"));
        if let (Some(id), Some(secret)) = keys {
            return Ok(Some(signed_with(id, secret, get("aws_session_token"))));
        }
        let unknown = [
            "role_arn",
            "credential_process",
            "sso_session",
            "sso_start_url",
        ];
        match unknown.iter().find(|key| self.get(key).is_some()) {
            None => Ok(None),
            Some(key) => Err(format!(
                "the profile '{0}' signs in by {key}, which is not supported; put its keys into \
                 the environment with: eval \"$(aws configure export-credentials --profile {0} \
                 --format env)\"",
                self.name
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Settings {
        let owned = variables
            .iter()
            .map(|(name, value)| ((*name).to_string(), (*value).to_string()));
        Settings::of(owned.collect())
    }

    fn signs_in_with(variables: &[(&str, &str)]) -> Result<Vec<Setting>, String> {
        let settings = settings(variables);
        let found = sign_in(&settings, &Profile::read(&settings)?)?;
        Ok(found.into_iter().map(|(setting, _)| setting).collect())
    }

    #[test]
    fn cs_113_an_endpoint_is_a_host_or_a_url() {
        for (text, url) in [
            ("s3.example.org", "https://s3.example.org/"),
            ("minio:9000", "https://minio:9000/"),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000/"),
            ("https://host/path", "https://host/path"),
        ] {
            let found = endpoint_url("S3_ENDPOINT", text).expect("an endpoint");
            assert_eq!(found.as_str(), url);
        }
        for text in [
            "ftp://host",
            "https://user:SECRET@host",
            "SECRET@host",
            "host?SECRET",
            "host#SECRET",
            "https://",
        ] {
            let message = endpoint_url("S3_ENDPOINT", text).expect_err("refused");
            assert!(message.starts_with("S3_ENDPOINT: it must"), "{message}");
            assert!(!message.contains("SECRET"), "{message}");
        }
    }

    #[test]
    fn the_most_specific_endpoint_counts() {
        let settings = settings(&[
            ("AWS_ENDPOINT_URL", "http://all"),
            ("S3_ENDPOINT", "http://s3"),
            ("AWS_ENDPOINT_URL_S3", ""),
        ]);
        let profile = Profile::read(&settings).expect("none");
        let found = endpoint(&settings, &profile).expect("an endpoint");
        assert_eq!(found.expect("one").as_str(), "http://s3/");
    }

    #[test]
    fn credentials_are_taken_in_the_usual_order() {
        use Setting::{AccessKeyId, RoleArn, SecretAccessKey, Token, WebIdentityTokenFile};
        let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
        let role = [
            ("AWS_ROLE_ARN", "r"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"),
        ];
        let token = [("AWS_SESSION_TOKEN", "t")];
        let all = [&keys[..], &role, &token].concat();
        assert_eq!(
            signs_in_with(&all).expect("keys"),
            [AccessKeyId, SecretAccessKey, Token]
        );
        assert_eq!(
            signs_in_with(&role).expect("a role"),
            [WebIdentityTokenFile, RoleArn]
        );
        let container = [("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x")];
        assert_eq!(
            signs_in_with(&container).expect("a container"),
            [Setting::ContainerCredentialsRelativeUri]
        );
        let metadata = [("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1")];
        assert_eq!(
            signs_in_with(&metadata).expect("a machine"),
            [Setting::MetadataEndpoint]
        );
    }

    #[test]
    fn missing_credentials_are_named() {
        let message = signs_in_with(&[]).expect_err("none");
        assert!(message.contains("AWS_ACCESS_KEY_ID"), "{message}");
        let message = signs_in_with(&[("AWS_ACCESS_KEY_ID", "a")]).expect_err("half");
        assert!(
            message.contains("AWS_SECRET_ACCESS_KEY is not"),
            "{message}"
        );
        let message = signs_in_with(&[("AWS_PROFILE", "x")]).expect_err("no such profile");
        assert!(message.contains("AWS_PROFILE names 'x'"), "{message}");
    }

    #[test]
    fn a_profile_gives_keys_region_and_endpoint() {
        let folder = tempfile::tempdir().expect("a folder");
        let aws = folder.path().join(".aws");
        fs::create_dir(&aws).expect("made");
        let credentials =
            "[work]\naws_access_key_id=a\naws_secret_access_key=b\n[sso]\nsso_session=x";
        fs::write(aws.join("credentials"), credentials).expect("written");
        let config = "[profile work]\nregion = eu-west-1\nendpoint_url = http://minio:9000\n";
        fs::write(aws.join("config"), config).expect("written");
        let home = folder.path().to_str().expect("Unicode");
        let variables = [("HOME", home), ("AWS_PROFILE", "work")];
        let found = settings(&variables);
        let profile = Profile::read(&found).expect("a profile");
        assert_eq!(region(&found, &profile), "eu-west-1");
        let endpoint = endpoint(&found, &profile).expect("an endpoint");
        assert_eq!(endpoint.expect("one").as_str(), "http://minio:9000/");
        assert_eq!(
            signs_in_with(&variables).expect("keys"),
            [Setting::AccessKeyId, Setting::SecretAccessKey]
        );
        let message = signs_in_with(&[("HOME", home), ("AWS_PROFILE", "sso")]).expect_err("sso");
        assert!(
            message.contains("export-credentials --profile sso"),
            "{message}"
        );
    }
}
