//! `rules`: Prometheus rules from the escalation table, for a fleet whose windows Prometheus sums.

use super::args::{Rules, RulesAs};
use super::{End, Trouble, run, style};
use crate::alert::{RUNBOOK_OF_A_NODE, RulesFormat, RulesOptions, prometheus_rules};
use crate::config::{Config, Flags, GroupBy};
use crate::daemon;

pub(super) fn run(args: &Rules) -> Result<End, Trouble> {
    // Nothing is read, so that nothing is to be read is no fault here.
    let flags = Flags { config: args.config.clone(), stdin: true, ..Flags::default() };
    if args.scrape_interval.0.is_zero() {
        return Err(Trouble::Usage("a scrape interval of 0 s cannot be; give what Prometheus uses, as 30s".to_owned()));
    }
    let config = run::config(Config::load(&flags))?;
    let rules = daemon::rules(&config).map_err(Trouble::Config)?;
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
    style::print(prometheus_rules(rules.table(), &options).as_bytes())?;
    Ok(End::Good)
}
