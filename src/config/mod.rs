//! The configuration: what was typed in a file and in flags, checked and complete.
//!
//! Two steps: [`file`] holds what was typed, `resolve` fills in defaults and finds every fault at once. Flags and
//! `LLM_TRIAGE_*` win over the file. Rows of the escalation table and receivers are handed on as they were typed, to the
//! modules that know them.

mod file;
mod patterns;
mod quantity;
mod read;
mod resolve;
mod zone;

pub use patterns::{build_patterns, load_patterns, read_patterns};
pub use quantity::{ByteSize, QuantityError, Span};
pub use zone::zone;

use crate::classify::Traffic;
use crate::correlate::GrainRule;
use crate::source::{file::StartAt, tcp, tls::TlsFiles};
use crate::taxonomy::{ProviderSpec, string_enum};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{env, fmt, fs, io};

/// Where the configuration is looked for when nobody says.
pub const DEFAULT_FILE: &str = "/etc/llm-triage/config.toml";

string_enum! {
    /// What alerts are kept apart by.
    GroupBy {
        /// The provider that fails; always.
        Provider = "provider",
        /// The service that calls.
        Service = "service",
    }
}

/// What a daemon is to do, checked and complete.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it came from, if there is one.
    pub file: Option<PathBuf>,
    /// Where the HTTP server listens.
    pub listen: SocketAddr,
    /// Whether peers other than this host may reload.
    pub lifecycle: bool,
    /// Where the checkpoint lies.
    pub state_dir: PathBuf,
    /// At least one; a source's index is its [`crate::observation::SourceId`].
    pub sources: Vec<Source>,
    /// Own field names in front of the shipped field map.
    pub fields: BTreeMap<String, Vec<String>>,
    /// Own providers.
    pub providers: Vec<ProviderSpec>,
    /// Directories with patterns that extend the shipped ones.
    pub pattern_dirs: Vec<PathBuf>,
    /// The longest line that is kept whole.
    pub max_line: ByteSize,
    /// Series per metric family, beyond the shipped providers.
    pub series: usize,
    /// What all TCP peers together may have on the way or unfinished.
    pub tcp_buffer: ByteSize,
    /// What alerts are kept apart by.
    pub by: Vec<GroupBy>,
    /// `[[escalation]]`, as typed, each with its place for messages.
    pub escalation: Vec<(String, toml::Table)>,
    /// `[[receiver.…]]`, as typed, each with its kind and its place for messages.
    pub receivers: Vec<(String, String, toml::Table)>,
    /// The page on a row, with `{row}` for its id; else our own.
    pub runbook_url: Option<String>,
    /// How others reach our HTTP server, for links in alerts.
    pub url: Option<String>,
    /// Where verdicts are written.
    pub output: Option<Output>,
    /// The flags it was read with: they win again when it is read again.
    pub flags: Flags,
}

/// One source of lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The metric label.
    pub name: String,
    /// What it is.
    pub kind: SourceKind,
    /// Which records count as calls.
    pub grain: GrainRule,
    /// What else is in it.
    pub traffic: Traffic,
    /// Of stamps without a zone, by its IANA name; else learnt from arrival.
    pub timezone: Option<String>,
}

/// Where a source's bytes come from.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceKind {
    /// Files that grow.
    File {
        /// Globs.
        paths: Vec<String>,
        /// Globs of what is not meant.
        exclude: Vec<String>,
        /// For what is there at the first start ever.
        start_at: StartAt,
    },
    /// Peers.
    Tcp {
        /// The address.
        listen: SocketAddr,
        /// Caps.
        limits: tcp::Limits,
        /// What peers must speak.
        tls: Option<TlsFiles>,
    },
    /// Standard input.
    Stdin,
    /// None any more: a reload has taken the source out. Its number is not given to another.
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

