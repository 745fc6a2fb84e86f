//! `run`: starts the daemon and waits for its end.

use super::args::Run;
use super::exit::{CliError, Exit};
use super::{load, own_log};
use crate::daemon::{self, ServeError, Shutdown};
use std::error::Error as _;

pub(super) fn run(args: &Run) -> Result<Exit, CliError> {
    own_log::start(args.log_format);
    let plan = load::plan(&args.flags)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let shutdown = Shutdown::default();
    let result = runtime.block_on(async {
        let signals = tokio::spawn(daemon::watch_signals(shutdown.clone()));
        let result = Box::pin(daemon::serve(plan, shutdown)).await;
        signals.abort();
        result
    });
    // A thread may be blocked in a read of standard input; do not wait for it.
    runtime.shutdown_background();
    result.map(|()| Exit::Success).map_err(|error| CliError::Failed(chain(&error)))
}

/// The error and its causes in one line, without causes that the text repeats already.
fn chain(error: &ServeError) -> String {
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
