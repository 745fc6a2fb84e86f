//! Entries of words that a program writes again and again, with other times, numbers and ids.
//!
//! A template is learned from one entry and what was read of it: its text, with a hole for each value that is the record's own, and for
//! each number in which an earlier entry differs. Another entry fits if it has the same text and, in the holes, values of the same shape.
//! Whether a verdict depends on what is in the holes is not known here; [`Template::variation`] makes entries to find out.

use super::field::Field;
use super::json::{Escapes, Raw, Value};
use super::likeness::{Likeness, TRACES, VALUES};
use super::record::{Format, Record};
use super::slots::Slot;
use crate::time::Stamp;
use std::iter::repeat_n;
use std::ops::Range;

/// The most digits of a number before and behind the point.
const DIGITS: usize = 7;
/// The shortest part of an id that differs, in bytes.
const ID_BYTES: usize = 8;
/// The most holes.
const HOLES: usize = 32;

/// The text of an entry, with holes.
#[derive(Debug)]
pub struct Template {
    format: Format,
    parts: Vec<Part>,
    /// The text behind the last hole.
    rest: Box<[u8]>,
    /// Which values an entry that fits has, and whether it has a time of its own.
    flags: u16,
    is_stamped: bool,
    /// A hole is for a field other than the time.
    has_values: bool,
}

/// A hole and the text before it.
#[derive(Debug)]
struct Part {
    text: Box<[u8]>,
    shape: Shape,
    /// The field of the record that the value is for.
    fills: Option<Fill>,
}

#[derive(Debug)]
struct Fill {
    field: Field,
    rank: u8,
    key: Box<[u8]>,
    is_number: bool,
}

/// What may be in a hole.
#[derive(Debug)]
enum Shape {
    /// Bytes of the same classes as these.
    Masked { example: Box<[u8]>, letters: Letters },
    /// A number with the same number of points (none or one), and this text behind it.
    Number { has_point: bool, unit: Box<[u8]> },
}

/// Which letters differ.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Letters {
    None,
    /// Hexadecimal digits.
    Hex,
    /// Letters of an id, behind its first bytes.
    Behind(usize),
}

/// What an entry that fits has in its holes.
#[derive(Debug)]
pub struct Own<'a> {
    /// The time of the entry, or that of its prefix.
    pub stamp: Option<Stamp>,
    /// Measures and ids.
    pub values: Likeness<'a>,
}

/// A place of an entry that differs.
struct Hole {
    place: Range<usize>,
    shape: Shape,
    fills: Option<Fill>,
}

impl Template {
    /// Learns the template of an entry from the record that was read of it, and from an earlier entry with the same words.
    #[must_use]
    pub fn learn(entry: &[u8], earlier: Option<&[u8]>, record: &Record<'_>) -> Option<Self> {
        if TRACES.iter().any(|field| record.slot(*field) != Value::Null) {
            return None;
        }
        let mut holes = Vec::new();
        for field in VALUES {
            let slot = record.slots.get(field);
            if slot.value != Value::Null {
                holes.push(Hole::of(entry, field, slot)?);
            }
        }
        holes.sort_unstable_by_key(|hole| hole.place.start);
        if let Some(earlier) = earlier {
            let numbers = numbers_that_differ(entry, earlier, &holes)?;
            holes.extend(numbers);
            holes.sort_unstable_by_key(|hole| hole.place.start);
        }
        if holes.len() > HOLES {
            return None;
        }
        let mut parts = Vec::new();
        let mut at = 0;
        for Hole { place, shape, fills } in holes {
            parts.push(Part { text: entry.get(at..place.start)?.into(), shape, fills });
            at = place.end;
        }
        let rest = entry.get(at..)?.into();
        let has_values = parts.iter().filter_map(|part: &Part| part.fills.as_ref()).any(|fill| fill.field != Field::Time);
        let mut template = Self { format: record.format, parts, rest, flags: 0, is_stamped: false, has_values };
        let mut filled = Record::new(template.format, entry, None);
        template.fill(entry, &mut filled)?;
        let (flags, is_stamped) = (filled.own_values().flags, filled.stamp().is_some());
        drop(filled);
        (template.flags, template.is_stamped) = (flags, is_stamped);
        Some(template)
    }

