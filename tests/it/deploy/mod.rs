//! The files of deploy/ and the recipes: each is read by the program that it is for.

pub(crate) mod example;
mod grafana;
mod kubernetes;
mod notify;
mod prometheus;
mod recipes;
mod systemd;
