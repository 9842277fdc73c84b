//! A stand-in for a cluster on one machine.
//!
//! [`ArgoServer`] answers as an argo-server does, in process and without a cluster; workflows live
//! by a script, and a [`FaultPlan`] says what goes wrong.

mod argo;
mod faults;
mod fields;
mod gate;
mod http;
mod kubernetes;
mod labels;
mod lives;
mod logs;
mod record;
mod refusal;
mod runner;
mod s3;
mod selector;
mod server;
mod status;
mod store;
mod stream;
mod submission;
mod template_file;
mod templates;
mod testbed;
mod time;
mod watching;
mod world;

pub use faults::{
    ClusterFaults, FaultPlan, RequestFault, RequestRule, WatchFault, WatchRule, When,
};
pub use lives::{Each, Lives, Script, Work};
pub use record::{Counters, Kind, Request};
pub use runner::Processes;
pub use s3::S3Server;
pub use server::{ArgoServer, Options};
pub use status::{Ending, PodFailure};
pub use template_file::{TemplateError, read_templates};
pub use testbed::{Setup, Testbed};
