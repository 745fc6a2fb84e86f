//! Findings: plain values with the numbers that prove them.

use crate::taxonomy::{Owner, Provider, string_enum};
use crate::time::Timestamp;

string_enum! {
    /// The kind of a finding.
    FindingKind {
        /// A key that worked is refused now.
        KeyRotation = "key-rotation",
        /// Rate limits begin at a certain number of calls per minute.
        LoadLimit = "load-limit",
        /// Long inputs time out more often than short ones.
        LongInput = "long-input",
        /// Several answers with status 200 have no content.
        Hollow = "hollow",
        /// One model fails while the others answer.
        OneModel = "one-model",
        /// The calls of one service fail while those of others succeed.
        OneService = "one-service",
        /// All models or services of a provider fail.
        WholeProvider = "whole-provider",
        /// Several providers fail at the same time, and none answers.
        AllProviders = "all-providers",
        /// The same request fails every time.
        EveryTime = "every-time",
        /// The same request sometimes fails and sometimes succeeds.
        NowAndThen = "now-and-then",
        /// An error that was never seen before.
        FirstEver = "first-ever",
        /// A growing group of errors that no pattern matches.
        Growing = "growing",
        /// A provider answers again after an outage.
        Recovery = "recovery",
        /// A model is announced to end.
        Retirement = "retirement",
    }
}

string_enum! {
    /// The owner of the cause. [`Owner`] with the spelling that findings have in JSON.
    Blame {
        /// [`Owner::Caller`].
        Ours = "ours",
        /// [`Owner::Account`].
        Account = "account",
        /// [`Owner::Provider`].
        Provider = "provider",
        /// [`Owner::Gateway`].
        Gateway = "gateway",
        /// [`Owner::Network`].
        Network = "network",
        /// [`Owner::Tool`].
        Tool = "tool",
        /// [`Owner::Unknown`].
        Unknown = "unknown",
    }
}

impl Blame {
    /// The same owner in the vocabulary of texts, labels and patterns.
    #[must_use]
    pub const fn owner(self) -> Owner {
        match self {
            Self::Ours => Owner::Caller,
            Self::Account => Owner::Account,
            Self::Provider => Owner::Provider,
            Self::Gateway => Owner::Gateway,
            Self::Network => Owner::Network,
            Self::Tool => Owner::Tool,
            Self::Unknown => Owner::Unknown,
        }
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

/// One finding, updated while it lasts.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The kind.
    pub kind: FindingKind,
    /// The provider that was called; unknown if the finding is about several.
    pub provider: Provider,
    /// The calling service, if the finding is about one.
    pub service: Option<String>,
    /// The model, if the finding is about one.
    pub model: Option<String>,
    /// The row of the failures, if they belong to one.
    pub row: Option<String>,
    /// The owner of the cause.
    pub blame: Blame,
    /// When it began.
    pub since: Timestamp,
    /// When it was last observed.
    pub last: Timestamp,
    /// What was found, with its numbers; begins in lower case and has no full stop.
    pub text: String,
    /// What to do, as full sentences.
    pub advice: String,
    /// Distinguishes errors that belong to one row; 0 if the finding is not about one error.
    pub(super) error_id: u64,
}

impl Finding {
    /// Whether both are about the same thing.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let Self { kind, provider, service, model, row, error_id, .. } = self;
        let is_about_same = (kind, provider, row, error_id) == (&other.kind, &other.provider, &other.row, &other.error_id);
        // A finding about one error is about all services and models that have it.
        is_about_same && (*error_id != 0 || (service, model) == (&other.service, &other.model))
    }

    /// A finding of this second about the whole of a provider that the caller fills in.
    pub(super) fn new(kind: FindingKind, blame: Blame, at: i64, text: String, advice: &str) -> Self {
        let now = Timestamp::from_second(at);
        Self {
            kind,
            provider: Provider::UNKNOWN,
            service: None,
            model: None,
            row: None,
            blame,
            since: now,
            last: now,
            text,
            advice: advice.to_owned(),
            error_id: 0,
        }
    }
}
