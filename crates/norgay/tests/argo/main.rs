//! `norgay run` on Argo Workflows, as its users meet it: the real program, an argo-server whose
//! workflows are processes of this machine, and an S3 server.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod cluster;
mod credentials;
mod ends;
mod files;
mod flags;
mod life;
mod outages;
