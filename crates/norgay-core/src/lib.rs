//! Norgay's functional core: search spaces, trials, the study's state machine and algorithms.
//!
//! Nothing in this crate reads a clock, a disk or a network, and nothing holds global state:
//! every result is a function of the arguments.

pub mod expression;
pub mod node;
pub mod python_text;
pub mod value;

pub use node::{Node, NodeKind, Place};
pub use value::Value;
