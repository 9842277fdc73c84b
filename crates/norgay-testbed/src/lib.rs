//! A stand-in for a cluster on one machine.
