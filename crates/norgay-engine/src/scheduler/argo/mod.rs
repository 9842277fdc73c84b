//! Trials as Argo Workflows.

pub mod api;
