//! `run`: the daemon.

use super::args::{LogFormat, Run};
use super::{End, Trouble};
use crate::config::{Config, ConfigError};
use crate::daemon::{self, Plan, ServeError, Shutdown};
use std::error::Error as _;
use std::io;
use tracing_subscriber::EnvFilter;

pub(super) fn run(args: &Run) -> Result<End, Trouble> {
    log_to_stderr(args.log_format);
    let plan = plan(Config::load(&args.flags))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let shutdown = Shutdown::default();
    let ended = runtime.block_on(async {
        let signals = tokio::spawn(daemon::watch_signals(shutdown.clone()));
        let ended = daemon::serve(plan, shutdown).await;
        signals.abort();
        ended
    });
    // A thread may sit in a read of standard input; nothing waits for it.
    runtime.shutdown_background();
    ended.map(|()| End::Good).map_err(|error| Trouble::Failed(chain(&error)))
}

/// What a configuration comes to, all faults said at once.
pub(super) fn plan(config: Result<Config, ConfigError>) -> Result<Plan, Trouble> {
    Plan::new(self::config(config)?).map_err(Trouble::Config)
}

/// The configuration, or everything that is wrong with it.
pub(super) fn config(config: Result<Config, ConfigError>) -> Result<Config, Trouble> {
    config.map_err(|error| match error {
        ConfigError::Faults { faults } => Trouble::Config(faults),
        unreadable => Trouble::Config(vec![match unreadable.source() {
            Some(cause) => format!("{unreadable}: {cause}"),
            None => unreadable.to_string(),
        }]),
    })
}

fn chain(error: &ServeError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(it) = cause {
        let more = it.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = it.source();
    }
    text
}

fn log_to_stderr(format: LogFormat) {
    let filter = EnvFilter::try_from_env("LLM_TRIAGE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    match format {
        LogFormat::Text => builder.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).init(),
        LogFormat::Json => builder.json().init(),
    }
}
