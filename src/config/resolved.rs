//! The configuration in effect: checked, with every default filled in.

use super::flags::Flags;
use super::quantity::ByteSize;
use crate::alert::RowSpec;
use crate::classify::Traffic;
use crate::correlate::GrainRule;
use crate::source::{Limits, file::StartAt, tls::TlsFiles};
use crate::taxonomy::{ProviderSpec, string_enum};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

string_enum! {
    /// What alerts are grouped by.
    GroupBy {
        /// The provider that fails; always part of the grouping.
        Provider = "provider",
        /// The service that calls.
        Service = "service",
    }
}

/// The configuration of a daemon.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it was read from, if any.
    pub file: Option<PathBuf>,
    /// Where the HTTP server listens.
    pub listen: SocketAddr,
    /// Whether other hosts may request a reload.
    pub lifecycle: bool,
    /// Host names that the HTTP server answers beside those that it knows to be its own.
    pub hosts: Vec<String>,
    /// The directory of the checkpoint.
    pub state_dir: PathBuf,
    /// At least one; a [`SourceId`](crate::observation::SourceId) is an index into them.
    pub sources: Vec<Source>,
    /// Own field names, tried before the shipped ones.
    pub fields: BTreeMap<String, Vec<String>>,
    /// Own providers.
    pub providers: Vec<ProviderSpec>,
    /// Directories with patterns that extend the shipped ones.
    pub pattern_dirs: Vec<PathBuf>,
    /// The place of `patterns.dirs` in the file, for messages; `None` if it names none.
    pub patterns_place: Option<String>,
    /// The longest line that is kept whole.
    pub max_line: ByteSize,
    /// Maximum number of series per metric family, beyond those of the shipped providers.
    pub series: usize,
    /// Memory for the bytes of all TCP and HTTP peers that are not handled yet.
    pub tcp_buffer: ByteSize,
    /// What alerts are grouped by.
    pub by: Vec<GroupBy>,
    /// `[[escalation]]`, each with its place for messages.
    pub escalation: Vec<(String, RowSpec)>,
    /// `[[receiver.…]]` as typed, each with its kind and its place for messages.
    pub receivers: Vec<(String, String, toml::Table)>,
    /// The page on a row, with `{row}` in place of its id. `None`: the page that we serve.
    pub runbook_url: Option<String>,
    /// The address of our HTTP server for others, for links in alerts.
    pub url: Option<String>,
    /// Where verdicts are written.
    pub output: Option<Output>,
    /// The flags it was read with. They take precedence again when the file is read again.
    pub flags: Flags,
}

/// One source of lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The metric label `source`.
    pub name: String,
    /// Where its bytes come from.
    pub kind: SourceKind,
    /// Whether records count as calls or as attempts.
    pub grain: GrainRule,
    /// Whether only LLM clients write to it.
    pub traffic: Traffic,
    /// The zone of time stamps without one, as typed. `None`: inferred from arrival times.
    pub timezone: Option<String>,
}

/// Where the bytes of a source come from.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceKind {
    /// Files that grow.
    File {
        /// Globs of the files.
        paths: Vec<String>,
        /// Globs of files that are left out.
        exclude: Vec<String>,
        /// Where to begin in files that exist at the very first start.
        start_at: StartAt,
    },
    /// TCP connections.
    Tcp {
        /// The address to listen on.
        listen: SocketAddr,
        /// Limits on connections.
        limits: Limits,
        /// Certificate and key, if peers must use TLS.
        tls: Option<TlsFiles>,
    },
    /// Requests over HTTP.
    Http {
        /// The address to listen on.
        listen: SocketAddr,
        /// Limits on connections.
        limits: Limits,
        /// Certificate and key, if peers must use TLS.
        tls: Option<TlsFiles>,
        /// The file of the token that requests must show.
        token: Option<PathBuf>,
    },
    /// Standard input.
    Stdin,
    /// Removed by a reload. Its number is not used again.
    Absent,
}

/// Where verdicts are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Stdout,
    /// Appended to a file.
    File(PathBuf),
}

impl Config {
    /// The keys in which `other` differs from this configuration and that need a restart.
    #[must_use]
    pub fn waits_for_restart(&self, other: &Self) -> Vec<&'static str> {
        [
            ("http.listen", self.listen != other.listen),
            ("state.dir", self.state_dir != other.state_dir),
            ("output", self.output != other.output),
        ]
        .into_iter()
        .filter_map(|(key, differs)| differs.then_some(key))
        .collect()
    }
}
