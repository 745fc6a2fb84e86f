//! Characters that a reader does not see, or that command a terminal, are made visible.
//!
//! A log line chooses its own request id, model and message. An escape sequence in one of them can write to the reader's
//! clipboard, a bidirectional control shows the rest of the line backwards, and an invisible character hides text. This file owns the
//! one rule for terminals, pages, chats, labels, verdicts and our own log: such a character is written as its number, `\u{202e}`.
//! Where a script or an emoji needs an invisible character, the character stays. Markup of chats and of Markdown is left to the
//! files that write it.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text on one line, with every control character and invisible character as its number.
///
/// Text that is clean already is borrowed, and a text that was cleaned once stays the same.
///
/// ```
/// use llm_triage::redact::clean;
/// assert_eq!(clean("req\u{1b}[2J \u{202e}gpj.exe"), r"req\u{1b}[2J \u{202e}gpj.exe");
/// assert_eq!(clean("请求太多 👩‍💻 été"), "请求太多 👩‍💻 été");
/// ```
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    replace(text, Lines::One, |out, c| {
        let _infallible = write!(out, "{}", c.escape_unicode());
    })
}

/// [`clean`] for a text of several lines: newlines stay.
#[must_use]
pub fn clean_lines(text: &str) -> Cow<'_, str> {
    replace(text, Lines::Many, |out, c| {
        let _infallible = write!(out, "{}", c.escape_unicode());
    })
}

/// [`clean_lines`] for JSON that is written already: the numbers are escapes of JSON, so the value is the same.
#[must_use]
pub fn clean_json(text: &str) -> Cow<'_, str> {
    replace(text, Lines::Many, |out, c| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _infallible = write!(out, "\\u{unit:04x}");
        }
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    One,
    Many,
}

fn replace(text: &str, lines: Lines, write: impl Fn(&mut String, char)) -> Cow<'_, str> {
    // No early end inside a chunk, so that the compiler looks at many bytes at once.
    let is_plain = |chunk: &[u8]| chunk.iter().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'));
    if text.as_bytes().chunks(64).all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let (mut copied, mut before) = (0, None);
    let mut rest = text.char_indices();
    while let Some((at, c)) = rest.next() {
        let after = rest.as_str().chars().next();
        let hides = is_hidden(c) && !(c == '\n' && lines == Lines::Many) && !is_needed(before, c, after);
        if hides {
            out.push_str(text.get(copied..at).unwrap_or_default());
            write(&mut out, c);
            copied = at + c.len_utf8();
        }
        // After a hidden character, no other one is needed.
        before = (!hides).then_some(c);
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

/// Control characters, bidirectional controls, and the characters that Unicode calls ignorable: a reader sees nothing of them.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            u32::from(c),
            // Soft hyphen, grapheme joiner, Arabic letter mark, Hangul fillers, Khmer inherent vowels, Mongolian selectors.
            0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f
            // Zero width, marks of direction, separators of lines, embeddings, word joiner, isolates.
            | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f
            // Hangul fillers, variation selectors, byte order mark, annotations, controls of shorthand and music.
            | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a
            // Tags and variation selectors.
            | 0xe0000..=0xe0fff
        )
}

/// Whether a script or an emoji needs this invisible character between its neighbours. Each is needed only once: a run of them hides
/// text.
fn is_needed(before: Option<char>, c: char, after: Option<char>) -> bool {
    let Some(before) = before else { return false };
    match u32::from(c) {
        // The zero width joiner makes one emoji of two.
        0x200d if after.is_some_and(is_emoji) => is_emoji(before) || before == EMOJI_STYLE,
        // Arabic, Persian and Indic words need the joiner and the non-joiner between two letters.
        0x200c | 0x200d => joins_letters(before) && after.is_some_and(joins_letters),
        0x180b..=0x180d | 0x180f => matches!(u32::from(before), 0x1820..=0x18aa),
        0xfe0e..=0xfe0f => is_emoji(before) || is_keycap(before) && after == Some('\u{20e3}'),
        0xfe00..=0xfe02 | 0xe0100..=0xe01ef => is_ideograph(before),
        _ => false,
    }
}

