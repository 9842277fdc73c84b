//! Trials as Argo Workflows.

pub mod api;
pub mod fleet;
pub mod names;
pub mod wire;
