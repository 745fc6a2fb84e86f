//! The tests of the package, in one binary.

mod admin;
mod alert;
mod checkpoint;
mod cli;
mod config;
mod corpus;
mod daemon;
mod delivery;
mod detect;
mod e2e;
mod escalation;
mod metrics;
mod peer;
mod properties;
mod process;
mod readme;
mod replay;
mod running;
mod runbooks;
mod sdk_logs;
mod streams;
mod tail;
mod tidy;
mod timeline;
mod tool;
mod window;
