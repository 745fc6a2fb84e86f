//! One counter family, addressed by small keys: a handle per series that was met before, and a cap on new ones.
//!
//! Label values come from logs in the end, so each family has room for a fixed number of series. What comes after is
//! counted under the label value [`OVERFLOW`], never dropped.

use super::Names;
use super::family::Family;
use crate::alert::RowId;
use crate::framing::LossReason;
use crate::observation::{Name, PatternId, SourceId};
use crate::pipeline::ErrorKey;
use crate::taxonomy::{Category, Outcome, Owner, Provider, Retry, Status, StatusLabel};
use prometheus::{IntCounter, IntCounterVec, Opts};
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use std::hash::{BuildHasher, Hash};

/// The label value of everything that found its family full.
pub const OVERFLOW: &str = "overflow";

/// Series that no flood of odd labels can push out: known providers × usual statuses and the like. A bound on what is
/// bounded already, against the worst of logs.
const RESERVED_SERIES: usize = 10_000;

/// Statuses that LLM services and the proxies before them send. Any other number is accepted, but pays from the cap.
const USUAL_STATUSES: &[u16] = &[
    200, 400, 401, 402, 403, 404, 405, 408, 409, 410, 411, 413, 415, 422, 424, 425, 429, 431, 451, 498, 499, 500, 501, 502,
    503, 504, 507, 520, 521, 522, 523, 524, 525, 526, 527, 529, 530,
];

/// Makes the crate's counter family for a row of the table.
pub(super) fn counter_vec(family: &Family) -> IntCounterVec {
    IntCounterVec::new(Opts::new(family.name, family.help), family.labels)
        .expect("the table holds valid names, and a test makes each of them")
}

/// A counter family and the handles to its series.
#[derive(Debug)]
pub(super) struct Series<K> {
    vec: IntCounterVec,
    handles: FxHashMap<K, IntCounter>,
    born: FxHashSet<u64>,
    reserved: usize,
    cap: usize,
}

impl<K: Key> Series<K> {
    pub(super) fn new(vec: &IntCounterVec, cap: usize) -> Self {
        Self { vec: vec.clone(), handles: FxHashMap::default(), born: FxHashSet::default(), reserved: 0, cap }
    }

    /// Counts `n` under `key`. Returns how much of it went to an overflow series.
    pub(super) fn add(&mut self, key: K, n: u64, names: &Names) -> u64 {
        if let Some(handle) = self.handles.get(&key) {
            handle.inc_by(n);
            return 0;
        }
        let labels = key.labels(names, Spelling::Own);
        if !self.has_room(key.is_reserved(names), &labels) {
            return self.add_folded(key, n, names);
        }
        let handle = self.vec.with_label_values(&labels);
        handle.inc_by(n);
        self.handles.insert(key, handle);
        0
    }

    /// Counts `n` under the overflow series that is nearest to `key`; returns `n`.
    pub(super) fn add_folded(&self, key: K, n: u64, names: &Names) -> u64 {
        self.vec.with_label_values(&key.labels(names, Spelling::Folded)).inc_by(n);
        n
    }

    /// Whether this key has a series of its own.
    pub(super) fn holds(&self, key: &K) -> bool {
        self.handles.contains_key(key)
    }

    /// Another cap; series that are there stay.
    pub(super) fn set_cap(&mut self, cap: usize) {
        self.cap = cap;
    }

    /// Forgets what keys stand for, as a reload gives them another meaning. The series stay.
    pub(super) fn forget_keys(&mut self) {
        self.handles.clear();
    }

    fn has_room(&mut self, is_reserved: bool, labels: &[String]) -> bool {
        let identity = FxBuildHasher.hash_one(labels);
        if self.born.contains(&identity) {
            return true;
        }
        let room = if is_reserved { self.reserved < RESERVED_SERIES } else { self.born.len() - self.reserved < self.cap };
        if room {
            self.born.insert(identity);
            self.reserved += usize::from(is_reserved);
        }
        room
    }
}

