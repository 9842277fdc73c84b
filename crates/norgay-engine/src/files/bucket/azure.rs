//! Azure Blob Storage: what the environment says about the account and credentials.

use object_store::azure::{AzureConfigKey as Setting, MicrosoftAzureBuilder};

use super::super::location::BucketUrl;
use super::super::settings::Settings;
use super::{Opened, client_options, retries};

/// Variables of which one is enough to sign in.
const SIGN_IN: [&str; 13] = [
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_SAS_KEY",
    "AZURE_STORAGE_TOKEN",
    "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_USE_AZURE_CLI",
    "AZURE_STORAGE_USE_EMULATOR",
    "AZURE_SKIP_SIGNATURE",
    "AZURE_MSI_ENDPOINT",
    "IDENTITY_ENDPOINT",
];
/// What Azure's own command line calls settings that are known by another name here.
const ALSO: [(&str, Setting); 2] = [
    ("AZURE_STORAGE_ACCOUNT", Setting::AccountName),
    ("AZURE_STORAGE_KEY", Setting::AccessKey),
];
const NO_ACCOUNT: &str = "no storage account: set AZURE_STORAGE_ACCOUNT_NAME, or name it in the \
     URL as in abfss://container@account.dfs.core.windows.net/folder";
const NO_CREDENTIALS: &str = "no credentials: set AZURE_STORAGE_ACCOUNT_KEY, or \
     AZURE_STORAGE_SAS_TOKEN, or AZURE_CLIENT_ID, AZURE_CLIENT_SECRET and AZURE_TENANT_ID, or \
     AZURE_USE_AZURE_CLI=true; for a public container set AZURE_SKIP_SIGNATURE=true";

/// Opens the container of a URL; nothing is asked of it yet.
pub(super) fn open(url: &BucketUrl, settings: &Settings) -> Result<Opened, String> {
    if settings.first(&SIGN_IN).is_none() && !settings.machine_is_from("Microsoft") {
        return Err(NO_CREDENTIALS.into());
    }
    let root = url.root();
    let account = settings.first(&["AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"]);
    let emulated = settings.is_true("AZURE_STORAGE_USE_EMULATOR");
    if account.is_none() && !emulated && !root.contains('@') {
        return Err(NO_ACCOUNT.into());
    }
    let address = settings.first(&["AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"]);
    let plain = address.is_some_and(|(_, address)| address.starts_with("http://"));
    let mut builder = MicrosoftAzureBuilder::new()
        .with_retry(retries(settings))
        .with_client_options(client_options(settings, plain)?);
    for (name, setting) in ALSO {
        if let Some(value) = settings.get(name) {
            builder = builder.with_config(setting, value);
        }
    }
    for (name, value) in settings.starting_with("AZURE_") {
        let setting = name.to_ascii_lowercase().parse::<Setting>();
        if let Ok(setting) = setting
            && !matches!(setting, Setting::ContainerName | Setting::Client(_))
        {
            builder = builder.with_config(setting, value);
        }
    }
    if let Some(endpoint) = settings.get("IDENTITY_ENDPOINT") {
        builder = builder.with_msi_endpoint(endpoint);
    }
    let shown = match address {
        Some((_, address)) => address.trim_end_matches('/').to_string(),
        None => account.map_or(root.clone(), |(_, account)| {
            format!("https://{account}.blob.core.windows.net")
        }),
    };
    let built = builder.with_url(root).build();
    let store = built.map_err(|error| error.to_string())?;
    Ok(Opened::new(store, shown))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::super::location::Location;
    use super::*;

    fn opened(text: &str, variables: &[(&str, &str)]) -> Result<Opened, String> {
        let owned = variables
            .iter()
            .map(|(name, value)| ((*name).to_string(), (*value).to_string()));
        match Location::parse(text, Path::new("/")).expect("a URL") {
            Location::Bucket(url) => open(&url, &Settings::of(owned.collect())),
            Location::Folder(_) => panic!("no bucket"),
        }
    }

    #[test]
    fn account_and_credentials_are_needed_and_named() {
        let message = opened("az://container/x", &[]).err().expect("refused");
        assert!(message.contains("AZURE_STORAGE_ACCOUNT_KEY"), "{message}");
        let key = ("AZURE_STORAGE_KEY", "c2VjcmV0");
        let message = opened("az://container/x", &[key]).err().expect("refused");
        assert!(message.contains("AZURE_STORAGE_ACCOUNT_NAME"), "{message}");
        let account = ("AZURE_STORAGE_ACCOUNT", "factory");
        let opened_by_name = opened("az://container/x", &[key, account]).expect("opened");
        assert_eq!(
            opened_by_name.endpoint,
            "https://factory.blob.core.windows.net"
        );
        opened("abfss://c@factory.dfs.core.windows.net/x", &[key]).expect("opened");
    }
}
