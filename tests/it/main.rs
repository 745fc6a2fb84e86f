//! The tests of the package, in one binary.

mod admin;
mod delivery;
mod metrics;
mod peer;
mod tool;
