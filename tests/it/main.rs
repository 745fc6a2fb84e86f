//! The tests of the package, in one binary.

mod admin;
mod alert;
mod delivery;
mod detect;
mod escalation;
mod metrics;
mod peer;
mod tool;
mod window;
