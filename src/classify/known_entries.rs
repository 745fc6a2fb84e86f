//! Verdicts on entries of words that a program writes again and again. What differs from entry to entry is filled in; the rest of the verdict
//! is that on the first of them.
//!
//! That the verdict depends on nothing else is tried out before an entry is kept: other values are put into it, and each of those entries
//! is judged.

use super::classifier::Classifier;
use super::kept_verdict::{KeptVerdict, OwnValues};
use super::verdict::{Judgement, Traffic, Verdict};
use crate::line::Level;
use crate::record::{Forms, MissGate, Own, Reader, Record, Template};
use crate::taxonomy::Outcome;
use crate::time::Stamp;
use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;
use std::ops::RangeInclusive;

/// An entry as framing gives it.
#[derive(Clone, Copy, Debug)]
pub struct RawEntry<'a> {
    /// The entry without the prefix of its lines.
    pub bytes: &'a [u8],
    /// The time in the prefix.
    pub stamped: Option<Stamp>,
    /// The level in the prefix.
    pub level: Level,
    /// What the source carries.
    pub traffic: Traffic,
    /// Nothing of it was cut out.
    pub is_whole: bool,
}

/// Verdicts on entries of words. Their number and size are bounded. They belong to one classifier and one reader.
#[derive(Debug)]
pub struct KnownEntries {
    /// What is known, by the hash of the words.
    by_words: FxHashMap<u64, Place>,
    /// The bytes of all entries and templates.
    bytes: usize,
    /// The hash of the latest entry, if it was looked up and not found.
    missed: Option<u64>,
    /// Closed for most entries while none is found.
    gate: MissGate<STRANGE_ENTRIES, STRANGE_SHARE>,
    /// Bytes that may be learned now, times [`BYTES_PER_LEARNED`].
    credit: usize,
}

/// Entries with the same words.
#[derive(Debug)]
struct Place {
    /// The first one.
    first: Box<[u8]>,
    known: Vec<KnownEntry>,
    /// Lessons from which nothing was learned.
    failures: u32,
}

#[derive(Debug)]
struct KnownEntry {
    template: Template,
    level: Level,
    traffic: Traffic,
    verdict: KeptVerdict,
}

/// The lengths of entries that are learned, in bytes.
const ENTRY_BYTES: RangeInclusive<usize> = 16..=4_096;
/// The most bytes of all entries and templates; then all are forgotten.
const ALL_BYTES: usize = 2 << 20;
/// About how many bytes a place and a verdict take beside their texts.
const PLACE_BYTES: usize = 128;
const VERDICT_BYTES: usize = 640;
/// The most known entries with the same words.
const ENTRIES: usize = 16;
/// After this many strange entries, only one of [`STRANGE_SHARE`] is looked up.
const STRANGE_ENTRIES: u32 = 256;
const STRANGE_SHARE: u32 = 16;
/// To learn a byte costs as much as to read several. Of so many bytes that are read, one may be learned, and these at once.
const BYTES_PER_LEARNED: usize = 64;
const LEARNED_AT_ONCE: usize = 32 << 10;
/// After this many lessons from which nothing was learned, no more are given on the same words.
const FAILURES: u32 = 4;

impl Default for KnownEntries {
    fn default() -> Self {
        let credit = LEARNED_AT_ONCE * BYTES_PER_LEARNED;
        Self { by_words: FxHashMap::default(), bytes: 0, missed: None, gate: MissGate::default(), credit }
    }
}

impl KnownEntries {
    /// The hash of the words of an entry. `None`: it is not worth a search.
    fn hash_of(&mut self, entry: &RawEntry<'_>) -> Option<u64> {
        if !entry.is_whole || !ENTRY_BYTES.contains(&entry.bytes.len()) || entry.bytes.first() == Some(&b'{') {
            return None;
        }
        self.credit = (self.credit + entry.bytes.len()).min(LEARNED_AT_ONCE * BYTES_PER_LEARNED);
        self.gate.opens().then(|| hash_of_words(entry.bytes))
    }

    /// The place of an entry that was not found, if another with the same words was seen before. Of a first one, the text is kept.
    fn place(&mut self, entry: &[u8]) -> Option<&mut Place> {
        let missed = self.missed.take()?;
        if self.bytes > ALL_BYTES {
            self.by_words.clear();
            self.bytes = 0;
        }
        let place = match self.by_words.entry(missed) {
            Entry::Occupied(place) => place.into_mut(),
            Entry::Vacant(free) => {
                free.insert(Place { first: entry.into(), known: Vec::new(), failures: 0 });
                self.bytes += entry.len() + PLACE_BYTES;
                return None;
            }
        };
        self.credit = self.credit.checked_sub(entry.len() * BYTES_PER_LEARNED)?;
        Some(place).filter(|place| place.failures < FAILURES)
    }
}

impl Classifier {
    /// The verdict on an entry, if one like it was learned: the same that [`Self::classify`] gives.
    pub fn recall<'a>(&self, entry: &RawEntry<'a>, known: &'a mut KnownEntries) -> Option<Verdict<'a>> {
        known.missed = known.hash_of(entry);
        let hash = known.missed?;
        let KnownEntries { by_words, missed, gate, .. } = known;
        let verdict = by_words.get(&hash).and_then(|place| place.known.iter().find_map(|known| known.verdict(self, entry)));
        gate.note(verdict.is_some());
        if verdict.is_some() {
            *missed = None;
        }
        verdict
    }

