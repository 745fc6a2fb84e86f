//! Whether a line of a text log begins an entry: with a clock, a level, a tag, an address, or a key of logfmt.
//!
//! A head may have its parts in any order and brackets, so the test looks for one part that only a head has. What the parts
//! say is read by [`super::head`].

use super::eclipse::EclipseEntry;
use super::level::Level;
use super::search::skip_colours;
use super::stamp::{EpochNumber, stamp_length};

/// The first bytes of a line in which the level is looked for.
const HEAD_BYTES: usize = 160;
/// The most words before the clock of a head: tags, a level, a process id, the parts of a date.
const WORDS_BEFORE_CLOCK: usize = 7;

/// The level of the entry that `line` begins, [`Level::Unknown`] if it names none. `None` if `line` begins no entry.
pub(crate) fn entry_level(line: &[u8]) -> Option<Level> {
    let line = skip_colours(line);
    match line.first()? {
        b' ' => indented_level(line),
        b'\t' => None,
        b'!' => EclipseEntry::parse(line).map(|entry| entry.level),
        b'<' => tag_level(line).or_else(|| begins_with_clock(line).then(|| first_level(line))),
        byte if byte.is_ascii() => head_level(line),
        _ => symbol_level(line).filter(|(_, behind)| begins_head(behind)).map(|(level, behind)| level.max(first_level(behind))),
    }
}

/// The level of a line that a program prints for people, with a symbol at its start: `✖ request failed`, ` ⨯ Error: …`. It begins
/// an entry, but has no head of a logger.
pub(crate) fn symbol_entry_level(line: &[u8]) -> Option<Level> {
    let line = skip_colours(line);
    let line = line.strip_prefix(b" ").unwrap_or(line);
    if line.first()?.is_ascii() {
        return None;
    }
    symbol_level(line).map(|(level, _)| level)
}

/// `           ERROR    Request failed   app.py:31`: rich omits the time if it equals that of the line above, and pads the
/// level to a column.
fn has_padded_level(line: &[u8]) -> bool {
    let blanks = line.iter().take_while(|b| **b == b' ').count();
    let word = line[blanks..].iter().take_while(|b| b.is_ascii_uppercase()).count();
    let gap = line.get(blanks + word..blanks + 9);
    let padded = gap.is_some_and(|gap| !gap.is_empty() && gap.iter().all(|b| *b == b' '));
    let is_level = || Level::from_entry_word(&line[blanks..blanks + word]).is_some();
    blanks >= 8 && (4..=8).contains(&word) && padded && is_level()
}

/// A line of openai-node or of Anthropic's SDK: `[log_7037f9] post https://… failed with status 502 in 11ms`.
pub(crate) fn is_sdk_line(line: &[u8]) -> bool {
    line.starts_with(b"[log_")
}

/// The level of a head that does not begin at the first column: a level padded to a column, `  2026-11-03T10:16:18Z ERROR …` of
/// Rust's `tracing`, ` ERROR  …` of consola, ` GET /api/chat 500 in 12ms` of Next.js.
fn indented_level(line: &[u8]) -> Option<Level> {
    const METHODS: [&[u8]; 7] = [b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"HEAD", b"OPTIONS"];
    let blanks = line.iter().take_while(|b| **b == b' ').count();
    let rest = skip_colours(&line[blanks..]);
    let first = *rest.first()?;
    if blanks <= 4 && first.is_ascii_digit() {
        let stamp = rest.get(4) == Some(&b'-') && stamp_length(rest, EpochNumber::Refuse).is_some();
        return stamp.then(|| first_level(rest)).filter(|level| *level != Level::Unknown);
    }
    if blanks == 1 && first.is_ascii_uppercase() {
        let word = rest.iter().take_while(|b| b.is_ascii_uppercase()).count();
        let (word, behind) = rest.split_at(word);
        if behind.starts_with(b" /") && METHODS.contains(&word) {
            return Some(Level::Unknown);
        }
        let is_badge = behind.starts_with(b" ") || behind.starts_with(b"\x1b[");
        return is_badge.then(|| Level::from_entry_word(word)).flatten();
    }
    has_padded_level(line).then(|| first_level(line))
}

fn head_level(line: &[u8]) -> Option<Level> {
    if begins_head(line) {
        return Some(klog_level(line).unwrap_or_else(|| first_level(line)));
    }
    tag_level(line)
}

fn begins_head(line: &[u8]) -> bool {
    let inner = line.strip_prefix(b"[").unwrap_or(line);
    let Some(first) = inner.first() else { return false };
    is_sdk_line(line)
        || inner.starts_with(b"GIN] ")
        || first.is_ascii_digit() && (stamp_length(inner, EpochNumber::Refuse).is_some() || begins_with_client(inner))
        || begins_with_logfmt_key(line)
        || begins_with_level(inner)
        || begins_with_clock(line)
}

