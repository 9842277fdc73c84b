//! Contract suites for the open sets of the engine: whoever adds one runs its suite.

pub mod scheduler_contract;