    /// Keeps the verdict on an entry that was not found by [`Self::recall`], if one with the same words was seen before and the verdict on
    /// such entries is the same whatever their values.
    pub fn learn(
        &self,
        reader: &Reader,
        entry: &RawEntry<'_>,
        (record, verdict): (&Record<'_>, &Verdict<'_>),
        known: &mut KnownEntries,
    ) {
        if known.missed.is_none() || !is_plain(&verdict.judgement) {
            return;
        }
        let Some(place) = known.place(entry.bytes) else { return };
        let learned = [Some(&*place.first), None].into_iter().find_map(|earlier| {
            let template = Template::learn(entry.bytes, earlier, record)?;
            KnownEntry::new(template, entry, verdict).filter(|candidate| candidate.holds(self, reader, entry))
        });
        match learned {
            Some(learned) => known.bytes += place.keep(learned),
            None => place.failures += 1,
        }
    }
}

impl Place {
    /// Keeps an entry, instead of the oldest one if there are many. Returns the bytes that were added.
    fn keep(&mut self, learned: KnownEntry) -> usize {
        let added = learned.bytes();
        self.known.push(learned);
        let removed = if self.known.len() > ENTRIES { self.known.remove(0).bytes() } else { 0 };
        added.saturating_sub(removed)
    }
}

impl KnownEntry {
    fn new(template: Template, entry: &RawEntry<'_>, verdict: &Verdict<'_>) -> Option<Self> {
        let own = own_values(&template, entry)?;
        let verdict = KeptVerdict::new(verdict, &own);
        drop(own);
        let RawEntry { level, traffic, .. } = *entry;
        Some(Self { template, level, traffic, verdict })
    }

    /// About how many bytes it takes in memory.
    fn bytes(&self) -> usize {
        self.template.bytes() + VERDICT_BYTES
    }

    fn verdict<'a>(&'a self, classifier: &Classifier, entry: &RawEntry<'a>) -> Option<Verdict<'a>> {
        if self.level != entry.level || self.traffic != entry.traffic {
            return None;
        }
        Some(self.verdict.give(&classifier.redactor, own_values(&self.template, entry)?))
    }

    /// Whether this entry and entries with other values get the verdict that reading and judging them gives.
    fn holds(&self, classifier: &Classifier, reader: &Reader, entry: &RawEntry<'_>) -> bool {
        let agrees = |bytes: &[u8]| {
            let entry = RawEntry { bytes, ..*entry };
            let found = self.verdict(classifier, &entry)?;
            let (mut equal, mut records) = (true, 0);
            reader.read_again(bytes, &[], (entry.stamped, entry.level), &mut Forms::default(), |record| {
                records += 1;
                equal &= classifier.classify(record, entry.traffic) == found;
            });
            Some(equal && records == 1)
        };
        let mut fitting = 0;
        // A variation that does not fit would be read and judged, so it does no harm; but some must fit.
        let all_agree = (0..Template::VARIATIONS).all(|number| match agrees(&self.template.variation(number)) {
            Some(agrees) => {
                fitting += 1;
                agrees
            }
            None => true,
        });
        all_agree && fitting > 1 && agrees(entry.bytes) == Some(true)
    }
}

fn own_values<'a>(template: &'a Template, entry: &RawEntry<'a>) -> Option<OwnValues<'a>> {
    let Own { stamp, values } = template.fit(entry.bytes, entry.stamped)?;
    Some(OwnValues { stamp, values, ..OwnValues::default() })
}

/// Whether a verdict has nothing of its own but what a template fills in. Failures are for [`super::cache`]: to judge variations of one costs
/// much, and most hold ids in their texts.
fn is_plain(judgement: &Judgement) -> bool {
    judgement.outcome != Outcome::Error
        && judgement.message.is_none()
        && judgement.retirement.is_none()
        && judgement.span.is_none()
        && judgement.chain.is_none()
}

/// What a byte is to [`hash_of_words`]: a letter by its own number, a digit, or something between words.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0u8;
    while byte < 128 {
        classes[byte as usize] = match byte {
            b'a'..=b'z' | b'A'..=b'Z' => byte,
            b'0'..=b'9' => DIGIT,
            _ => 0,
        };
        byte += 1;
    }
    classes
};
const DIGIT: u8 = 0x80;

/// A hash of the words of an entry. Words with a digit are left out: they may be numbers, times and ids.
fn hash_of_words(entry: &[u8]) -> u64 {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let (mut hash, mut word, mut all) = (0_u64, 0_u64, 0_u8);
    for byte in entry {
        let class = CLASSES[usize::from(*byte)];
        if class == 0 {
            if all < DIGIT {
                hash = (hash ^ word).wrapping_mul(MIX).rotate_left(29);
            }
            (word, all) = (0, 0);
        } else {
            word = word.rotate_left(7) ^ u64::from(class);
            all |= class;
        }
    }
    if all < DIGIT { (hash ^ word).wrapping_mul(MIX) } else { hash }
}
