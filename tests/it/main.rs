//! Everything that is tested from outside, in one binary.

mod checkpoint;
mod config;
mod daemon;
mod streams;
mod tail;