    /// About how many bytes it takes in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let texts: usize = self.parts.iter().map(|part| part.text.len()).sum();
        texts + self.rest.len() + self.parts.len() * size_of::<Part>()
    }

    /// What an entry has in the holes, if it fits. `stamped` is the time in its prefix.
    #[must_use]
    pub fn fit<'a>(&'a self, entry: &'a [u8], stamped: Option<Stamp>) -> Option<Own<'a>> {
        let mut record = Record::new(self.format, entry, None);
        self.fill(entry, &mut record)?;
        // Most entries have nothing of their own but the time.
        let values = if self.has_values { record.own_values() } else { Likeness::default() };
        let mut own = Own { stamp: record.stamp(), values };
        if own.values.flags != self.flags || own.stamp.is_some() != self.is_stamped {
            return None;
        }
        if stamped.is_some() {
            record.stamped = stamped;
            own.stamp = record.stamp();
        }
        Some(own)
    }

    /// Fills a record with what is in the holes. It is not returned, because it is large.
    fn fill<'a>(&'a self, entry: &'a [u8], record: &mut Record<'a>) -> Option<()> {
        let mut rest = entry;
        for part in &self.parts {
            rest = rest.strip_prefix(&*part.text)?;
            let (value, behind) = rest.split_at_checked(part.shape.length_in(rest)?)?;
            if let Some(Fill { field, rank, key, is_number }) = &part.fills {
                let value = if *is_number { Value::Number(value) } else { Value::Text(Raw::plain(value)) };
                record.put(*field, *rank, key, value);
            }
            rest = behind;
        }
        (*rest == *self.rest).then_some(())
    }

    /// An entry that fits, with values that a reader could take for something else: the status of an error, words of trouble. There are
    /// [`Self::VARIATIONS`] of them.
    #[must_use]
    pub fn variation(&self, number: usize) -> Vec<u8> {
        let mut entry = Vec::new();
        for (place, part) in self.parts.iter().enumerate() {
            entry.extend_from_slice(&part.text);
            part.shape.vary(number + place, &mut entry);
        }
        entry.extend_from_slice(&self.rest);
        entry
    }

    /// The number of variations.
    pub const VARIATIONS: usize = 6;
}

/// Where a slice of an entry is in it. `None`: it is not a slice of this entry.
fn place_in(entry: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(entry.as_ptr().addr())?;
    let end = start + part.len();
    (end <= entry.len() && !part.is_empty()).then_some(start..end)
}

impl Hole {
    fn of(entry: &[u8], field: Field, slot: &Slot<'_>) -> Option<Self> {
        let (bytes, is_number) = match slot.value {
            Value::Number(bytes) => (bytes, true),
            Value::Text(Raw { bytes, escapes: Escapes::None }) => (bytes, false),
            _ => return None,
        };
        let place = place_in(entry, bytes)?;
        let fills = Some(Fill { field, rank: slot.rank, key: slot.key.into(), is_number });
        Some(Self { place, shape: Shape::of(field, bytes)?, fills })
    }
}

/// The numbers in which two entries differ, outside of the holes. `None`: they differ in more.
fn numbers_that_differ(entry: &[u8], earlier: &[u8], holes: &[Hole]) -> Option<Vec<Hole>> {
    let mut numbers = Vec::new();
    let mut holes = holes.iter().peekable();
    let (mut at, mut other) = (0, 0);
    while at < entry.len() {
        if let Some(hole) = holes.next_if(|hole| hole.place.start == at) {
            other += hole.shape.length_in(earlier.get(other..)?)?;
            at = hole.place.end;
            continue;
        }
        let end = holes.peek().map_or(entry.len(), |hole| hole.place.start);
        let (here, there) = (entry.get(at..end)?, earlier.get(other..)?);
        let stands_alone = at.checked_sub(1).and_then(|before| entry.get(before)).is_some_and(|before| may_precede(*before));
        match (number_in(here), number_in(there)) {
            (Some((length, has_point)), Some((other_length, other_has_point))) if stands_alone => {
                if here.get(..length) != there.get(..other_length) {
                    if has_point != other_has_point {
                        return None;
                    }
                    let shape = Shape::Number { has_point, unit: Box::default() };
                    numbers.push(Hole { place: at..at + length, shape, fills: None });
                }
                (at, other) = (at + length, other + other_length);
            }
            _ => {
                if here.first() != there.first() {
                    return None;
                }
                (at, other) = (at + 1, other + 1);
            }
        }
    }
    (other == earlier.len()).then_some(numbers)
}

/// Whether a number behind this byte is one of its own, and not a part of a time, a zone, an address, a version or a word.
const fn may_precede(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'=' | b'(' | b'[' | b'#' | b'"' | b'\'' | b'<' | b'>' | b'|')
}

