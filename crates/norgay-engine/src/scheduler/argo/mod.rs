//! Trials as Argo Workflows.

pub mod api;
pub mod wire;
