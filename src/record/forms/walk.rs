//! The values of a line of known form.

use super::findings::{Findings, Found};
use super::learned::Forms;
use super::node::{Node, key_before};
use crate::record::field::{Field, FieldMap};
use crate::record::json::Value;
use crate::record::likeness::is_own;
use crate::record::record::{Format, Record};
use crate::record::slots::Slot;
use crate::time::Stamp;

/// The longest values of one line that another line can repeat, in bytes.
const TELLING_BYTES: usize = 16 << 10;

/// The values of a line of known form that fill fields, in the order of the line.
///
/// Two lines with an equal [`Walk::key`] have the same fields, and the same values in all that are not own: times, ids and measures.
#[derive(Clone, Copy, Debug)]
pub struct Walk<'f, 'a> {
    forms: &'f Forms,
    pub(in crate::record) object: &'a [u8],
}

/// What is known of an entry before it is read.
#[derive(Debug)]
pub(in crate::record) enum Known<'f, 'a> {
    /// Its form: a walk found its values.
    Form(Walk<'f, 'a>),
    /// Nothing: its form may be learned.
    Nothing(&'f mut Forms),
}

/// Where in a line the values are that differ between lines with the same key.
#[derive(Debug, Default)]
pub struct OwnPlaces(Vec<OwnPlace>);

#[derive(Clone, Copy, Debug)]
struct OwnPlace {
    /// The number of the value.
    at: usize,
    field: Field,
    rank: u8,
    key: (u8, u8),
}

impl Forms {
    /// What [`Self::walk`] found in this entry, the latest one.
    #[must_use]
    pub fn found<'a>(&self, entry: &'a [u8]) -> Walk<'_, 'a> {
        Walk { forms: self, object: entry.trim_ascii_start() }
    }
}

impl<'a> Walk<'_, 'a> {
    /// Whether other lines may be like this one: it is not too long, and shows no answer.
    #[must_use]
    pub fn may_repeat(&self) -> bool {
        let Findings { shows_answer, telling, .. } = self.forms.findings;
        !shows_answer && telling <= TELLING_BYTES
    }

    /// Whether a record was read from this line, and not from another entry inside of it.
    #[must_use]
    pub fn is_of(&self, record: &Record<'_>) -> bool {
        std::ptr::eq(self.object, record.raw)
    }

    /// A hash of [`Self::key`].
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.forms.findings.hash
    }

    /// What lines with the same fields and the same telling values have in common.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        let mut key = self.forms.generation.to_le_bytes().to_vec();
        for found in &self.forms.findings.values {
            key.extend(found.head());
            key.extend_from_slice(self.telling(found));
        }
        key
    }

    /// Whether this is the key of the line.
    #[must_use]
    pub fn has_key(&self, key: &[u8]) -> bool {
        let Some(mut rest) = key.strip_prefix(&self.forms.generation.to_le_bytes()) else { return false };
        for found in &self.forms.findings.values {
            let Some(behind) = rest.strip_prefix(&found.head()).and_then(|rest| rest.strip_prefix(self.telling(found))) else {
                return false;
            };
            rest = behind;
        }
        rest.is_empty()
    }

    /// Where what is the line's own is in lines with this key: the time, ids, measures, its place in a trace, and the host that wrote it.
    #[must_use]
    pub fn own_places(&self) -> OwnPlaces {
        let mut places = OwnPlaces::default();
        for (at, found) in self.forms.findings.values.iter().enumerate() {
            let Some(node) = self.node(found).filter(|node| node.has_own) else { continue };
            let fills = node.fills_by(self.value(found)).filter(|(field, _)| is_own(*field) || *field == Field::Host);
            for (field, rank) in fills {
                let place = OwnPlace { at, field, rank, key: node.key };
                match places.0.iter_mut().find(|known| known.field == field) {
                    Some(known) if rank < known.rank => *known = place,
                    Some(_) => {}
                    None => places.0.push(place),
                }
            }
        }
        places
    }

    /// Passes a record of nothing but what is the line's own to `take`. `stamped` is the time in its prefix.
    pub fn own<T>(&self, places: &OwnPlaces, stamped: Option<Stamp>, take: impl FnOnce(&Record<'a>) -> T) -> T {
        let mut record = Record::new(Format::Json, self.object, stamped);
        for OwnPlace { at, field, rank, key } in &places.0 {
            let Some(found) = self.forms.findings.values.get(*at) else { continue };
            let key = key_before(*key, self.object, found.start as usize);
            record.slots.set(*field, Slot { rank: *rank, value: self.value(found), key });
        }
        take(&record)
    }

    /// Fills a record from all values.
    pub(in crate::record) fn fill(&self, map: &FieldMap, record: &mut Record<'a>) {
        record.shows_answer |= self.forms.findings.shows_answer;
        for found in &self.forms.findings.values {
            let Some(node) = self.node(found) else { continue };
            let value = self.value(found);
            for (field, rank) in node.fills_by(value) {
                record.put(field, rank, self.key_of(found, node), value);
            }
            if let (Value::Object(inside), Some(container)) = (value, node.inside) {
                record.scan_named(map, container, inside);
            }
        }
    }

    fn node(&self, found: &Found) -> Option<&Node> {
        self.forms.nodes.get(usize::from(found.node))
    }

    fn key_of(&self, found: &Found, node: &Node) -> &'a [u8] {
        key_before(node.key, self.object, found.start as usize)
    }

    fn value(&self, found: &Found) -> Value<'a> {
        Value::of_parts(found.kind, self.bytes(found))
    }

    fn bytes(&self, found: &Found) -> &'a [u8] {
        let (start, length) = (found.start as usize, found.length as usize);
        self.object.get(start..start + length).unwrap_or_default()
    }

    fn telling(&self, found: &Found) -> &'a [u8] {
        if found.is_own { &[] } else { self.bytes(found) }
    }
}
