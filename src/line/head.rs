//! The parts of a line of a text log that come before the message.
//!
//! Loggers order them freely: `time LEVEL logger message`, `[LEVEL] [time] [thread] message`, `logger - LEVEL - message`. So
//! the parts are recognised one by one, each by its own shape. Stamps, levels and places in the code are certain. A word or
//! a bracket that could also begin the message (a thread, a process, an id) belongs to the head only if a certain part
//! follows it.

use super::eclipse::EclipseEntry;
use super::entry::is_sdk_line;
use super::level::Level;
use super::search::escape_length;
use super::stamp::{EpochNumber, stamp_length};

/// The parts before the message of an entry, in any order that a text format uses.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Head<'a> {
    pub(crate) stamp: Option<&'a [u8]>,
    pub(crate) level: Level,
    pub(crate) logger: Option<&'a [u8]>,
    /// The offset of the message. 0 if the line has neither stamp nor level.
    pub(crate) length: usize,
    /// The spans before the logger, with their fields.
    pub(crate) spans: &'a [u8],
    /// The logger's name stood alone in brackets: it may be that of a thread.
    logger_is_weak: bool,
}

/// The most parts of a head that are read.
const PARTS: usize = 14;
/// The longest part in brackets, in bytes.
const GROUP_BYTES: usize = 64;
/// The most spans before the logger, and the longest of them and of their names, in bytes.
const SPANS: usize = 32;
const SPAN_BYTES: usize = 4_096;
const SPAN_NAME_BYTES: usize = 96;
/// The first bytes of an access line in which its time is looked for.
const CLIENT_BYTES: usize = 160;

/// What stands at a place of a line.
enum Part {
    /// A part of the head, of this length in bytes.
    Certain(usize),
    /// A part of the head if a certain one follows.
    Possible(usize),
    /// The message.
    Message,
}

impl<'a> Head<'a> {
    /// Reads the head up to the first word that cannot be a part of it.
    pub(crate) fn parse(line: &'a [u8]) -> Self {
        let mut head = Self::default();
        if is_sdk_line(line) {
            return head;
        }
        if let Some(EclipseEntry { plugin, level, stamp }) = EclipseEntry::parse(line) {
            return Self { stamp: Some(stamp), level, logger: Some(plugin), length: line.len(), ..Self::default() };
        }
        let (mut end, mut at) = (0, 0);
        for _ in 0..PARTS {
            at += marks_length(&line[at..], Openers::Stay);
            match head.part(line, at, end) {
                Part::Certain(length) => {
                    at += length;
                    end = at;
                }
                Part::Possible(length) => at += length,
                Part::Message => break,
            }
        }
        if head.is_known() {
            head.length = end + marks_length(&line[end..], Openers::Stay);
        } else {
            head.stamp = stamp_behind_client(line);
        }
        head
    }

    fn is_known(&self) -> bool {
        self.stamp.is_some() || self.level != Level::Unknown
    }

    /// The part at `at`. The head is certain up to `end`.
    fn part(&mut self, line: &'a [u8], at: usize, end: usize) -> Part {
        if self.is_known()
            && at == end_of_marks(line, end)
            && let Some(length) = spans_length(&line[at..])
        {
            self.spans = &line[at..at + length];
            return Part::Certain(length);
        }
        let opened = line.get(at..).and_then(|rest| rest.first()).is_some_and(|b| matches!(b, b'[' | b'(' | b'<' | b'{'));
        let skipped = if opened { marks_length(&line[at..], Openers::Skip) } else { 0 };
        let rest = line.get(at + skipped..).unwrap_or_default();
        if rest.is_empty() {
            return Part::Message;
        }
        let is_next = line[end..at].iter().all(|b| !b.is_ascii_alphanumeric());
        if let Some(length) = self.certain_part(rest, is_next, opened) {
            return if length == 0 { Part::Message } else { Part::Certain(skipped + length) };
        }
        let group = if opened { group_length(&line[at..]) } else { None };
        if opened && group.is_none() {
            return Part::Message;
        }
        let word = &rest[..word_length(rest)];
        let behind = &rest[word.len()..];
        let may_be_logger = is_next || !opened && memchr::memchr(b'.', word).is_some();
        if self.is_known()
            && may_be_logger
            && (self.logger.is_none() || self.logger_is_weak && !opened)
            && is_logger(word, behind)
        {
            (self.logger, self.logger_is_weak) = (Some(word), opened);
            return Part::Certain(skipped + word.len() + code_place_length(behind));
        }
        if let Some(length) = group {
            return Part::Possible(length);
        }
        if is_number(word) || word.len() > 1 && (is_delimited(behind) || is_id(word)) {
            return Part::Possible(word.len());
        }
        Part::Message
    }

