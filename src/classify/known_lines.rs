//! Verdicts on JSON lines of a form that was learned. Most lines of a service are alike in all that a verdict depends on; only the first
//! ones are judged.
//!
//! Lines are alike if [`Walk::key`] is the same: the same fields, with the same values in all that are not times, ids and measures. What
//! else a line has is in no field, and few verdicts depend on it; those are not kept.

use super::classifier::Classifier;
use super::kept_verdict::{KeptVerdict, OwnValues};
use super::known_entries::RawEntry;
use super::verdict::{Traffic, Verdict};
use crate::line::Level;
use crate::record::{MissGate, OwnPlaces, Record, Walk};
use crate::time::Stamp;
use rustc_hash::FxHashMap;

/// Verdicts on JSON lines. Their number and size are bounded. They belong to one classifier and to the forms of the walks.
#[derive(Debug, Default)]
pub struct KnownLines {
    known: FxHashMap<u64, Box<KnownLine>>,
    /// The bytes of all lines that are known.
    bytes: usize,
    /// The hash of a line that was seen, by its lower bits. A verdict is kept when a line comes the second time: lines that are like no other
    /// cost little.
    seen: Vec<u64>,
    /// Closed for most lines while none is known.
    gate: MissGate<STRANGE_LINES, STRANGE_SHARE>,
}

#[derive(Debug)]
struct KnownLine {
    key: Box<[u8]>,
    /// Where the line's own values are.
    own: OwnPlaces,
    /// See [`signs`].
    signs: (u16, bool),
    level: Level,
    traffic: Traffic,
    verdict: KeptVerdict,
}

/// The most bytes of all lines; then all are forgotten.
const ALL_BYTES: usize = 3 << 20;
/// About how many bytes a verdict takes beside the key.
const VERDICT_BYTES: usize = 640;
/// The number of lines that are noted as seen; a power of two.
const SEEN: usize = 4_096;
/// After this many strange lines, only one of [`STRANGE_SHARE`] is looked up.
const STRANGE_LINES: u32 = 64;
const STRANGE_SHARE: u32 = 16;

impl KnownLines {
    /// Whether a line with this hash was seen before. From now on it was.
    fn was_seen(&mut self, hash: u64) -> bool {
        self.seen.resize(SEEN, 0);
        let place = usize::try_from(hash % SEEN as u64).unwrap_or_default();
        self.seen.get_mut(place).is_some_and(|seen| std::mem::replace(seen, hash) == hash)
    }

    fn keep(&mut self, hash: u64, line: KnownLine) {
        if self.bytes > ALL_BYTES {
            self.known.clear();
            self.bytes = 0;
        }
        self.bytes += line.key.len() + VERDICT_BYTES;
        if let Some(before) = self.known.insert(hash, Box::new(line)) {
            self.bytes = self.bytes.saturating_sub(before.key.len() + VERDICT_BYTES);
        }
    }
}

impl Classifier {
    /// The verdict on a line, if one like it was learned: the same that [`Self::classify`] gives.
    pub fn recall_line<'a>(&self, entry: &RawEntry<'a>, walk: &Walk<'_, 'a>, known: &'a mut KnownLines) -> Option<Verdict<'a>> {
        let KnownLines { known, gate, .. } = known;
        if !entry.is_whole || !walk.may_repeat() || !gate.opens() {
            return None;
        }
        let line = known
            .get(&walk.hash())
            .filter(|line| (line.level, line.traffic) == (entry.level, entry.traffic) && walk.has_key(&line.key));
        let verdict = line.and_then(|line| {
            let own = own_values(walk, &line.own, entry);
            (signs(&own) == line.signs).then(|| line.verdict.give(&self.redactor, own))
        });
        gate.note(verdict.is_some());
        verdict
    }

    /// Keeps the verdict on a line that was not found by [`Self::recall_line`], if one like it was seen before and the verdict on such lines
    /// is the same.
    pub fn learn_line(
        &self,
        entry: &RawEntry<'_>,
        walk: &Walk<'_, '_>,
        (record, verdict): (&Record<'_>, &Verdict<'_>),
        known: &mut KnownLines,
    ) {
        if !entry.is_whole || !walk.may_repeat() || !known.was_seen(walk.hash()) || !self.hangs_on_fields(record, verdict) {
            return;
        }
        let places = walk.own_places();
        let own = own_values(walk, &places, entry);
        // What words of the message say is not among the values of the walk.
        let is_all = record.own_values() == own.values && verdict.judgement.span == own.span && record.stamp() == own.stamp;
        if walk.is_of(record) && is_all {
            let RawEntry { level, traffic, .. } = *entry;
            let verdict = KeptVerdict::new(verdict, &own);
            known.keep(
                walk.hash(),
                KnownLine { key: walk.key().into(), own: places, signs: signs(&own), level, traffic, verdict },
            );
        }
    }
}

fn own_values<'a>(walk: &Walk<'_, 'a>, places: &OwnPlaces, entry: &RawEntry<'a>) -> OwnValues<'a> {
    walk.own(places, entry.stamped, |own| OwnValues::of(own, own.own_values()))
}

/// What a verdict depends on in the values that are a line's own: which it has, and whether its time is known for certain.
fn signs(own: &OwnValues<'_>) -> (u16, bool) {
    (own.values.flags, matches!(own.stamp, Some(Stamp::Utc(_))))
}
