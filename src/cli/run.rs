//! `run`: starts the daemon and waits for its end.

use super::args::Run;
use super::exit::{CliError, Exit};
use super::{load, own_log};
use crate::config::with_causes;
use crate::daemon::{self, Shutdown};

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
    result.map(|()| Exit::Success).map_err(|error| CliError::Failed(with_causes(&error)))
}
