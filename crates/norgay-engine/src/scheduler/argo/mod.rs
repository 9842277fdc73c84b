//! Trials as Argo Workflows.
//!
//! `fleet` decides, `driver` does: it asks the cluster through the trait in `api`, and the study's
//! folder through `files_reader`.

pub mod api;
mod driver;
mod files_reader;
pub mod fleet;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
pub mod names;
pub mod preflight;
pub mod server;
pub mod wire;

pub use driver::ArgoScheduler;
