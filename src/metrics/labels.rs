//! The keys of series, and the label values that they stand for.

use super::names::Names;
use crate::alert::RowId;
use crate::framing::LossReason;
use crate::observation::{Name, PatternId, SourceId};
use crate::pipeline::ErrorKey;
use crate::taxonomy::{Category, Ending, Outcome, Owner, Provider, Retry, StatusLabel};
use std::fmt;
use std::hash::Hash;

/// The label value for everything that exceeds the cap of its family.
pub const OVERFLOW: &str = "overflow";

/// How label values are written.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Spelling {
    /// As they are.
    Own,
    /// With [`OVERFLOW`] for every label that logs can fill with new values.
    Folded,
}

/// What distinguishes the series of a family.
pub(super) trait Key: Copy + Eq + Hash + fmt::Debug + Send + 'static {
    /// The label values, in the order of the family.
    fn labels(&self, names: &Names, spelling: Spelling) -> Vec<String>;

    /// Whether the series does not count towards the cap.
    fn is_reserved(&self, names: &Names) -> bool;

    /// The series that are created at 0, before anything is counted.
    fn initial(_names: &Names) -> Vec<Self> {
        Vec::new()
    }

    /// The series that are created at 0 when a provider is first seen.
    fn initial_of(_provider: Provider) -> Vec<Self> {
        Vec::new()
    }
}

/// One label value.
trait Label {
    /// Whether logs can bring new values without limit.
    const IS_OPEN: bool = false;

    fn text(&self, names: &Names) -> String;

    fn spelled(&self, names: &Names, spelling: Spelling) -> String {
        if Self::IS_OPEN && spelling == Spelling::Folded { OVERFLOW.to_owned() } else { self.text(names) }
    }
}

macro_rules! labels {
    (open { $($open:ty = |$open_value:pat_param, $open_names:pat_param| $open_text:expr;)+ }
     closed { $($closed:ty = |$value:pat_param, $names:pat_param| $text:expr;)+ }) => {
        $(impl Label for $open {
            const IS_OPEN: bool = true;

            fn text(&self, $open_names: &Names) -> String {
                let $open_value = self;
                $open_text.to_string()
            }
        })+
        $(impl Label for $closed {
            fn text(&self, $names: &Names) -> String {
                let $value = self;
                $text.to_string()
            }
        })+
    };
}

labels! {
    open {
        RowId = |row, names| names.row(*row);
        PatternId = |pattern, names| names.pattern(*pattern);
        StatusLabel = |status, _| status;
        // Of a model or a service. A label with an empty value does not exist for Prometheus, hence `none`.
        Name = |name, _| name.get().unwrap_or("none");
    }
    closed {
        Provider = |provider, names| names.provider(*provider);
        SourceId = |source, names| names.source(*source);
        Outcome = |outcome, _| outcome.as_str();
        Category = |category, _| category.as_str();
        Ending = |ending, _| ending.as_str();
        Owner = |owner, _| owner.as_str();
        Retry = |retry, _| retry.as_str();
        LossReason = |reason, _| reason.as_str();
    }
}

impl Key for () {
    fn labels(&self, _: &Names, _: Spelling) -> Vec<String> {
        Vec::new()
    }

    fn is_reserved(&self, _: &Names) -> bool {
        true
    }

    fn initial(_: &Names) -> Vec<Self> {
        vec![()]
    }
}

impl Key for Provider {
    fn labels(&self, names: &Names, spelling: Spelling) -> Vec<String> {
        vec![self.spelled(names, spelling)]
    }

    fn is_reserved(&self, names: &Names) -> bool {
        names.is_known(*self)
    }

    fn initial_of(provider: Provider) -> Vec<Self> {
        vec![provider]
    }
}

impl Key for SourceId {
    fn labels(&self, names: &Names, spelling: Spelling) -> Vec<String> {
        vec![self.spelled(names, spelling)]
    }

    fn is_reserved(&self, _: &Names) -> bool {
        true
    }

    fn initial(names: &Names) -> Vec<Self> {
        (0u16..).map(SourceId).take(names.sources().len()).collect()
    }
}

impl Key for ErrorKey {
    fn labels(&self, names: &Names, spelling: Spelling) -> Vec<String> {
        let Self { provider, status, category, owner, retry } = self;
        vec![
            provider.spelled(names, spelling),
            status.spelled(names, spelling),
            category.spelled(names, spelling),
            owner.spelled(names, spelling),
            retry.spelled(names, spelling),
        ]
    }

    fn is_reserved(&self, names: &Names) -> bool {
        self.status.is_usual() && names.is_known(self.provider)
    }
}

/// Keys of several labels: which series are reserved, and which are created at 0.
macro_rules! keys {
    ($(($($field:tt: $type:ty),+) reserved: $reserved:expr $(, initial: $initial:expr)? $(, initial_of: $initial_of:expr)?;)+) => {
        $(impl Key for ($($type,)+) {
            fn labels(&self, names: &Names, spelling: Spelling) -> Vec<String> {
                vec![$(self.$field.spelled(names, spelling)),+]
            }

            fn is_reserved(&self, names: &Names) -> bool {
                let reserved: fn(&Self, &Names) -> bool = $reserved;
                reserved(self, names)
            }

            $(fn initial(names: &Names) -> Vec<Self> {
                let initial: fn(&Names) -> Vec<Self> = $initial;
                initial(names)
            })?

            $(fn initial_of(provider: Provider) -> Vec<Self> {
                let initial_of: fn(Provider) -> Vec<Self> = $initial_of;
                initial_of(provider)
            })?
        })+
    };
}

keys! {
    (0: Provider, 1: Outcome)
        reserved: |key, names| names.is_known(key.0),
        initial_of: |provider| pairs(&[provider], &[Outcome::Success, Outcome::Error]);
    (0: RowId, 1: Provider)
        reserved: |key, names| names.is_known(key.1);
    (0: Provider, 1: StatusLabel, 2: Category)
        reserved: |key, names| key.1.is_usual() && names.is_known(key.0);
    (0: Provider, 1: Ending)
        reserved: |key, names| names.is_known(key.0);
    (0: Provider, 1: PatternId) reserved: |_, _| false;
    (0: Provider, 1: Name, 2: Outcome) reserved: |_, _| false;
    (0: Provider, 1: Name, 2: Category) reserved: |_, _| false;
    (0: Name, 1: Provider, 2: Outcome) reserved: |_, _| false;
    (0: Name, 1: Provider, 2: Category) reserved: |_, _| false;
    (0: SourceId, 1: Outcome)
        reserved: |_, _| true,
        initial: |names| pairs(&SourceId::initial(names), Outcome::ALL);
    // A reason that never occurs has no series.
    (0: SourceId, 1: LossReason) reserved: |_, _| true;
}

/// Every combination of the two.
fn pairs<A: Copy, B: Copy>(first: &[A], second: &[B]) -> Vec<(A, B)> {
    first.iter().flat_map(|a| second.iter().map(|b| (*a, *b))).collect()
}