/// Flags of `run` and their environment variables: they win over the file.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Flags {
    /// Configuration file [default: /etc/llm-triage/config.toml, if it is there]
    #[arg(long, value_name = "FILE", env = "LLM_TRIAGE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Read standard input; with this, --file or --tcp, the sources of the file are not read
    #[arg(long)]
    pub stdin: bool,
    /// Follow files that match
    #[arg(long, value_name = "GLOB", env = "LLM_TRIAGE_FILE", value_delimiter = ',')]
    pub file: Vec<String>,
    /// Take newline-delimited lines from peers
    #[arg(long, value_name = "ADDR", env = "LLM_TRIAGE_TCP", value_delimiter = ',')]
    pub tcp: Vec<SocketAddr>,
    /// Address of metrics, status page and API
    #[arg(long, value_name = "ADDR", env = "LLM_TRIAGE_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// Directory of the checkpoint
    #[arg(long, value_name = "DIR", env = "LLM_TRIAGE_STATE_DIR")]
    pub state_dir: Option<PathBuf>,
    /// Further patterns
    #[arg(long, value_name = "DIR", env = "LLM_TRIAGE_PATTERNS", value_delimiter = ',')]
    pub patterns: Vec<PathBuf>,
    /// Write every verdict as a line of JSON: a file, or - for standard output
    #[arg(long, value_name = "FILE", env = "LLM_TRIAGE_OUTPUT")]
    pub output: Option<PathBuf>,
}

/// Everything that is wrong with a configuration; the exit code is 78.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What it says cannot be done.
    #[error("{}", Lines(faults))]
    Faults {
        /// One line each: place, what is wrong, what would be right.
        faults: Vec<String>,
    },
}

/// The exit code of a bad configuration: `EX_CONFIG` of sysexits.
pub const EXIT_CODE: u8 = 78;

struct Lines<'a>(&'a [String]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl Config {
    /// Reads the file that the flags name, or the usual one if it is there, and puts the flags over it. Touches nothing else.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, not only the first of it.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        let state_directory = env::var_os("STATE_DIRECTORY").map(PathBuf::from);
        let (path, text) = match (&flags.config, Path::new(DEFAULT_FILE)) {
            (Some(path), _) => (Some(path.as_path()), read(path)?),
            (None, usual) if usual.exists() => (Some(usual), read(usual)?),
            (None, _) => (None, String::new()),
        };
        Self::from_text(path, &text, flags, state_directory)
    }

    /// The same from a text, for tests and for `check`. `state_directory` is systemd's `$STATE_DIRECTORY`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn from_text(
        path: Option<&Path>,
        text: &str,
        flags: &Flags,
        state_directory: Option<PathBuf>,
    ) -> Result<Self, ConfigError> {
        let name = path.map_or_else(|| DEFAULT_FILE.to_owned(), |it| it.display().to_string());
        let (typed, mut faults) = read::Reader::new(name, text).read(file::File::read);
        let mut config = resolve::resolve(typed, flags, state_directory, &mut faults);
        config.file = path.map(Path::to_owned);
        config.flags = flags.clone();
        // In the order in which a person reads the file; what came from no line comes first.
        faults.sort_by_key(|it| it.split(':').nth(1).and_then(|line| line.parse::<usize>().ok()));
        if faults.is_empty() { Ok(config) } else { Err(ConfigError::Faults { faults }) }
    }
}

impl Config {
    /// Reads the same file again, under the same flags.
    ///
    /// # Errors
    /// Everything that is wrong with it now.
    pub fn reread(&self) -> Result<Self, ConfigError> {
        Self::load(&self.flags)
    }

    /// Where relative paths of secrets begin: what systemd's `LoadCredential` laid ready, else beside the configuration.
    pub fn secrets(&self) -> Option<PathBuf> {
        let credentials = env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        credentials.or_else(|| self.file.as_ref().and_then(|it| it.parent()).map(PathBuf::from))
    }

    /// The keys in which `other` differs and which only a new process takes over.
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

fn read(path: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })
}

/// The message of an error, followed by the messages of its causes. A cause that the message repeats is left out.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
