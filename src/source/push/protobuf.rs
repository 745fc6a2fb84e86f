//! Messages of Protocol Buffers as the JSON that OTLP defines for them: ids are hexadecimal, 64-bit numbers are texts.

use super::lines::Sink;
use super::refusal::Refusal;
use super::wire::{Fields, Malformed, Value};

/// Messages within messages beyond this depth are refused.
const MAX_DEPTH: usize = 32;
/// No field that we read has a greater number.
const MAX_NUMBER: usize = 16;

/// How a field is written.
#[derive(Debug)]
pub(super) enum Kind {
    Text,
    /// Bytes in hexadecimal: the ids of OTLP.
    Hex,
    Base64,
    Bool,
    /// 32 bits or less.
    Number,
    /// 64 bits.
    Unsigned,
    /// 64 bits.
    Signed,
    Double,
    Message(&'static Message),
    Messages(&'static Message),
}

/// The fields of a message that are read, in the order in which they are written: number, name, kind.
#[derive(Debug)]
pub(super) struct Message(pub(super) &'static [(u32, &'static str, Kind)]);

/// Writes a message as an object.
pub(super) fn write(bytes: &[u8], message: &Message, out: &mut Sink, depth: usize) -> Result<(), Refusal> {
    if depth > MAX_DEPTH {
        return Err(Malformed.into());
    }
    let mut last = [None; MAX_NUMBER + 1];
    for field in Fields::new(bytes) {
        let (number, value) = field?;
        if let Some(slot) = usize::try_from(number).ok().and_then(|number| last.get_mut(number)) {
            *slot = Some(value);
        }
    }
    let mut separator: &[u8] = b"{\"";
    for (number, name, kind) in message.0 {
        let Some(value) = usize::try_from(*number).ok().and_then(|number| *last.get(number)?) else { continue };
        out.put(separator)?;
        separator = b",\"";
        out.put(name.as_bytes())?;
        out.put(b"\":")?;
        match kind {
            Kind::Message(inner) => write(value.bytes()?, inner, out, depth + 1)?,
            Kind::Messages(inner) => write_all(bytes, *number, inner, out, depth)?,
            _ => write_scalar(value, kind, out)?,
        }
    }
    out.put(if separator == b"{\"" { b"{}" } else { b"}" })
}

fn write_all(bytes: &[u8], number: u32, message: &Message, out: &mut Sink, depth: usize) -> Result<(), Refusal> {
    out.put(b"[")?;
    for (index, item) in Fields::all(bytes, number).enumerate() {
        if index > 0 {
            out.put(b",")?;
        }
        write(item?, message, out, depth + 1)?;
    }
    out.put(b"]")
}

fn write_scalar(value: Value<'_>, kind: &Kind, out: &mut Sink) -> Result<(), Refusal> {
    match kind {
        Kind::Text => out.text(value.bytes()?),
        Kind::Hex => write_hex(value.bytes()?, out),
        Kind::Base64 => write_base64(value.bytes()?, out),
        Kind::Bool => out.put(if value.number()? == 0 { b"false" } else { b"true" }),
        Kind::Number => out.put(value.number()?.to_string().as_bytes()),
        Kind::Unsigned => out.put(format!("\"{}\"", value.number()?).as_bytes()),
        Kind::Signed => out.put(format!("\"{}\"", value.number()?.cast_signed()).as_bytes()),
        Kind::Double => write_double(f64::from_bits(value.number()?), out),
        Kind::Message(_) | Kind::Messages(_) => Ok(()),
    }
}

fn write_double(number: f64, out: &mut Sink) -> Result<(), Refusal> {
    // JSON has no numbers for these.
    let text = if number.is_finite() { serde_json::json!(number).to_string() } else { format!("\"{number}\"") };
    out.put(text.as_bytes())
}

fn write_hex(bytes: &[u8], out: &mut Sink) -> Result<(), Refusal> {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    out.put(b"\"")?;
    for byte in bytes {
        let digit = |half: u8| DIGITS.get(usize::from(half)).copied().unwrap_or_default();
        out.put(&[digit(byte >> 4), digit(byte & 15)])?;
    }
    out.put(b"\"")
}

fn write_base64(bytes: &[u8], out: &mut Sink) -> Result<(), Refusal> {
    const DIGITS: [u8; 64] = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    out.put(b"\"")?;
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - group.len()));
        let digit = |place: usize| DIGITS.get(bits >> (18 - 6 * place) & 63).copied().unwrap_or_default();
        let mut digits = [digit(0), digit(1), digit(2), digit(3)];
        digits.iter_mut().skip(group.len() + 1).for_each(|digit| *digit = b'=');
        out.put(&digits)?;
    }
    out.put(b"\"")
}
