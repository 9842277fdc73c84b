//! Norgay's functional core: search spaces, trials, the study's state machine and algorithms.
//!
//! Nothing in this crate reads a clock, a disk or a network, and nothing holds global state:
//! every result is a function of the arguments.

pub mod algorithm;
pub mod algorithms;
pub mod analysis;
pub mod configuration;
pub mod decision;
pub mod definition;
pub mod event;
pub mod expression;
pub mod node;
pub mod numerics;
pub mod outcome;
pub mod patience;
pub mod python_text;
pub mod random;
pub mod repetition;
pub mod space;
pub mod stopping;
pub mod study;
pub mod testing;
pub mod trial;
pub mod value;
pub mod warm_start;

pub use configuration::Configuration;
pub use node::{Node, NodeKind, Place};
pub use space::Space;
pub use study::Study;
pub use value::Value;
