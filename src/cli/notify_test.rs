//! `notify-test`: one marked alert to one receiver, to see whether it arrives.

use super::args::NotifyTest;
use super::{End, Trouble, run, style};
use crate::config::{Config, Flags};
use crate::daemon;
use crate::delivery::notify_test;
use crate::time::Timestamp;
use std::time::SystemTime;

pub(super) fn run(args: &NotifyTest) -> Result<End, Trouble> {
    // Nothing is read, so that nothing is to be read is no fault here.
    let flags = Flags { config: args.config.clone(), stdin: true, ..Flags::default() };
    let plan = run::plan(Config::load(&flags))?;
    let Some(receiver) = plan.receivers().iter().find(|it| it.name() == args.receiver) else {
        let names: Vec<_> = plan.receivers().iter().map(|it| it.name()).collect();
        let known =
            if names.is_empty() { "the configuration has none".to_owned() } else { format!("there are {}", names.join(", ")) };
        return Err(Trouble::Usage(format!("no receiver is called {:?}; {known}", args.receiver)));
    };
    let identity = daemon::identity(&plan);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let now = Timestamp::from_system(SystemTime::now());
    let mut end = End::Good;
    for (member, outcome) in runtime.block_on(notify_test(receiver, &identity, now)) {
        match outcome {
            Ok(()) => style::print(format!("{member}: taken\n").as_bytes())?,
            Err(error) => {
                style::complain(&format!("{member}: {error}"));
                end = End::Failed;
            }
        }
    }
    Ok(end)
}
