//! Builds the receivers of the configuration, and finds the place of a receiver in it.

use crate::config::{Config, with_causes};
use crate::delivery::{Receiver, ReceiverError, ReceiverOptions};
use crate::taxonomy::Severity;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A table of the configuration: its kind, its place, its keys.
type TypedReceiver = (String, String, toml::Table);

/// Builds the receivers that are configured. `rows` are the rows that raise alerts; without them, the rows that receivers select
/// are not checked.
///
/// # Errors
/// With everything that is wrong with them.
pub(super) fn receivers(config: &Config, rows: Option<&[(String, Severity)]>) -> Result<Vec<Receiver>, Vec<String>> {
    let options = options(&config.receivers).map_err(|error| vec![error.message().to_owned()])?;
    options.resolve(config.secrets().as_deref(), rows).map_err(|errors| {
        let message = |error: &ReceiverError| match receiver_place(config, error.receiver()) {
            Some(place) => format!("{place}: {}", with_causes(error)),
            None => with_causes(error),
        };
        errors.iter().map(message).collect()
    })
}

/// The place (file and line) of a receiver in the configuration. A member of a cluster has the name of its receiver before
/// its own, with a `/` between them.
#[must_use]
pub fn receiver_place<'a>(config: &'a Config, name: &str) -> Option<&'a str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    config.receivers.iter().find_map(|(kind, place, table)| {
        let count = counts.entry(kind).or_default();
        *count += 1;
        let default_name = if *count == 1 { kind.clone() } else { format!("{kind}-{count}") };
        let own_name = table.get("name").and_then(|value| value.as_str()).unwrap_or(&default_name);
        let matches = name == own_name || name.strip_prefix(own_name).is_some_and(|rest| rest.starts_with('/'));
        matches.then_some(place.as_str())
    })
}

fn options<'a>(receivers: impl IntoIterator<Item = &'a TypedReceiver>) -> Result<ReceiverOptions, toml::de::Error> {
    let mut by_kind: BTreeMap<String, Vec<toml::Table>> = BTreeMap::new();
    for (kind, _, table) in receivers {
        by_kind.entry(kind.clone()).or_default().push(table.clone());
    }
    let all: toml::Table = by_kind.into_iter().map(|(kind, tables)| (kind, toml::Value::from(tables))).collect();
    ReceiverOptions::deserialize(all)
}
