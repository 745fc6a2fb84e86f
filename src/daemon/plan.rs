//! Builds what a configuration asks for: patterns, rows, receivers, TLS. Finds everything that is wrong before anything runs.

use super::identity::{error_url, identity_of, runbook_url};
use super::listening::Listening;
use super::receivers::receivers;
use crate::alert::{AlertOptions, RowError, RowSpec};
use crate::config::{Config, ConfigError, Flags, GroupBy, Position, Source, load_patterns, sort_faults, with_causes, zone};
use crate::delivery::{Identity, Receiver};
use crate::framing;
use crate::pipeline::{Clock, Options, Rules, SourceOptions};
use crate::record::Reader;
use crate::source::Settings;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A configuration, with the files that it names read and its patterns compiled.
#[derive(Debug)]
pub struct Plan {
    pub(super) config: Config,
    pub(super) rules: Arc<Rules>,
    pub(super) receivers: Vec<Receiver>,
    /// Settings of the TCP and HTTP sources, by name.
    pub(super) peers: BTreeMap<String, Settings>,
}

impl Plan {
    /// Reads patterns, rows, time zones and secrets. Changes nothing outside.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn new(config: Config) -> Result<Self, Vec<String>> {
        let zones = config.sources.iter().filter_map(|source| source.timezone.as_deref());
        let mut errors: Vec<String> = zones.filter_map(|name| zone(name).err()).collect();
        let peers = peer_settings(&config, &mut errors);
        let rules = match rules(&config) {
            Ok(rules) => Arc::new(rules),
            Err(more) => {
                errors.extend(more);
                errors.extend(receivers(&config, None).err().into_iter().flatten());
                return Err(errors);
            }
        };
        let enabled = rules.table().rows().iter().filter(|row| row.enabled);
        let rows: Vec<_> = enabled.map(|row| (row.id.clone(), row.severity)).collect();
        match receivers(&config, Some(&rows)) {
            Ok(receivers) if errors.is_empty() => Ok(Self { config, rules, receivers, peers }),
            receivers => {
                errors.extend(receivers.err().into_iter().flatten());
                Err(errors)
            }
        }
    }

    /// Reads and checks the configuration that `flags` name.
    ///
    /// # Errors
    /// With everything that is wrong with it and with what it refers to, in the order of files and lines.
    pub fn load(flags: &Flags) -> Result<Self, Vec<String>> {
        match Config::load(flags) {
            Ok(config) => Self::new(config).map_err(|mut faults| {
                sort_faults(&mut faults);
                faults
            }),
            Err(error) => Err(all_faults(error)),
        }
    }

    /// The configuration in effect.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Patterns, providers and rows in effect.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The receivers in effect.
    #[must_use]
    pub fn receivers(&self) -> &[Receiver] {
        &self.receivers
    }
}

/// Everything that is wrong with a configuration and, as far as that depends on nothing wrong, with what it refers to.
pub(super) fn all_faults(error: ConfigError) -> Vec<String> {
    match error {
        ConfigError::Faults { mut faults, config } => {
            faults.extend(rules(&config).err().into_iter().flatten());
            faults.extend(receivers(&config, None).err().into_iter().flatten());
            sort_faults(&mut faults);
            faults.dedup();
            faults
        }
        unreadable @ ConfigError::Unreadable { .. } => vec![with_causes(&unreadable)],
    }
}

/// The identity in alerts, before a port is bound.
#[must_use]
pub fn identity(plan: &Plan) -> Identity {
    identity_of(&plan.config)
}

/// Limits, certificates and tokens of the TCP and HTTP sources, by name.
fn peer_settings(config: &Config, errors: &mut Vec<String>) -> BTreeMap<String, Settings> {
    let secrets = config.secrets();
    let mut peers = BTreeMap::new();
    for source in &config.sources {
        match Listening::of(&source.kind).map(|listening| listening.settings(secrets.as_deref())) {
            None => {}
            Some(Ok(settings)) => drop(peers.insert(source.name.clone(), settings)),
            Some(Err(error)) => errors.push(format!("source {}: {}", source.name, with_causes(&error))),
        }
    }
    peers
}

/// The rules that a configuration asks for: patterns, rows, fields, limits.
///
/// # Errors
/// With everything that is wrong with them.
pub fn rules(config: &Config) -> Result<Rules, Vec<String>> {
    let fields = config.fields.iter().map(|(name, paths)| (name.as_str(), paths.clone()));
    let reader = Reader::new(fields).map_err(|error| vec![error.to_string()]);
    let placed = |errors: Vec<String>| errors.into_iter().map(|error| placed(config, error)).collect::<Vec<_>>();
    let classifier = load_patterns(&config.pattern_dirs, &config.providers).map_err(placed);
    let rows: Vec<RowSpec> = config.escalation.iter().map(|(_, row)| row.clone()).collect();
    let framing = framing::Options {
        max_line_bytes: usize::try_from(config.max_line.0).unwrap_or(usize::MAX),
        ..framing::Options::DEFAULT
    };
    match (reader, classifier) {
        (Ok(reader), Ok(classifier)) => {
            let names = config.sources.iter().map(|source| source.name.clone()).collect();
            let message = |error: &RowError| {
                let typed = rows.iter().zip(&config.escalation).find(|(row, _)| row.id == error.row);
                typed.map_or_else(|| error.to_string(), |(_, (place, _))| format!("{place}: {error}"))
            };
            Rules::new(framing, reader, classifier, &rows, names).map_err(|errors| errors.iter().map(message).collect())
        }
        (reader, classifier) => Err(reader.err().into_iter().chain(classifier.err()).flatten().collect()),
    }
}

/// An error of patterns with the place in the configuration that names them, if it has no place of its own.
fn placed(config: &Config, error: String) -> String {
    let is_of_flag = || config.flags.patterns.iter().any(|path| error.starts_with(&*path.to_string_lossy()));
    match &config.patterns_place {
        Some(place) if Position::of(&error).is_none() && !is_of_flag() => format!("{place}: {error}"),
        _ => error,
    }
}

pub(super) fn alert_options(config: &Config) -> AlertOptions {
    AlertOptions {
        by_service: config.by.contains(&GroupBy::Service),
        runbook_base: runbook_url(config),
        error_base: error_url(config),
    }
}

pub(super) fn pipeline_options(config: &Config) -> Result<Options, Vec<String>> {
    let options = |source: &Source| {
        let zone = source.timezone.as_deref().map(zone).transpose()?;
        Ok(SourceOptions { name: source.name.clone(), grain: source.grain, traffic: source.traffic, zone })
    };
    let sources: Result<Vec<_>, String> = config.sources.iter().map(options).collect();
    let sources = sources.map_err(|error| vec![error])?;
    Ok(Options { sources, clock: Clock::Live, alerts: alert_options(config), series: config.series })
}
