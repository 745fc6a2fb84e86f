//! A table from short keys to values, for looking names of fields up: most are told apart by their length and by their first and
//! last eight bytes, without a look at anything else.

/// A key as two words and a length. Of up to sixteen bytes nothing else is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Digest {
    head: u64,
    tail: u64,
    len: usize,
}

impl Digest {
    /// KeyTable that the two words hold whole.
    const WHOLE: usize = 16;

    #[inline]
    fn of(key: &[u8]) -> Self {
        let len = key.len();
        if let (Some(head), Some(tail)) = (key.first_chunk(), key.last_chunk()) {
            return Self { head: u64::from_le_bytes(*head), tail: u64::from_le_bytes(*tail), len };
        }
        if let (Some(head), Some(tail)) = (key.first_chunk(), key.last_chunk()) {
            return Self { head: u32::from_le_bytes(*head).into(), tail: u32::from_le_bytes(*tail).into(), len };
        }
        Self { head: key.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), tail: 0, len }
    }

    #[inline]
    fn hash(self) -> usize {
        // Any odd number with its bits well mixed; the upper half of the product is the best of it.
        const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
        let word = (self.head ^ self.tail.rotate_left(29) ^ self.len as u64).wrapping_mul(MIX);
        (word >> 32) as usize
    }

    /// Whether one of the bytes is a dot.
    fn has_dot(self, key: &[u8]) -> bool {
        const ONES: u64 = u64::from_ne_bytes([1; 8]);
        const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
        let dots = |word: u64| {
            let word = word ^ (ONES * u64::from(b'.'));
            word.wrapping_sub(ONES) & !word & HIGHS
        };
        if self.len > Self::WHOLE { memchr::memchr(b'.', key).is_some() } else { (dots(self.head) | dots(self.tail)) != 0 }
    }
}

/// A map with open addressing: built once, read for every member of every line.
#[derive(Clone, Debug)]
pub(super) struct KeyTable<T> {
    /// One more than a position in `entries`; 0: nobody's. Its length is a power of two, and at most half of it is taken.
    places: Vec<u16>,
    entries: Vec<(Digest, Box<[u8]>, T)>,
}

impl<T> Default for KeyTable<T> {
    fn default() -> Self {
        Self { places: vec![0; 8], entries: Vec::new() }
    }
}

impl<T: Default> KeyTable<T> {
    /// The value of `key`, made where there is none.
    pub(super) fn entry(&mut self, key: &[u8]) -> &mut T {
        let digest = Digest::of(key);
        let at = match self.find(digest, key) {
            Some(at) => at,
            None => {
                self.entries.push((digest, key.into(), T::default()));
                self.place();
                self.entries.len() - 1
            }
        };
        &mut self.entries[at].2
    }

    fn place(&mut self) {
        if self.entries.len() * 2 > self.places.len() {
            self.places = vec![0; self.places.len() * 2];
        } else {
            return self.put(self.entries.len() - 1);
        }
        (0..self.entries.len()).for_each(|it| self.put(it));
    }

    fn put(&mut self, entry: usize) {
        let mask = self.places.len() - 1;
        let mut at = self.entries[entry].0.hash() & mask;
        while self.places[at] != 0 {
            at = (at + 1) & mask;
        }
        self.places[at] = entry as u16 + 1;
    }
}

impl<T> KeyTable<T> {
    /// The value of `key`.
    #[inline]
    pub(super) fn get(&self, key: &[u8]) -> Option<&T> {
        self.find(Digest::of(key), key).map(|it| &self.entries[it].2)
    }

    /// The value of `key`; where there is none, whether it is a path of several parts.
    #[inline]
    pub(super) fn get_or_dotted(&self, key: &[u8]) -> Result<&T, bool> {
        let digest = Digest::of(key);
        match self.find(digest, key) {
            Some(at) => Ok(&self.entries[at].2),
            None => Err(digest.has_dot(key)),
        }
    }

    #[inline]
    fn find(&self, digest: Digest, key: &[u8]) -> Option<usize> {
        let mask = self.places.len() - 1;
        let mut at = digest.hash() & mask;
        loop {
            let entry = usize::from(*self.places.get(at)?).checked_sub(1)?;
            let (known, spelled, _) = self.entries.get(entry)?;
            if *known == digest && (digest.len <= Digest::WHOLE || **spelled == *key) {
                return Some(entry);
            }
            at = (at + 1) & mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_every_length_are_found_again_and_no_others() {
        let text: String = ('a'..='z').chain('A'..='Z').collect();
        let mut keys = KeyTable::default();
        let all: Vec<&[u8]> =
            (0..=40).flat_map(|len| (0..5).map(move |at| (at, len))).map(|(at, len)| &text.as_bytes()[at..at + len]).collect();
        for (number, key) in all.iter().enumerate() {
            *keys.entry(key) = number;
        }
        for key in &all {
            let last = all.iter().rposition(|it| it == key);
            assert_eq!(keys.get(key).copied(), last, "{key:?}");
            let mut other = key.to_vec();
            for at in 0..key.len() {
                other[at] = b'#';
                assert_eq!(keys.get(&other), None, "{other:?}");
                other[at] = key[at];
            }
        }
    }

    #[test]
    fn a_key_that_is_not_there_may_be_a_path() {
        let keys = KeyTable::<u8>::default();
        for (key, dotted) in
            [("", false), ("a.b", true), ("status", false), ("a_name_of_some_length.x", true), ("err.type", true), (".", true)]
        {
            assert_eq!(keys.get_or_dotted(key.as_bytes()), Err(dotted), "{key}");
        }
    }
}
