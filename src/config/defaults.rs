//! Defaults and limits of the configuration, each with its reason. Options of a single source have theirs in `source`.

use super::quantity::ByteSize;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;

/// The configuration file if no other is given. It may be missing.
pub const DEFAULT_FILE: &str = "/etc/llm-triage/config.toml";

/// Where the HTTP server listens by default. Loopback, because the status page shows parts of logs and has no login.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 10_529);

/// The directory that systemd creates for `StateDirectory=llm-triage`.
pub(super) const STATE_DIR: &str = "/var/lib/llm-triage";

/// An error that contains a whole prompt is rarely longer, and of a longer line the head and the tail are still classified.
pub(super) const MAX_LINE: ByteSize = ByteSize(1 << 20);

/// Shorter limits would cut ordinary log lines; with longer ones, the one line that each stream may hold takes too much memory.
pub(super) const MAX_LINE_WITHIN: RangeInclusive<ByteSize> = ByteSize(1 << 10)..=ByteSize(64 << 20);

/// Keeps a page of metrics below about a megabyte.
pub(super) const SERIES: usize = 2_000;

/// More series than a Prometheus server should scrape from one process.
pub(super) const SERIES_WITHIN: RangeInclusive<usize> = 1..=1_000_000;

/// Leaves room for everything else in the 64 MiB that a small host can spare; a hundred peers can send a long line each.
pub(super) const TCP_BUFFER: ByteSize = ByteSize(32 << 20);

/// A smaller buffer cannot hold one long line; a larger one limits nothing.
pub(super) const TCP_BUFFER_WITHIN: RangeInclusive<ByteSize> = ByteSize(1 << 20)..=ByteSize(16 << 30);

/// A process has no more file descriptors to spare.
pub(super) const CONNECTIONS_WITHIN: RangeInclusive<usize> = 1..=10_000;

/// Directories with the logs of everything that runs on a node.
pub(super) const NODE_LOGS: [&str; 3] = ["/var/log/pods/", "/var/log/containers/", "/var/log/journal/"];
