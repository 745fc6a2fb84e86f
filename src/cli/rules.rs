//! `rules`: prints Prometheus rules made from the escalation table, for a fleet of daemons whose counts Prometheus adds up.

use super::args::{Rules, RulesAs};
use super::exit::{CliError, Exit};
use super::{load, output};
use crate::alert::{RUNBOOK_OF_A_NODE, RulesFormat, RulesOptions, prometheus_rules};
use crate::config::GroupBy;
use crate::daemon;

pub(super) fn run(args: &Rules) -> Result<Exit, CliError> {
    if args.scrape_interval.0.is_zero() {
        return Err(CliError::Usage("the scrape interval must not be 0 s; give the one of Prometheus, such as 30s".to_owned()));
    }
    let config = load::config(&load::flags_without_sources(args.config.as_ref()))?;
    let rules = daemon::rules(&config).map_err(CliError::Config)?;
    let options = RulesOptions {
        scrape_interval: args.scrape_interval.0,
        format: match args.format {
            RulesAs::Prometheus => RulesFormat::Prometheus,
            RulesAs::PrometheusRule => RulesFormat::PrometheusRule,
        },
        runbook_base: match (&config.runbook_url, &config.url) {
            (None, None) => RUNBOOK_OF_A_NODE.to_owned(),
            _ => daemon::runbook_url(&config),
        },
        by_service: config.by.contains(&GroupBy::Service),
    };
    output::print(prometheus_rules(rules.table(), &options).as_bytes())?;
    Ok(Exit::Success)
}
