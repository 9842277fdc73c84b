//! Tools for testing algorithms, this library's own and those of others.

mod algorithm_contract;
mod contract_spaces;
mod simulation;

pub use algorithm_contract::{check_contract, check_many_pending};
pub use contract_spaces::contract_spaces;
pub use simulation::{Simulation, SimulationError};
