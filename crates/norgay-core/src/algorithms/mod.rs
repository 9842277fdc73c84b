//! The algorithms, and the table through which they are found by name.
