//! Loads the configuration for the commands that need one, with all errors at once.

use super::exit::CliError;
use crate::config::{Config, ConfigError, Flags};
use crate::daemon::Plan;
use std::error::Error as _;

/// The configuration that `flags` name.
pub(super) fn config(flags: &Flags) -> Result<Config, CliError> {
    Config::load(flags).map_err(|error| match error {
        ConfigError::Faults { faults, .. } => CliError::Config(faults),
        unreadable @ ConfigError::Unreadable { .. } => CliError::Config(vec![match unreadable.source() {
            Some(cause) => format!("{unreadable}: {cause}"),
            None => unreadable.to_string(),
        }]),
    })
}

/// The configuration that `flags` name, checked together with everything that it refers to.
pub(super) fn plan(flags: &Flags) -> Result<Plan, CliError> {
    Plan::load(flags).map_err(CliError::Config)
}

/// Flags for a command that reads no logs: a configuration without a source is no error for it.
pub(super) fn flags_without_sources(config: Option<&std::path::PathBuf>) -> Flags {
    Flags { config: config.cloned(), stdin: true, ..Flags::default() }
}
