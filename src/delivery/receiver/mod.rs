//! The kinds of receivers, one file each: its options, its check, and how its messages are written.
//!
//! A new kind needs a file here, its `mod` line and its line in `receivers!` below, an example in `deploy/config.toml`, and
//! a chapter in the documentation. The file defines the options (`name` among them), a method `check` that turns them into
//! a [`Receiver`], and an implementation of `ReceiverKind`.

mod alertmanager;
mod command;
mod heartbeat;
mod pagerduty;
mod slack;
mod stdout;
mod webhook;

mod check;
mod checked;
mod error;
mod kind;
mod schema;

pub use checked::Receiver;
pub use error::ReceiverError;
pub(super) use kind::{Grouping, ReceiverKind};
pub use schema::receivers_schema;

use crate::delivery::proxy::Proxies;
use crate::taxonomy::Severity;
use check::Check;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;

/// The list of kinds: the name of the table and of the file, and the type of the options.
macro_rules! receivers {
    ($($(#[$doc:meta])* $kind:ident: $options:ident;)+) => {
        $(pub use $kind::$options;)+

        /// The tables `[[receiver.…]]`.
        #[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct ReceiverOptions {
            $($(#[$doc])* pub $kind: Vec<$options>,)+
        }

        impl ReceiverOptions {
            /// The kinds of receivers, in the order in which they are checked.
            pub const KINDS: &'static [&'static str] = &[$(stringify!($kind)),+];

            fn check_each(&self, credentials: Option<&Path>, proxies: &Proxies) -> Vec<Result<Receiver, ReceiverError>> {
                let mut results = Vec::new();
                $(for (index, options) in self.$kind.iter().enumerate() {
                    let check = Check::new(options.name.as_deref(), stringify!($kind), index, credentials, proxies);
                    results.push(options.check(&check));
                })+
                results
            }
        }
    };
}

receivers! {
    /// Alertmanager clusters.
    alertmanager: AlertmanagerOptions;
    /// Any program that accepts Alertmanager's webhook payload.
    webhook: WebhookOptions;
    /// Slack channels.
    slack: SlackOptions;
    /// PagerDuty services.
    pagerduty: PagerDutyOptions;
    /// Programs that the user provides.
    command: CommandOptions;
    /// The standard output of this process.
    stdout: StdoutOptions;
    /// Dead man's switches.
    heartbeat: HeartbeatOptions;
}

impl ReceiverOptions {
    /// Checks all receivers and reads their secrets. Relative paths are in `credentials`; `rows` is the escalation table in
    /// force; without it, the rows that receivers select are not checked.
    ///
    /// # Errors
    /// All errors, not only the first one.
    pub fn resolve(
        &self,
        credentials: Option<&Path>,
        rows: Option<&[(String, Severity)]>,
    ) -> Result<Vec<Receiver>, Vec<ReceiverError>> {
        self.resolve_behind(&Proxies::from_environment(), credentials, rows)
    }

    /// As [`Self::resolve`], with other proxies than those of the environment.
    ///
    /// # Errors
    /// All errors, not only the first one.
    pub fn resolve_behind(
        &self,
        proxies: &Proxies,
        credentials: Option<&Path>,
        rows: Option<&[(String, Severity)]>,
    ) -> Result<Vec<Receiver>, Vec<ReceiverError>> {
        let (mut receivers, mut errors, mut labels) = (Vec::new(), Vec::new(), BTreeSet::new());
        for result in self.check_each(credentials, proxies) {
            match result {
                Ok(receiver) => {
                    errors.extend(rows.map(|rows| check_filter(&receiver, rows)).into_iter().flatten());
                    for label in receiver.members() {
                        if !labels.insert(label.to_owned()) {
                            errors.push(ReceiverError::Twice { receiver: label.to_owned() });
                        }
                    }
                    receivers.push(receiver);
                }
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(receivers) } else { Err(errors) }
    }
}

/// Rows that do not exist; or, if all exist, a filter that none of them passes.
fn check_filter(receiver: &Receiver, rows: &[(String, Severity)]) -> Vec<ReceiverError> {
    let Receiver { name, filter, .. } = receiver;
    let is_known = |wanted: &&String| rows.iter().any(|(row, _)| row == *wanted);
    let unknown = filter.rows.iter().filter(|row| !is_known(row));
    let mut errors: Vec<_> = unknown.map(|row| ReceiverError::Row { receiver: name.clone(), row: row.clone() }).collect();
    if errors.is_empty() && !rows.iter().any(|(row, severity)| filter.accepts(row, *severity)) {
        errors.push(ReceiverError::Mute { receiver: name.clone(), least: filter.min_severity });
    }
    errors
}
