//! Google Cloud Storage: what the environment says about credentials.

use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey as Setting};

use super::super::location::BucketUrl;
use super::super::settings::Settings;
use super::{Opened, client_options, retries};

/// Variables of which one is enough to sign in.
const SIGN_IN: [&str; 7] = [
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_SERVICE_ACCOUNT_PATH",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "SERVICE_ACCOUNT",
    "GOOGLE_BEARER_TOKEN",
    "GOOGLE_SKIP_SIGNATURE",
];
/// Where `gcloud auth application-default login` leaves credentials, below the home folder.
const LOGIN_FILE: &str = ".config/gcloud/application_default_credentials.json";
const NO_CREDENTIALS: &str = "no credentials: set GOOGLE_APPLICATION_CREDENTIALS to the file of a \
     service account, or run 'gcloud auth application-default login'; for a public bucket set \
     GOOGLE_SKIP_SIGNATURE=true";

/// Opens the bucket of a URL; nothing is asked of it yet.
pub(super) fn open(url: &BucketUrl, settings: &Settings) -> Result<Opened, String> {
    let logged_in = settings.home(LOGIN_FILE).is_some_and(|file| file.is_file());
    let known = settings.first(&SIGN_IN).is_some() || logged_in;
    if !known && !settings.machine_is_from("Google") {
        return Err(NO_CREDENTIALS.into());
    }
    let address = settings.get("GOOGLE_BASE_URL");
    let plain = address.is_some_and(|address| address.starts_with("http://"));
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(url.bucket())
        .with_retry(retries(settings))
        .with_client_options(client_options(settings, plain)?);
    if let Some(path) = settings.get("SERVICE_ACCOUNT") {
        builder = builder.with_service_account_path(path);
    }
    for (name, value) in settings.starting_with("GOOGLE_") {
        let setting = name.to_ascii_lowercase().parse::<Setting>();
        if let Ok(setting) = setting
            && !matches!(setting, Setting::Bucket)
        {
            builder = builder.with_config(setting, value);
        }
    }
    let shown = address.unwrap_or("https://storage.googleapis.com");
    let shown = shown.trim_end_matches('/').to_string();
    let store = builder.build().map_err(|error| error.to_string())?;
    Ok(Opened::new(store, shown))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::super::location::Location;
    use super::*;

    fn opened(variables: &[(&str, &str)]) -> Result<Opened, String> {
        let owned = variables
            .iter()
            .map(|(name, value)| ((*name).to_string(), (*value).to_string()));
        match Location::parse("gs://bucket/x", Path::new("/")).expect("a URL") {
            Location::Bucket(url) => open(&url, &Settings::of(owned.collect())),
            Location::Folder(_) => panic!("no bucket"),
        }
    }

    #[test]
    fn credentials_are_needed_and_named() {
        let message = opened(&[]).err().expect("refused");
        assert!(
            message.contains("GOOGLE_APPLICATION_CREDENTIALS"),
            "{message}"
        );
        let opened = opened(&[("GOOGLE_SKIP_SIGNATURE", "true")]).expect("a public bucket");
        assert_eq!(opened.endpoint, "https://storage.googleapis.com");
    }
}
