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
mod s3;
mod selector;
mod server;
mod status;
mod store;
mod stream;
mod submission;
mod templates;
mod time;
mod watching;
mod world;

pub use faults::{
    ClusterFaults, FaultPlan, RequestFault, RequestRule, WatchFault, WatchRule, When,
};
pub use lives::{Each, Lives, Script, Work};
pub use record::{Counters, Kind, Request};
pub use s3::S3Server;
pub use server::{ArgoServer, Options};
pub use status::{Ending, PodFailure};
