//! Reads the configuration again for a reload, and compiles everything that it asks for: all of it or nothing.

use super::identity::identity_of;
use super::plan::{Plan, all_faults, pipeline_options};
use super::reload::Reload;
use super::sources::{merge, peer_sources};
use crate::config::Config;
use crate::delivery::{Identity, Receiver};
use crate::metrics::Limits;
use crate::pipeline::{Options, Replacement};
use std::fmt::Write as _;
use std::net::SocketAddr;

/// A configuration that was read again, and everything that it asks for.
pub(super) struct Reread {
    /// The configuration from now on.
    pub(super) config: Config,
    pub(super) reload: Reload,
    pub(super) edge: EdgeConfig,
}

/// What a reload changes at the edge, once the pipeline has applied its part.
pub(super) struct EdgeConfig {
    pub(super) receivers: Vec<Receiver>,
    pub(super) identity: Identity,
    pub(super) limits: Limits,
}

/// Reads the configuration again. What needs a restart stays as it is, and the answer names it. `address` is where the HTTP
/// server listens.
///
/// # Errors
/// With everything that is wrong with the new configuration.
pub(super) fn reread(running: &Config, address: SocketAddr) -> Result<Reread, Vec<String>> {
    let mut config = running.reread().map_err(all_faults)?;
    let mut waiting: Vec<String> = running.waits_for_restart(&config).into_iter().map(str::to_owned).collect();
    let (sources, waiting_sources) = merge(&running.sources, &config.sources);
    waiting.extend(waiting_sources);
    config.sources = sources;
    (config.listen, config.state_dir, config.output) = (running.listen, running.state_dir.clone(), running.output.clone());
    let Plan { config, rules, receivers, peers } = Plan::new(config)?;
    let bound = Config { listen: address, ..config.clone() };
    let Options { sources, alerts, series, clock: _ } = pipeline_options(&bound)?;
    let peers = peer_sources(&running.sources, &config.sources, peers)?;
    let mut answer = format!("reloaded: {} patterns, {} rows", rules.catalog().patterns().len(), rules.table().rows().len());
    if !waiting.is_empty() {
        write!(answer, "; these changes wait for a restart: {}", waiting.join(", ")).ok();
    }
    let reload = Reload {
        replacement: Replacement { rules, sources, alerts, series },
        sources: config.sources.clone(),
        peers,
        tcp_buffer_bytes: usize::try_from(config.tcp_buffer.0).unwrap_or(usize::MAX),
        answer,
    };
    let edge = EdgeConfig { receivers, identity: identity_of(&bound), limits: Limits { series } };
    Ok(Reread { config, reload, edge })
}
