//! `notify-test`: sends one alert, marked as a test, to one receiver.

use super::args::NotifyTest;
use super::exit::{CliError, Exit};
use super::{load, output};
use crate::daemon;
use crate::delivery::{Receiver, notify_test};
use crate::time::Timestamp;
use std::time::SystemTime;

pub(super) fn run(args: &NotifyTest) -> Result<Exit, CliError> {
    let plan = load::plan(&load::flags_without_sources(args.config.as_ref()))?;
    let Some(receiver) = plan.receivers().iter().find(|receiver| receiver.name() == args.receiver) else {
        let names: Vec<_> = plan.receivers().iter().map(Receiver::name).collect();
        let known = if names.is_empty() {
            "the configuration has no receiver".to_owned()
        } else {
            format!("the configuration has {}", names.join(", "))
        };
        return Err(CliError::Usage(format!("unknown receiver {:?}; {known}", args.receiver)));
    };
    let identity = daemon::identity(&plan);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let now = Timestamp::from_system(SystemTime::now());
    let mut exit = Exit::Success;
    for (member, outcome) in runtime.block_on(notify_test(receiver, &identity, now)) {
        match outcome {
            Ok(()) => output::print(format!("{member}: accepted\n").as_bytes())?,
            Err(error) => {
                output::print_error(&format!("{member}: {error}"));
                exit = Exit::Failed;
            }
        }
    }
    Ok(exit)
}
