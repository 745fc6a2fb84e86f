//! What is shipped to run it with: each file is read by the program that it is meant for.

pub(crate) mod example;
mod grafana;
mod kubernetes;
mod notify;
mod prometheus;
mod recipes;
mod systemd;
