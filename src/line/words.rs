//! A fixed list of words that are looked for together, in one pass over a text.

use super::search::rank;

/// Pairs of neighbouring bytes; letters that differ only in case share a pair.
const PAIRS: usize = 1 << 10;

/// Words of at least two bytes, ready to be looked for. Built by the compiler.
///
/// Of each word the rarest pair of neighbouring bytes is known, and a text is searched for these pairs. So the cost depends on the text, and
/// hardly on the number of words.
pub(crate) struct WordList<const N: usize> {
    words: [&'static str; N],
    /// For each pair, the first word that is looked for by it, counted from 1; 0: none.
    first: [u8; PAIRS],
    /// For each word, the next word with the same pair, counted from 1; 0: none.
    next: [u8; N],
    /// Where in each word its pair is.
    offset: [u8; N],
}

impl<const N: usize> WordList<N> {
    /// For at most 255 words of 2 to 255 bytes.
    #[expect(clippy::cast_possible_truncation, reason = "as the assertions say")]
    pub(crate) const fn new(words: [&'static str; N]) -> Self {
        assert!(N < 256, "positions are bytes");
        let (mut first, mut next, mut offset) = ([0; PAIRS], [0; N], [0; N]);
        // Backwards, so that words with the same pair are tried in the order of the list.
        let mut word = N;
        while word > 0 {
            word -= 1;
            let bytes = words[word].as_bytes();
            assert!(bytes.len() >= 2 && bytes.len() < 256, "a word has 2 to 255 bytes");
            let rarest = rarest_pair(bytes);
            let pair = pair(bytes[rarest], bytes[rarest + 1]);
            next[word] = first[pair];
            first[pair] = word as u8 + 1;
            offset[word] = rarest as u8;
        }
        Self { words, first, next, offset }
    }

    /// Whether a text contains one of the words, byte by byte.
    pub(crate) fn is_in(&self, text: impl AsRef<[u8]>) -> bool {
        let text = text.as_ref();
        self.any(text, |word, at| text[at..].starts_with(word.as_bytes()))
    }

    /// Whether a text contains one of the words; the case of ASCII letters does not matter.
    pub(crate) fn is_in_folded(&self, text: impl AsRef<[u8]>) -> bool {
        self.any_folded(text.as_ref(), |_, _| true)
    }

    /// Whether `accepts` takes one of the words in a text, in any case of ASCII letters. It gets the word and its place.
    pub(crate) fn any_folded(&self, text: &[u8], mut accepts: impl FnMut(&'static str, usize) -> bool) -> bool {
        self.any(text, |word, at| {
            text.get(at..at + word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word.as_bytes())) && accepts(word, at)
        })
    }

    /// Whether `accepts` takes one of the places where a word may begin.
    #[inline]
    fn any(&self, text: &[u8], mut accepts: impl FnMut(&'static str, usize) -> bool) -> bool {
        for (place, bytes) in text.windows(2).enumerate() {
            let mut candidate = self.first[pair(bytes[0], bytes[1])];
            while candidate != 0 {
                let word = usize::from(candidate) - 1;
                if let Some(at) = place.checked_sub(usize::from(self.offset[word]))
                    && accepts(self.words[word], at)
                {
                    return true;
                }
                candidate = self.next[word];
            }
        }
        false
    }
}

/// The number of a pair. A small and a capital letter differ in one bit that is left out.
const fn pair(first: u8, second: u8) -> usize {
    (first as usize & 31) << 5 | (second as usize & 31)
}

const fn rarest_pair(word: &[u8]) -> usize {
    let (mut rarest, mut at) = (0, 1);
    while at + 1 < word.len() {
        if frequency(word, at) < frequency(word, rarest) {
            rarest = at;
        }
        at += 1;
    }
    rarest
}

const fn frequency(word: &[u8], at: usize) -> u32 {
    (rank(word[at].to_ascii_lowercase()) as u32 + 1) * (rank(word[at + 1].to_ascii_lowercase()) as u32 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WORDS: [&str; 9] = ["ab", "abc", "bca", "timed out", "Error", "无效", "rr", "c_a", " a "];
    static LIST: WordList<9> = WordList::new(WORDS);

    proptest! {
        #[test]
        fn words_are_found_where_the_library_finds_them(text in "([abcABC_ ]|无|效|timed |out|rr){0,20}") {
            prop_assert_eq!(LIST.is_in(&text), WORDS.iter().any(|word| text.contains(word)));
            let (lower, words) = (text.to_ascii_lowercase(), WORDS.map(str::to_ascii_lowercase));
            prop_assert_eq!(LIST.is_in_folded(&text), words.iter().any(|word| lower.contains(word)));
            let mut found = Vec::new();
            LIST.any_folded(text.as_bytes(), |word, at| {
                found.push((at, word.to_ascii_lowercase()));
                false
            });
            let places = words.iter().flat_map(|word| {
                (0..lower.len()).filter(|at| lower.as_bytes()[*at..].starts_with(word.as_bytes())).map(|at| (at, word.clone()))
            });
            let mut expected: Vec<_> = places.collect();
            found.sort();
            expected.sort();
            prop_assert_eq!(found, expected);
        }
    }
}