/// `127.0.0.1 - - [` of an access log, `127.0.0.1:5555 - "POST …` of uvicorn.
fn begins_with_client(line: &[u8]) -> bool {
    let address = line.iter().take_while(|b| b.is_ascii_digit() || matches!(b, b'.' | b':')).count();
    address >= 7 && line[address..].starts_with(b" - ")
}

fn begins_with_logfmt_key(line: &[u8]) -> bool {
    const KEYS: [&[u8]; 8] = [b"time=", b"ts=", b"t=", b"at=", b"level=", b"lvl=", b"timestamp=", b"msg="];
    KEYS.iter().any(|key| line.starts_with(key))
}

/// `ERROR: …`, `[info] …`, `WARN  …`, `error - …` of Next.js, `fail: Category[0]` of .NET.
fn begins_with_level(line: &[u8]) -> bool {
    let length = line.iter().take(13).take_while(|b| b.is_ascii_alphabetic()).count();
    let (word, rest) = line.split_at(length);
    let Some(first) = word.first() else { return false };
    if length == 4 && rest.first() == Some(&b'[') {
        return is_of_logrus(word, rest);
    }
    if Level::from_entry_word(word).is_none() {
        return length == 4 && rest.starts_with(b": ") && dotnet_level(word).is_some() && ends_with_event_id(rest);
    }
    let marks: &[&[u8]] = if first.is_ascii_uppercase() { &[b":", b"]", b"\t", b" "] } else { &[b": ", b"  ", b"]", b" - "] };
    marks.iter().any(|mark| rest.starts_with(mark))
}

/// `ERRO[0005] request failed`: the level in four letters and the seconds since the start, as logrus writes on a terminal.
fn is_of_logrus(word: &[u8], rest: &[u8]) -> bool {
    let is_clock = matches!(rest, [b'[', clock @ ..] if clock.iter().take_while(|b| b.is_ascii_digit()).count() >= 4
        && clock.iter().find(|b| !b.is_ascii_digit()) == Some(&b']'));
    is_clock && word.iter().all(u8::is_ascii_uppercase) && Level::from_word(word) != Level::Unknown
}

/// The words of .NET's console logger, which are no words of ordinary loggers.
pub(crate) fn dotnet_level(word: &[u8]) -> Option<Level> {
    match word {
        b"trce" | b"dbug" => Some(Level::Debug),
        b"fail" => Some(Level::Error),
        b"crit" => Some(Level::Fatal),
        _ => None,
    }
}

/// `: Microsoft.Hosting.Lifetime[14]`: the category and the id of the event, alone or before the message.
fn ends_with_event_id(text: &[u8]) -> bool {
    let Some(open) = memchr::memchr(b'[', text) else { return false };
    let digits = text[open + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
    digits > 0 && text.get(open + 1 + digits) == Some(&b']') && !text[2..open].contains(&b' ')
}

/// `E1103 10:16:18.123456`: klog puts the first letter of the level before the month and day.
fn klog_level(line: &[u8]) -> Option<Level> {
    let (letter, rest) = line.split_first()?;
    let is_date = rest.get(..5).is_some_and(|date| date[4] == b' ' && date[..4].iter().all(u8::is_ascii_digit));
    is_date.then(|| letter_level(*letter)).flatten()
}

fn letter_level(letter: u8) -> Option<Level> {
    match letter {
        b'D' | b'T' | b'V' => Some(Level::Debug),
        b'I' => Some(Level::Info),
        b'W' => Some(Level::Warn),
        b'E' => Some(Level::Error),
        b'F' | b'C' => Some(Level::Fatal),
        _ => None,
    }
}

/// The level in a tag at the start of the line: `[ERR]`, `[llm/error]`, `(warn)`, `<error>`, `[E]`; also behind tags without a
/// level.
fn tag_level(line: &[u8]) -> Option<Level> {
    let mut rest = line;
    for _ in 0..3 {
        let close = match rest.first()? {
            b'[' => b']',
            b'(' => b')',
            b'<' => b'>',
            _ => return None,
        };
        let length = rest.iter().take(48).position(|b| *b == close)?;
        let (tag, behind) = (rest.get(1..length)?, rest.get(length + 1..)?);
        if !matches!(behind.first(), Some(b' ' | b'[' | b'(' | b':' | b'\t' | 0x1b)) {
            return None;
        }
        if let Some(level) = level_in_tag(tag) {
            return Some(level);
        }
        rest = skip_colours(behind.trim_ascii_start());
    }
    None
}

fn level_in_tag(tag: &[u8]) -> Option<Level> {
    if let [letter] = tag {
        return letter_level(*letter);
    }
    let words =
        tag.split(|b| matches!(b, b' ' | b'/' | b':' | b'|' | b',')).filter(|word| word.iter().all(u8::is_ascii_alphabetic));
    let mut levels = words.map(Level::from_word).filter(|level| *level != Level::Unknown);
    levels.next()
}

/// Whether a head with a time of day begins here: only tags, levels, numbers, dates and names of months and days come before it.
fn begins_with_clock(line: &[u8]) -> bool {
    let mut rest = line;
    for _ in 0..WORDS_BEFORE_CLOCK {
        let marks = rest.iter().take_while(|b| is_mark(**b)).count();
        let in_brackets = rest[..marks].iter().any(|b| matches!(b, b'[' | b'(' | b'<'));
        rest = skip_colours(&rest[marks..]);
        let length = rest.iter().position(|b| is_mark(*b) || *b == 0x1b).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(length);
        if is_clock(word) {
            return true;
        }
        let is_tag = in_brackets && matches!(behind.first(), Some(b']' | b')' | b'>'));
        if !(is_tag || may_precede_clock(word)) {
            return false;
        }
        rest = behind;
    }
    false
}

fn is_mark(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'[' | b']' | b'(' | b')' | b'<' | b'>' | b'|' | b',')
}

