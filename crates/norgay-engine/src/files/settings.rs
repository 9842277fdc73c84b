//! What object storages need to know beside their URL: the environment's variables, patience.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// How long one call tries again before it fails, if nothing else is asked for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where credentials and endpoints come from, and how long a call may try.
///
/// Never from URLs: those end up in logs, in listings of processes and in study files.
#[derive(Clone)]
pub struct Settings {
    variables: BTreeMap<String, String>,
    maker: String,
    patience: Duration,
}

impl Settings {
    /// The variables of this process, on this machine.
    pub fn from_environment() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self {
            maker: machine_maker(),
            ..Self::of(variables)
        }
    }

    /// The given variables only; the machine counts as nobody's cloud.
    pub fn of(variables: BTreeMap<String, String>) -> Self {
        Self {
            variables,
            maker: String::new(),
            patience: PATIENCE,
        }
    }

    /// How long one call tries again before it fails (30 seconds unless set). The last request may
    /// take somewhat longer.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How long one call tries again before it fails.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// A variable's value; an empty one counts as not set.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name)?.trim();
        (!value.is_empty()).then_some(value)
    }

    /// The first of several variables that is set, with its name.
    pub(super) fn first<'a>(&'a self, names: &[&'a str]) -> Option<(&'a str, &'a str)> {
        let mut set = names
            .iter()
            .filter_map(|name| Some((*name, self.get(name)?)));
        set.next()
    }

    /// Whether a variable says yes.
    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
    }

    /// All set variables whose names start so.
    pub(super) fn starting_with<'a>(
        &'a self,
        start: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let names = self.variables.keys().map(String::as_str);
        names
            .filter(move |name| name.starts_with(start))
            .filter_map(|name| Some((name, self.get(name)?)))
    }

    /// Whether this machine is one that this company rents out, so that its metadata service,
    /// which waits for a minute elsewhere, is worth asking.
    pub(super) fn machine_is_from(&self, maker: &str) -> bool {
        self.maker.contains(maker)
    }

    /// A path below the home folder.
    pub(super) fn home(&self, path: &str) -> Option<PathBuf> {
        Some(PathBuf::from(self.get("HOME")?).join(path))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::from_environment()
    }
}

/// Values are left out: some are secrets.
impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("variables", &self.variables.len())
            .field("maker", &self.maker)
            .field("patience", &self.patience)
            .finish()
    }
}

/// What the firmware says about who made this machine; on virtual ones, whose cloud it is.
fn machine_maker() -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let mut maker = read("/sys/class/dmi/id/sys_vendor").trim().to_string();
    // Older virtual machines of Amazon call themselves Xen.
    if read("/sys/hypervisor/uuid").starts_with("ec2") {
        maker.push_str(" Amazon");
    }
    maker
}
