//! What was found: plain values with the numbers that show it.

use crate::taxonomy::{Owner, Provider, string_enum};
use crate::time::Timestamp;

string_enum! {
    /// What kind of thing was found.
    FindingKind {
        /// A key worked, and is refused now.
        KeyRotation = "key-rotation",
        /// Rate limits that begin at a certain rate of calls.
        LoadLimit = "load-limit",
        /// Timeouts that come with long inputs.
        LongInput = "long-input",
        /// Answers of 200 without content.
        Hollow = "hollow",
        /// One model fails while the others answer.
        OneModel = "one-model",
        /// One service fails while the others get answers.
        OneService = "one-service",
        /// All models or services of a provider fail.
        WholeProvider = "whole-provider",
        /// Several providers fail at once, and none answers.
        AllProviders = "all-providers",
        /// The same request fails every time.
        EveryTime = "every-time",
        /// The same request fails now and then.
        NowAndThen = "now-and-then",
        /// An error that was never seen before.
        FirstEver = "first-ever",
        /// A group of errors that no pattern knows grows.
        Growing = "growing",
        /// A provider answers again.
        Recovery = "recovery",
    }
}

string_enum! {
    /// Where the cause lies.
    Blame {
        /// Our code, our request, our configuration.
        Ours = "ours",
        /// The account: key, permission, quota, money.
        Account = "account",
        /// The provider.
        Provider = "provider",
        /// The relay in between.
        Gateway = "gateway",
        /// The way to the provider.
        Network = "network",
        /// The tool that made the call.
        Tool = "tool",
        /// Nothing tells.
        Unknown = "unknown",
    }
}

impl From<Owner> for Blame {
    fn from(owner: Owner) -> Self {
        match owner {
            Owner::Caller => Self::Ours,
            Owner::Account => Self::Account,
            Owner::Provider => Self::Provider,
            Owner::Gateway => Self::Gateway,
            Owner::Network => Self::Network,
            Owner::Tool => Self::Tool,
            Owner::Unknown => Self::Unknown,
        }
    }
}

/// One thing that was found, brought up to date while it lasts.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// Whose service; unknown where it concerns several.
    pub provider: Provider,
    /// Whose calls, where it is about those of one service.
    pub service: Option<String>,
    /// Which model, where it is about one.
    pub model: Option<String>,
    /// The row of the failures it was found in, where they have one in common.
    pub row: Option<String>,
    /// Where the cause lies.
    pub blame: Blame,
    /// When it began.
    pub since: Timestamp,
    /// When it was last seen to hold.
    pub last: Timestamp,
    /// What was found, in a sentence with its numbers.
    pub text: String,
    /// What to do about it.
    pub advice: String,
    /// Which error it is about, where a row has several.
    pub(super) about: u64,
}

impl Finding {
    /// Whether both are about the same thing.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        let Self { kind, provider, service, model, row, about, .. } = self;
        let theirs = (&other.kind, &other.provider, &other.service, &other.model, &other.row, &other.about);
        (kind, provider, service, model, row, about) == theirs
    }
}

/// `12 %`, and `0.4 %` where a whole number would say nothing.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let share = part as f64 * 100.0 / whole.max(1) as f64;
    if share > 0.0 && share < 1.0 { format!("{share:.1} %") } else { format!("{share:.0} %") }
}

/// `12:03:07`: the day is told beside it.
pub(super) fn clock(second: i64) -> String {
    let day = second.rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", day / 3_600, day / 60 % 60, day % 60)
}

/// `7m20s`.
pub(super) fn span(seconds: i64) -> String {
    match seconds {
        s if s < 60 => format!("{s} s"),
        s if s < 3_600 => format!("{}m{:02}s", s / 60, s % 60),
        s => format!("{}h{:02}m", s / 3_600, s / 60 % 60),
    }
}

/// `"1 call"`, `"3 calls"`.
pub(super) fn many(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