    /// The length of the stamp, level or place in the code at the start of `rest`; 0 if a level is the first word of the message.
    fn certain_part(&mut self, rest: &'a [u8], is_next: bool, opened: bool) -> Option<usize> {
        if self.stamp.is_none() {
            if let Some(length) = stamp_length(rest, EpochNumber::Accept) {
                self.stamp = Some(rest[..length].trim_ascii());
                return Some(length);
            }
            if let Some((level, length)) = letter_and_stamp(rest) {
                (self.stamp, self.level) = (Some(rest[1..length].trim_ascii()), level);
                return Some(length);
            }
        }
        if is_next && let Some(length) = kitchen_clock_length(rest) {
            return Some(length);
        }
        if self.level == Level::Unknown
            && let Some(length) = self.level_part(rest, is_next, opened)
        {
            return Some(length);
        }
        let is_process = || {
            let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            digits > 0 && (rest[digits..].starts_with(b"]") || is_next && self.is_known() && rest[digits..].starts_with(b"#"))
        };
        if is_process() {
            return rest.iter().position(|b| !(b.is_ascii_digit() || *b == b'#'));
        }
        if self.is_known() { code_file_length(rest) } else { None }
    }

    fn level_part(&mut self, rest: &'a [u8], is_next: bool, opened: bool) -> Option<usize> {
        let word = &rest[..word_length(rest)];
        let behind = &rest[word.len()..];
        let first = *word.first()?;
        let level = Level::from_word(word);
        if level != Level::Unknown && word.iter().any(u8::is_ascii_alphabetic) {
            let capitals = word.iter().all(u8::is_ascii_uppercase);
            let apart = opened && matches!(behind.trim_ascii_start().first(), Some(b']' | b')' | b'>')) || ends_column(behind);
            if !is_next && !capitals && !apart {
                return None;
            }
            if capitals || apart || first.is_ascii_lowercase() && self.stamp.is_some() {
                self.level = level;
                return Some(word.len());
            }
            // `Error code: 429`: a level, and the first word of the message.
            if first.is_ascii_uppercase() && is_next {
                self.level = level;
                return Some(0);
            }
            return None;
        }
        let capital = |part: &[u8]| Level::from_entry_word(part).filter(|_| part.iter().all(u8::is_ascii_uppercase));
        let split = |mark: u8| memchr::memrchr(mark, word).map(|at| (&word[..at], &word[at + 1..]));
        // `local.ERROR: ` of Monolog, `ERROR/MainProcess]` of Celery, `proxy:error]` of Apache.
        if let Some((channel, name)) = split(b'.')
            && let Some(level) = capital(name)
            && behind.first() == Some(&b':')
        {
            (self.level, self.logger) = (level, Some(channel));
            return Some(word.len());
        }
        if let Some((name, _)) = split(b'/')
            && let Some(level) = capital(name)
        {
            self.level = level;
            return Some(word.len());
        }
        if let Some(name) = behind.strip_prefix(b":").filter(|_| opened) {
            let name = &name[..name.iter().take_while(|b| b.is_ascii_alphanumeric()).count()];
            let level = Level::from_word(name);
            if level != Level::Unknown && behind.get(1 + name.len()) == Some(&b']') && !is_number(name) {
                (self.level, self.logger) = (level, Some(word));
                return Some(word.len() + 1 + name.len());
            }
        }
        // `E, [2026-…` of Ruby, `[E 2026-…` of Tornado, `[E]`.
        let letter = if word.len() == 1 { level_of_letter(first) } else { Level::Unknown };
        let is_set_off = behind.starts_with(b", [") || opened && matches!(behind, [b' ', b'0'..=b'9', ..] | [b']', ..]);
        if letter != Level::Unknown && is_set_off {
            self.level = letter;
            return Some(1 + usize::from(behind.starts_with(b",")));
        }
        None
    }
}

fn end_of_marks(line: &[u8], end: usize) -> usize {
    end + marks_length(&line[end..], Openers::Stay)
}

