//! Times as Kubernetes writes them.

use jiff::Timestamp;

/// Now, in whole seconds.
pub(crate) fn now() -> String {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second())
        .unwrap_or(now)
        .to_string()
}
