//! Everything that is tested from outside, in one binary.

mod checkpoint;
mod config;
mod streams;
mod tail;