/// Asks for the coloured form of an emoji.
const EMOJI_STYLE: char = '\u{fe0f}';

fn is_emoji(c: char) -> bool {
    matches!(
        u32::from(c),
        0xa9 | 0xae | 0x203c | 0x2049 | 0x2122 | 0x2139 | 0x2194..=0x21aa | 0x231a..=0x23ff | 0x24c2 | 0x25aa..=0x27bf
            | 0x2934..=0x2935 | 0x2b05..=0x2b55 | 0x3030 | 0x303d | 0x3297 | 0x3299 | 0x1f000..=0x1faff
    )
}

fn is_keycap(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '#' | '*')
}

fn joins_letters(c: char) -> bool {
    let is_joining_script = matches!(
        u32::from(c),
        0x600..=0x8ff | 0x900..=0xdff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x1800..=0x18af | 0xa840..=0xa87f
            | 0xfb50..=0xfdff | 0xfe70..=0xfefc | 0x1e900..=0x1e95f
    );
    is_joining_script && !is_hidden(c)
}

fn is_ideograph(c: char) -> bool {
    matches!(u32::from(c), 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3fffd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reader_does_not_see_is_written_as_its_number() {
        for (text, shown) in [
            ("r\u{1b}]52;c;ZXZpbA==\u{7}", r"r\u{1b}]52;c;ZXZpbA==\u{7}"),
            ("\u{9b}2J\u{7f}\0", r"\u{9b}2J\u{7f}\u{0}"),
            ("a\nb\tc\rd", r"a\u{a}b\u{9}c\u{d}d"),
            ("\u{202e}gpj\u{2066}x\u{2069}\u{200e}\u{61c}", r"\u{202e}gpj\u{2066}x\u{2069}\u{200e}\u{61c}"),
            ("o\u{200b}penai \u{feff}g\u{ad}pt\u{2060}", r"o\u{200b}penai \u{feff}g\u{ad}pt\u{2060}"),
            ("a\u{e0068}\u{e0069}", r"a\u{e0068}\u{e0069}"),
            ("a\u{fe00}\u{e0100}", r"a\u{fe00}\u{e0100}"),
            ("😀\u{fe0f}\u{e0148}\u{fe01}", "😀\u{fe0f}\\u{e0148}\\u{fe01}"),
            ("gpt\u{200d}5 \u{200c}", r"gpt\u{200d}5 \u{200c}"),
            ("👩\u{200d}\u{200d}💻", r"👩\u{200d}\u{200d}💻"),
            ("5\u{fe0f}", r"5\u{fe0f}"),
            ("\u{2028}\u{3164}\u{115f}", r"\u{2028}\u{3164}\u{115f}"),
        ] {
            assert_eq!(clean(text), shown);
            assert_eq!(clean(&clean(text)), shown, "cleaned twice");
        }
    }

    #[test]
    fn text_of_every_language_stays() {
        for text in [
            "",
            "req_011CVx",
            "gpt-5 at 100 %",
            "请求太多,请稍后再试",
            "レート制限",
            "요청이 너무 많습니다",
            "تم تجاوز الحد",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "מכסה",
            "déjà e\u{301}",
            "👩\u{200d}💻 ❤\u{fe0f}\u{200d}🔥 1\u{fe0f}\u{20e3} 🇩🇪 👍🏽",
            "葛\u{e0100}",
            "a\u{a0}b → “quoted” …",
        ] {
            assert!(matches!(clean(text), Cow::Borrowed(same) if same == text), "{text:?} became {:?}", clean(text));
        }
    }

    #[test]
    fn several_lines_stay_and_json_keeps_its_value() {
        assert_eq!(clean_lines("a\nb\rc"), "a\nb\\u{d}c");
        let json = "{\"path\":\"\u{202e}\u{e0041}\"}\n";
        let shown = clean_json(json);
        assert_eq!(shown, "{\"path\":\"\\u202e\\udb40\\udc41\"}\n");
        let values: [serde_json::Value; 2] = [json, &*shown].map(|text| serde_json::from_str(text).expect("JSON"));
        assert_eq!(values[0], values[1]);
    }
}
