//! Colours of a terminal that were written out as text: `^[[31m` of `cat -v`, `#033[31m` of rsyslog, `\x1b[31m` of a quoted string,
//! `ESC[31m` and `␛[31m` of a page, and `[31m … [0m`, where a form has dropped the escape character.

use std::borrow::Cow;

/// How the escape character is written.
const ESCAPES: [&[u8]; 9] = [b"#033", b"^[", b"\\x1b", b"\\x1B", b"\\u001b", b"\\033", b"\\e", b"ESC", "\u{241b}".as_bytes()];
/// The first bytes of a line among which its first colour is: a head has it, if a line has one.
const HEAD_BYTES: usize = 64;
/// The longest list of codes, as in `38;2;255;100;0`.
const CODES_BYTES: usize = 18;

/// The line without such colours.
pub(super) fn strip(line: &[u8]) -> Cow<'_, [u8]> {
    // The strings of a JSON object are decoded where they are read.
    if line.first() == Some(&b'{') || !begins_coloured(line) {
        return Cow::Borrowed(line);
    }
    let mut out = Vec::with_capacity(line.len());
    let mut from = 0;
    for at in memchr::memchr_iter(b'[', line) {
        if let Some((start, end)) = colour_at(line, at)
            && start >= from
        {
            out.extend_from_slice(&line[from..start]);
            from = end;
        }
    }
    out.extend_from_slice(&line[from..]);
    Cow::Owned(out)
}

/// Whether a colour stands in the head of the line. One without an escape counts if the line resets it.
fn begins_coloured(line: &[u8]) -> bool {
    let head = &line[..line.len().min(HEAD_BYTES)];
    memchr::memchr_iter(b'[', head).any(|at| colour_at(line, at).is_some_and(|(start, end)| start < at || resets(&line[end..])))
}

/// Where the colour begins and ends with the bracket `at`.
fn colour_at(line: &[u8], at: usize) -> Option<(usize, usize)> {
    let codes = line.get(at + 1..)?;
    let length = codes.iter().take(CODES_BYTES).take_while(|b| b.is_ascii_digit() || **b == b';').count();
    let is_colour = codes.get(length) == Some(&b'm') && (length == 0 || codes[0].is_ascii_digit());
    // A real escape character is left to those that read the line.
    let before = line.get(..at).filter(|before| before.last() != Some(&0x1b))?;
    let escape = ESCAPES.iter().find(|escape| before.ends_with(escape)).map_or(0, |escape| escape.len());
    (is_colour && (escape > 0 || length > 0)).then_some((at - escape, at + length + 2))
}

/// Whether a text ends a colour: `[0m`, `[39m`, `[22m`.
fn resets(text: &[u8]) -> bool {
    const RESETS: [&[u8]; 4] = [b"[0m", b"[39m", b"[22m", b"[49m"];
    memchr::memchr_iter(b'[', text).any(|at| RESETS.iter().any(|reset| text[at..].starts_with(reset)))
}