/// A word with digits first and `:00`, two digits behind a colon, in it: `10:16:18.123`, `9:01PM`, `03/Nov/2026:10:16:18`.
fn is_clock(word: &[u8]) -> bool {
    if !word.first().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    let end = |byte: Option<&u8>| byte.is_none_or(|b| matches!(b, b':' | b'A' | b'P' | b'Z'));
    memchr::memchr_iter(b':', word).any(|at| {
        let before = at.checked_sub(1).and_then(|at| word.get(at)).is_some_and(u8::is_ascii_digit);
        let behind = word.get(at + 1..at + 3).is_some_and(|minute| minute.iter().all(u8::is_ascii_digit));
        before && behind && end(word.get(at + 3))
    })
}

/// A level, a number, a date, a day or month, one capital letter, or a `-` between parts.
fn may_precede_clock(word: &[u8]) -> bool {
    let Some((first, rest)) = word.split_first() else { return false };
    let is_date = |word: &[u8]| word.iter().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'/' | b'.'));
    match first {
        b'0'..=b'9' => {
            is_date(rest) || rest.split(|b| matches!(b, b'-' | b'/')).all(|part| is_date(part) || is_month_or_day(part))
        }
        b'-' => rest.is_empty(),
        b'A'..=b'Z' => rest.is_empty() || is_date(rest) || is_month_or_day(word) || Level::from_entry_word(word).is_some(),
        _ => false,
    }
}

fn is_month_or_day(word: &[u8]) -> bool {
    const NAMES: [&[u8; 3]; 19] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec", b"Mon", b"Tue", b"Wed",
        b"Thu", b"Fri", b"Sat", b"Sun",
    ];
    NAMES.iter().any(|name| word == name.as_slice())
}

/// The level of the symbol at the start of a line, and what is behind it.
fn symbol_level(line: &[u8]) -> Option<(Level, &[u8])> {
    const SYMBOLS: [(&str, Level); 22] = [
        ("❌", Level::Error),
        ("✖", Level::Error),
        ("✘", Level::Error),
        ("✗", Level::Error),
        ("⨯", Level::Error),
        ("×", Level::Error),
        ("⛔", Level::Error),
        ("🚨", Level::Error),
        ("💥", Level::Error),
        ("🔴", Level::Error),
        ("⚠", Level::Warn),
        ("🟡", Level::Warn),
        ("✅", Level::Info),
        ("✔", Level::Info),
        ("✓", Level::Info),
        ("ℹ", Level::Info),
        ("🟢", Level::Info),
        ("○", Level::Info),
        ("▲", Level::Info),
        ("◐", Level::Info),
        ("🚀", Level::Info),
        ("🔄", Level::Info),
    ];
    let (symbol, level) = SYMBOLS.iter().find(|(symbol, _)| line.starts_with(symbol.as_bytes()))?;
    let behind = &line[symbol.len()..];
    let behind = behind.strip_prefix("\u{fe0f}".as_bytes()).unwrap_or(behind);
    let is_apart = matches!(behind.first(), Some(b' ' | b'\t' | 0x1b));
    is_apart.then(|| (*level, skip_colours(behind.trim_ascii_start())))
}

/// The first level that the head of a line names, as a word of its own.
fn first_level(line: &[u8]) -> Level {
    let mut rest = &line[..line.len().min(HEAD_BYTES)];
    while let Some(begin) = rest.iter().position(u8::is_ascii_alphabetic) {
        rest = &rest[begin..];
        let (word, behind) = rest.split_at(rest.iter().position(|b| !b.is_ascii_alphabetic()).unwrap_or(rest.len()));
        if let Some(level) = Level::from_entry_word(word) {
            return level;
        }
        rest = behind;
    }
    dotnet_level(&line[..line.len().min(4)]).unwrap_or_default()
}
