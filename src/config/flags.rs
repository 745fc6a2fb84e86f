//! Flags of `run`, and their environment variables.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Flags of `run` and their environment variables. They take precedence over the file.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Flags {
    /// Configuration file [default: /etc/llm-triage/config.toml, if it exists]
    #[arg(long, value_name = "FILE", env = "LLM_TRIAGE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Read standard input; with this, --file, --tcp or --http, the sources of the file are ignored
    #[arg(long)]
    pub stdin: bool,
    /// Follow files that match
    #[arg(long, value_name = "GLOB", env = "LLM_TRIAGE_FILE", value_delimiter = ',')]
    pub file: Vec<String>,
    /// Receive newline-delimited lines over TCP
    #[arg(long, value_name = "ADDR", env = "LLM_TRIAGE_TCP", value_delimiter = ',')]
    pub tcp: Vec<SocketAddr>,
    /// Receive OTLP, Loki pushes and lines over HTTP, for example on 127.0.0.1:4318
    #[arg(long, value_name = "ADDR", env = "LLM_TRIAGE_HTTP", value_delimiter = ',')]
    pub http: Vec<SocketAddr>,
    /// Address of metrics, status page and API
    #[arg(long, value_name = "ADDR", env = "LLM_TRIAGE_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// Directory of the checkpoint
    #[arg(long, value_name = "DIR", env = "LLM_TRIAGE_STATE_DIR")]
    pub state_dir: Option<PathBuf>,
    /// Directory with additional patterns
    #[arg(long, value_name = "DIR", env = "LLM_TRIAGE_PATTERNS", value_delimiter = ',')]
    pub patterns: Vec<PathBuf>,
    /// Write every verdict as a line of JSON to a file, or to standard output with -
    #[arg(long, value_name = "FILE", env = "LLM_TRIAGE_OUTPUT")]
    pub output: Option<PathBuf>,
}
