//! The values of a record's fields.

#![expect(clippy::inline_always, reason = "one loop over a line: without it the compiler keeps the calls, which costs speed")]

use super::field::Field;
use super::json::Value;
use arrayvec::ArrayVec;

/// More fields than nearly all records have.
const USUAL: usize = 24;

/// The value of one field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot<'a> {
    /// The position of the key among those of the field; the lowest wins.
    pub(super) rank: u8,
    pub(super) value: Value<'a>,
    /// The key of the value. It can name a unit.
    pub(super) key: &'a [u8],
}

impl Slot<'_> {
    pub(super) const EMPTY: Self = Self { rank: u8::MAX, value: Value::Null, key: &[] };
}

/// The values that were found, and where the value of each field is. A record has a third of all fields, and each line is a new record: so
/// there is little to clear and to copy.
#[derive(Clone, Debug)]
pub(super) struct Slots<'a> {
    /// A bit for each field that has a value.
    filled: u64,
    /// For each field an index of `found` and `more` together, or a larger number if it has no value.
    places: [u8; Field::COUNT],
    found: ArrayVec<Slot<'a>, USUAL>,
    more: Vec<Slot<'a>>,
}

impl<'a> Slots<'a> {
    pub(super) fn new() -> Self {
        const { assert!(Field::COUNT <= 64, "a bit for each field") };
        Self { filled: 0, places: [u8::MAX; Field::COUNT], found: ArrayVec::new(), more: Vec::new() }
    }

    #[inline(always)]
    pub(super) fn get(&self, field: Field) -> &Slot<'a> {
        self.at(self.places[field as usize]).unwrap_or(&Slot::EMPTY)
    }

    /// Replaces the value of a field, unless the one it has is of the same or a lower rank.
    #[inline(always)]
    pub(super) fn put(&mut self, field: Field, slot: Slot<'a>) {
        if slot.rank < self.get(field).rank {
            self.set(field, slot);
        }
    }

    /// Replaces the value of a field.
    #[inline(always)]
    pub(super) fn set(&mut self, field: Field, slot: Slot<'a>) {
        let Self { filled, places, found, more } = self;
        let place = &mut places[field as usize];
        let at = usize::from(*place);
        *filled |= 1 << field as u64;
        if let Some(known) = found.get_mut(at) {
            *known = slot;
        } else if let Some(known) = at.checked_sub(USUAL).and_then(|at| more.get_mut(at)) {
            *known = slot;
        } else {
            // There are fewer values than fields, as asserted in `new`.
            *place = u8::try_from(found.len() + more.len()).unwrap_or(u8::MAX);
            if let Err(full) = found.try_push(slot) {
                more.push(full.element());
            }
        }
    }

    #[inline(always)]
    fn at(&self, place: u8) -> Option<&Slot<'a>> {
        let at = usize::from(place);
        self.found.get(at).or_else(|| self.more.get(at.checked_sub(USUAL)?))
    }

    /// A bit for each field that has a value.
    pub(super) const fn filled(&self) -> u64 {
        self.filled
    }

    /// The number of each field that has a value, with the value, in the order of the fields.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u8, &Slot<'a>)> {
        let mut left = self.filled;
        std::iter::from_fn(move || {
            let number = u8::try_from(left.trailing_zeros()).ok()?;
            let place = *self.places.get(usize::from(number))?;
            left &= left - 1;
            Some((number, self.at(place)?))
        })
    }
}
