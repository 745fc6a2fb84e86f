//! UTF-16, as Windows programs write it: with a byte order mark at its start.

/// How the characters of a stream are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, or something that is read as if it were.
    #[default]
    Utf8,
    /// UTF-16, the low byte of a unit first.
    Utf16Le,
    /// UTF-16, the high byte of a unit first.
    Utf16Be,
}

impl Encoding {
    /// The encoding that the first two bytes of a stream mark.
    #[must_use]
    pub fn of_start(bytes: &[u8]) -> Self {
        match bytes {
            [0xff, 0xfe, ..] => Self::Utf16Le,
            [0xfe, 0xff, ..] => Self::Utf16Be,
            _ => Self::Utf8,
        }
    }

    /// The two bytes of a newline in UTF-16.
    pub(super) fn newline(self) -> [u8; 2] {
        if self == Self::Utf16Be { *b"\0\n" } else { *b"\n\0" }
    }

    /// The text of whole units. What is no character becomes a replacement character.
    pub(super) fn decode(self, bytes: &[u8]) -> String {
        let unit = |pair: &[u8]| match *pair {
            [high, low] if self == Self::Utf16Be => u16::from_be_bytes([high, low]),
            [low, high] => u16::from_le_bytes([low, high]),
            _ => u16::from(b'?'),
        };
        let characters = char::decode_utf16(bytes.chunks_exact(2).map(unit));
        characters.map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    }

    /// The offset behind the last newline in `bytes`, which are those of a file from the offset `from` on.
    #[must_use]
    pub fn behind_last_newline(self, bytes: &[u8], from: u64) -> Option<usize> {
        if self == Self::Utf8 {
            return memchr::memrchr(b'\n', bytes).map(|at| at + 1);
        }
        let newline = self.newline();
        let first = usize::from(from % 2 == 1);
        let mut units = bytes.get(first..)?.chunks_exact(2);
        units.rposition(|unit| *unit == newline).map(|at| first + at * 2 + 2)
    }
}