/// The length of the spans that Rust's `tracing` writes before the logger: `request{id=7}:turn{model="gpt-5"}: `.
fn spans_length(text: &[u8]) -> Option<usize> {
    // Most lines have no brace.
    let mut at = memchr::memchr(b'{', &text[..text.len().min(SPAN_NAME_BYTES)])?;
    let mut begin = 0;
    for _ in 0..SPANS {
        let name = &text[begin..at];
        if name.is_empty() || !name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b':' | b'/')) {
            return None;
        }
        let end = at + fields_length(text.get(at..)?)?;
        match text.get(end..)? {
            [b':', b' ', ..] => return Some(end + 1),
            [b':', rest @ ..] => {
                begin = end + 1;
                let name = rest.iter().position(|b| matches!(b, b'{' | b' '))?;
                if rest[name] == b' ' {
                    // A span without fields is the last one.
                    return rest[..name].ends_with(b":").then_some(begin + name);
                }
                at = begin + name;
            }
            _ => return None,
        }
    }
    None
}

/// The length of `{a=1 b="…"}`, with braces inside of quotes left out.
fn fields_length(text: &[u8]) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.iter().enumerate().take(SPAN_BYTES) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth += 1,
            b'}' if !quoted => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// The length of `9:38PM`, the clock of zerolog's console (Go's `time.Kitchen`). It has no date and no seconds, so it is no stamp.
fn kitchen_clock_length(text: &[u8]) -> Option<usize> {
    let digits = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_digit()).count();
    let hour = Some(digits(text)).filter(|hour| (1..=2).contains(hour))?;
    let [b':', rest @ ..] = text.get(hour..)? else { return None };
    let is_half = matches!(rest.get(2..4), Some(b"AM" | b"PM")) && rest.get(4).is_none_or(|b| *b == b' ');
    (is_half && digits(rest) == 2).then_some(hour + 5)
}

/// `E1103 10:16:18.123456`, as glog and klog write it: the level, and the length in bytes.
fn letter_and_stamp(text: &[u8]) -> Option<(Level, usize)> {
    let (first, rest) = text.split_first()?;
    let level = level_of_letter(*first);
    if level == Level::Unknown || rest.get(..5).is_none_or(|date| !date[..4].iter().all(u8::is_ascii_digit) || date[4] != b' ')
    {
        return None;
    }
    Some((level, 1 + stamp_length(rest, EpochNumber::Accept)?))
}

fn level_of_letter(letter: u8) -> Level {
    match letter {
        b'T' | b'V' | b'D' => Level::Debug,
        b'I' => Level::Info,
        b'W' => Level::Warn,
        b'E' => Level::Error,
        b'F' | b'C' => Level::Fatal,
        _ => Level::Unknown,
    }
}

/// The time in the brackets of an access line: `10.0.0.7 - - [03/Nov/2026:10:16:18 +0000] "POST …`.
fn stamp_behind_client(line: &[u8]) -> Option<&[u8]> {
    let first = &line[..line.len().min(CLIENT_BYTES)];
    memchr::memchr_iter(b'[', first).take(2).find_map(|at| {
        let inside = &line[at + 1..];
        let is_date = inside.first().is_some_and(u8::is_ascii_digit);
        let length = if is_date { stamp_length(inside, EpochNumber::Refuse) } else { None };
        length.filter(|length| inside.get(*length) == Some(&b']')).map(|length| &inside[..length])
    })
}

/// The length of a group in brackets at the start of `text`, with the brackets.
fn group_length(text: &[u8]) -> Option<usize> {
    let close = match text.first()? {
        b'[' => b']',
        b'(' => b')',
        b'{' => b'}',
        _ => b'>',
    };
    let inside = &text[1..text.len().min(GROUP_BYTES)];
    let end = memchr::memchr(close, inside)?;
    let is_flat = !inside[..end].iter().any(|b| matches!(b, b'[' | b'{' | b'"'));
    (is_flat && end > 0).then_some(end + 2)
}

/// The length of `:function:123` (loguru) or `:2101` (LiteLLM) after a logger's name.
fn code_place_length(text: &[u8]) -> usize {
    let mut at = 0;
    for _ in 0..2 {
        let Some(rest) = text.get(at..).and_then(|text| text.strip_prefix(b":")) else { return 0 };
        let word = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'<' | b'>')).count();
        at += 1 + word;
        if word > 0 && rest[..word].iter().all(u8::is_ascii_digit) {
            return at;
        }
    }
    0
}