impl Shape {
    fn of(field: Field, value: &[u8]) -> Option<Self> {
        let masked = |letters| Self::Masked { example: value.into(), letters };
        match field {
            Field::Time => Some(masked(Letters::None)),
            Field::RequestId | Field::CallId => letters_of(value).map(masked),
            _ => {
                let (digits, has_point) = number_in(value)?;
                Some(Self::Number { has_point, unit: value.get(digits..)?.into() })
            }
        }
    }

    /// The length of the value at the start of `text`.
    fn length_in(&self, text: &[u8]) -> Option<usize> {
        match self {
            Self::Masked { example, letters } => {
                let value = text.get(..example.len())?;
                letters.agree(example, value).then_some(value.len())
            }
            Self::Number { has_point, unit } => {
                let (digits, point) = number_in(text)?;
                (point == *has_point && text.get(digits..)?.starts_with(unit)).then_some(digits + unit.len())
            }
        }
    }

    fn vary(&self, number: usize, entry: &mut Vec<u8>) {
        /// Statuses, the least number, and a long one.
        const NUMBERS: [&str; Template::VARIATIONS] = ["429", "500", "1", "7654321", "401", "200"];
        let of = |list: [&'static str; Template::VARIATIONS]| list[number % list.len()].as_bytes();
        match self {
            Self::Masked { example, letters: Letters::None } => {
                // The last digits of a time are parts of a second, or seconds.
                let last = of(["29", "00", "01", "42", "17", "33"]);
                let begin = example.iter().rposition(u8::is_ascii_digit).map_or(0, |last| last.saturating_sub(1));
                entry.extend_from_slice(&example[..begin]);
                let digits = example[begin..].iter().zip(last);
                entry.extend(digits.map(|(old, new)| if old.is_ascii_digit() { *new } else { *old }));
                entry.extend_from_slice(example.get(begin + last.len()..).unwrap_or_default());
            }
            Self::Masked { example, letters } => {
                let words = match letters {
                    Letters::Behind(_) => {
                        of(["error429fail", "timeout503x", "Refused401", "0000000000", "abort500", "exception"])
                    }
                    _ => of(["429", "500", "0", "dead", "401fade", "fa11ed"]),
                };
                let mut words = words.iter().cycle();
                let own = example.iter().enumerate().map(|(at, byte)| {
                    let differs = letters.differs(at, *byte);
                    if differs { *words.next().unwrap_or(byte) } else { *byte }
                });
                entry.extend(own);
            }
            Self::Number { has_point, unit } => {
                entry.extend_from_slice(of(NUMBERS));
                entry.extend(repeat_n(b'.', usize::from(*has_point)));
                entry.extend_from_slice(if *has_point { of(["5", "429", "00", "03", "500", "4"]) } else { b"" });
                entry.extend_from_slice(unit);
            }
        }
    }
}

impl Letters {
    /// Whether the byte at a place of an id or a time differs from entry to entry.
    fn differs(self, at: usize, byte: u8) -> bool {
        match self {
            Self::None => byte.is_ascii_digit(),
            Self::Hex => is_hex(byte),
            Self::Behind(begin) => at >= begin && byte.is_ascii_alphanumeric(),
        }
    }

    /// Whether two values are equal but for what differs.
    fn agree(self, example: &[u8], value: &[u8]) -> bool {
        let mut pairs = example.iter().zip(value).enumerate();
        pairs.all(|(at, (old, new))| old == new || self.differs(at, *old) && self.differs(at, *new))
    }
}

/// A hexadecimal digit as ids have them.
fn is_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// Which letters of an id differ. `None`: it is too short to be certain of it.
fn letters_of(id: &[u8]) -> Option<Letters> {
    if id.len() >= ID_BYTES && id.iter().all(|byte| is_hex(*byte) || *byte == b'-') {
        return Some(Letters::Hex);
    }
    let begin = id.iter().rposition(|byte| !byte.is_ascii_alphanumeric()).map_or(0, |mark| mark + 1);
    let digits = id.get(begin..)?.iter().filter(|byte| byte.is_ascii_digit()).count();
    (id.len() >= begin + ID_BYTES && digits > 1).then_some(Letters::Behind(begin))
}

/// The length of the number at the start of a text, and whether it has a point.
fn number_in(text: &[u8]) -> Option<(usize, bool)> {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(text);
    if !(1..=DIGITS).contains(&whole) {
        return None;
    }
    let Some(behind) = text.get(whole..)?.strip_prefix(b".") else { return Some((whole, false)) };
    match digits(behind) {
        0 => Some((whole, false)),
        fraction => (fraction <= DIGITS).then_some((whole + 1 + fraction, true)),
    }
}
