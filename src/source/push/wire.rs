//! The wire format of Protocol Buffers: a message is a sequence of numbered fields.
//!
//! Source: <https://protobuf.dev/programming-guides/encoding/>. Nothing is copied and nothing is allocated, so that the memory
//! that a message takes is that of its bytes.

/// The bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// The value of a field, as its wire type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// A number: a varint, or 4 or 8 bytes.
    Number(u64),
    /// A text, bytes, or a message.
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    pub(super) fn bytes(self) -> Result<&'a [u8], Malformed> {
        if let Self::Bytes(bytes) = self { Ok(bytes) } else { Err(Malformed) }
    }

    pub(super) fn number(self) -> Result<u64, Malformed> {
        if let Self::Number(number) = self { Ok(number) } else { Err(Malformed) }
    }
}

/// The fields of a message, in the order of its bytes.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self(message)
    }

    /// The messages, texts or bytes in a repeated field.
    pub(super) fn all(message: &'a [u8], number: u32) -> impl Iterator<Item = Result<&'a [u8], Malformed>> {
        Self(message).filter_map(move |field| match field {
            Ok((found, value)) => (found == number).then(|| value.bytes()),
            Err(Malformed) => Some(Err(Malformed)),
        })
    }

    /// The last message, text or bytes in a field.
    pub(super) fn last(message: &'a [u8], number: u32) -> Result<Option<&'a [u8]>, Malformed> {
        Self::all(message, number).try_fold(None, |_, bytes| bytes.map(Some))
    }

    fn field(&mut self) -> Result<(u32, Value<'a>), Malformed> {
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| Malformed)?;
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => Value::Number(u64::from_le_bytes(self.fixed()?)),
            2 => {
                let len = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
                Value::Bytes(self.take(len)?)
            }
            5 => Value::Number(u32::from_le_bytes(self.fixed()?).into()),
            // Groups are obsolete, and no message that we read has any.
            _ => return Err(Malformed),
        };
        if number == 0 { Err(Malformed) } else { Ok((number, value)) }
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let (first, rest) = self.0.split_first().ok_or(Malformed)?;
            self.0 = rest;
            number |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wire_type_is_read_and_every_cut_message_is_refused() {
        // The examples of the documentation: 1: 150, 2: "testing"; a fixed number of each width behind them.
        let message = b"\x08\x96\x01\x12\x07testing\x1d\x01\0\0\0\x21\x02\0\0\0\0\0\0\0";
        let fields: Vec<_> = Fields::new(message).collect::<Result<_, _>>().expect("well-formed");
        let number = Value::Number;
        assert_eq!(fields, [(1, number(150)), (2, Value::Bytes(b"testing")), (3, number(1)), (4, number(2))]);
        let boundaries = [0, 3, 12, 17, 26];
        for cut in 0..message.len() {
            let read: Result<Vec<_>, _> = Fields::new(&message[..cut]).collect();
            assert_eq!(read.is_ok(), boundaries.contains(&cut), "{cut}");
        }
        for bad in
            [&b"\x0b\x0c"[..], b"\0\x01", b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x12\xff\xff\xff\xff\x0f"]
        {
            assert!(Fields::new(bad).any(|field| field.is_err()), "{bad:?}");
        }
    }
}
