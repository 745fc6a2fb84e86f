//! The tests of the package, in one binary.

mod metrics;
mod tool;
