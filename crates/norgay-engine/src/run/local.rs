//! The local scheduler as a study's execution wants it.

use std::ffi::OsString;

use regex_lite::Regex;

use crate::config::Execution;
use crate::scheduler::local::LocalOptions;

/// Options of the local scheduler; `supervisor` is the command that supervises an attempt.
///
/// # Errors
/// The pattern for standard output is no regular expression.
pub fn local_options(
    execution: &Execution,
    supervisor: Vec<OsString>,
) -> Result<LocalOptions, regex_lite::Error> {
    Ok(LocalOptions {
        supervisor_command: supervisor,
        max_concurrent: execution.max_concurrent,
        resources: execution.resources.clone(),
        stdout_pattern: execution
            .stdout_pattern
            .as_deref()
            .map(Regex::new)
            .transpose()?,
    })
}

/// The name of this machine; the reference names a run after it.
pub fn host_name() -> String {
    let name = nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok());
    name.filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".to_string())
}