/// How label values are written.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Spelling {
    /// As they are.
    Own,
    /// With [`OVERFLOW`] for every label that logs can fill with ever new values.
    Folded,
}

/// What tells one series of a family from another.
pub(super) trait Key: Copy + Eq + Hash {
    /// The label values, in the family's order.
    fn labels(&self, names: &Names, spelling: Spelling) -> Vec<String>;

    /// Whether the series stands outside the cap.
    fn is_reserved(&self, names: &Names) -> bool;
}

/// One label value.
trait Label {
    /// Whether logs can bring ever new values.
    const IS_OPEN: bool = false;

    fn text(&self, names: &Names) -> String;

    fn spelled(&self, names: &Names, spelling: Spelling) -> String {
        if Self::IS_OPEN && spelling == Spelling::Folded { OVERFLOW.to_owned() } else { self.text(names) }
    }
}

impl Label for Provider {
    fn text(&self, names: &Names) -> String {
        names.provider(*self).to_owned()
    }
}

impl Label for SourceId {
    fn text(&self, names: &Names) -> String {
        names.source(*self).to_owned()
    }
}

impl Label for RowId {
    const IS_OPEN: bool = true;

    fn text(&self, names: &Names) -> String {
        names.row(*self).to_owned()
    }
}

impl Label for PatternId {
    const IS_OPEN: bool = true;

    fn text(&self, names: &Names) -> String {
        names.pattern(*self).to_owned()
    }
}

impl Label for StatusLabel {
    const IS_OPEN: bool = true;

    fn text(&self, _: &Names) -> String {
        self.to_string()
    }
}

/// The name of a model or a service. An empty label would be no label at all, hence `none`.
impl Label for Name {
    const IS_OPEN: bool = true;

    fn text(&self, _: &Names) -> String {
        self.get().unwrap_or("none").to_owned()
    }
}

macro_rules! closed_labels {
    ($($type:ty),+) => {
        $(impl Label for $type {
            fn text(&self, _: &Names) -> String {
                self.as_str().to_owned()
            }
        })+
    };
}

closed_labels!(Outcome, Category, Owner, Retry, LossReason);

macro_rules! keys {
    ($(($($field:tt: $type:ty),+) $reserved:expr;)+) => {
        $(impl Key for ($($type,)+) {
            fn labels(&self, names: &Names, spelling: Spelling) -> Vec<String> {
                vec![$(self.$field.spelled(names, spelling)),+]
            }

            fn is_reserved(&self, names: &Names) -> bool {
                let reserved: fn(&Self, &Names) -> bool = $reserved;
                reserved(self, names)
            }
        })+
    };
}

keys! {
    (0: Provider) |key, names| names.is_known(key.0);
    (0: Provider, 1: Outcome) |key, names| names.is_known(key.0);
    (0: RowId, 1: Provider) |key, names| names.is_known(key.1);
    (0: Provider, 1: StatusLabel, 2: Category) |key, names| is_usual(key.0, key.1, names);
    (0: Provider, 1: PatternId) |_, _| false;
    (0: Provider, 1: Name, 2: Outcome) |_, _| false;
    (0: Provider, 1: Name, 2: Category) |_, _| false;
    (0: Name, 1: Provider, 2: Outcome) |_, _| false;
    (0: Name, 1: Provider, 2: Category) |_, _| false;
    (0: SourceId) |_, _| true;
    (0: SourceId, 1: Outcome) |_, _| true;
    (0: SourceId, 1: LossReason) |_, _| true;
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
        is_usual(self.provider, self.status, names)
    }
}

fn is_usual(provider: Provider, status: StatusLabel, names: &Names) -> bool {
    let usual = match status.0 {
        Some(Status::Http(code)) => USUAL_STATUSES.contains(&code),
        Some(Status::Timeout | Status::Connection) | None => true,
    };
    usual && names.is_known(provider)
}