/// The length of a place in the code, such as `handler/relay.go:232`.
fn code_file_length(text: &[u8]) -> Option<usize> {
    const ENDINGS: [&[u8]; 22] = [
        b"go", b"py", b"js", b"mjs", b"cjs", b"ts", b"tsx", b"rb", b"java", b"kt", b"scala", b"rs", b"cs", b"php", b"ex",
        b"exs", b"erl", b"c", b"cc", b"cpp", b"h", b"swift",
    ];
    let word = &text[..word_length(text)];
    let dot = memchr::memrchr(b'.', word)?;
    let digits = text[word.len()..].strip_prefix(b":")?.iter().take_while(|b| b.is_ascii_digit()).count();
    let end = word.len() + 1 + digits;
    let ends = text.get(end).is_none_or(|b| matches!(b, b' ' | b'\t' | b']' | b')' | b'}' | b'>' | b':'));
    (digits > 0 && ends && ENDINGS.contains(&&word[dot + 1..])).then_some(end)
}

/// What to do with brackets that open.
#[derive(Clone, Copy, PartialEq)]
enum Openers {
    Skip,
    Stay,
}

/// The length of the blanks, brackets, bars, colons, symbols and colours at the start of `text`.
fn marks_length(text: &[u8], openers: Openers) -> usize {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b' ' | b'\t' | b']' | b'|' | b':' | b')' | b'}' => at += 1,
            b'>' if text.get(at + 1) == Some(&b' ') => at += 1,
            b'[' | b'(' | b'<' | b'{' if openers == Openers::Skip => at += 1,
            b'-' if is_dash(&text[at..]) => at += 1,
            0x1b => at += escape_length(&text[at..]).unwrap_or(text.len() - at),
            0x80.. => match symbol_length(&text[at..]) {
                0 => break,
                length => at += length,
            },
            _ => break,
        }
    }
    at
}

/// A dash that separates: `- `, `-- `, `--- `.
fn is_dash(text: &[u8]) -> bool {
    let dashes = text.iter().take_while(|b| **b == b'-').count();
    dashes <= 3 && text.get(dashes) == Some(&b' ')
}

/// The length of a character outside of ASCII that is no letter, such as an arrow or an emoji. 0 for a letter.
fn symbol_length(text: &[u8]) -> usize {
    let chunk = text.get(..4).unwrap_or(text).utf8_chunks().next();
    let character = chunk.and_then(|chunk| chunk.valid().chars().next());
    character.filter(|c| !c.is_alphanumeric()).map_or(0, char::len_utf8)
}

fn word_length(text: &[u8]) -> usize {
    let is_inside = |at: usize, byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'.' | b'_' | b'-' | b'/')
            // An inner class of Java.
            || byte == b'$' && at > 0
            // `tower_http::trace` of Rust
            || byte == b':' && (text.get(at + 1) == Some(&b':') && at > 0 || at > 1 && text[at - 1] == b':')
    };
    text.iter().enumerate().position(|(at, byte)| !is_inside(at, *byte)).unwrap_or(text.len())
}

/// Whether a column of the head ends here.
fn ends_column(behind: &[u8]) -> bool {
    matches!(behind, [b':' | b']' | b'|' | b'\t', ..] | [b' ', b' ' | b'|', ..])
}

/// Whether a word is followed by a mark that separates columns.
fn is_delimited(behind: &[u8]) -> bool {
    matches!(behind, [b' ', b'-' | b'|', b' ', ..] | [b'|' | b'\t', ..])
}

fn is_number(word: &[u8]) -> bool {
    !word.is_empty() && word.len() <= 15 && word.iter().all(u8::is_ascii_digit)
}

/// An id: eight or more hexadecimal digits, maybe in groups.
fn is_id(word: &[u8]) -> bool {
    word.len() >= 8 && word.iter().any(u8::is_ascii_digit) && word.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-')
}

/// Whether a word is the name of a logger: it may have dots, and a mark that separates columns is right after it.
fn is_logger(word: &[u8], behind: &[u8]) -> bool {
    let padding = behind.iter().take_while(|b| **b == b' ').count();
    let is_padded = padding > 0 && behind[padding..].starts_with(b": ") && memchr::memchr(b'.', word).is_some();
    let is_column = matches!(behind, [b'\t', next, ..] if *next != b'{') || matches!(behind, [b'|', ..] | [b' ', b'|', ..]);
    word.len() > 1
        && (word[0].is_ascii_alphabetic() || word[0] == b'_')
        && !is_id(word)
        && (behind.starts_with(b":") || behind.starts_with(b" - ") || behind.starts_with(b"]") || is_padded || is_column)
        && !word.ends_with(b"Error")
        && !word.ends_with(b"Exception")
        && !behind.starts_with(b"://")
}
