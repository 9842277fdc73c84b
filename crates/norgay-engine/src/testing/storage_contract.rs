//! What every storage must fulfil.
