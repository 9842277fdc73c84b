//! Tools for testing algorithms, this library's own and those of others.

mod algorithm_contract;
mod simulation;

pub use algorithm_contract::{check_contract, contract_spaces};
pub use simulation::{Simulation, SimulationError};
