//! Text in columns of a terminal: width, padding, cutting and wrapping.
//!
//! A column is what the terminal uses: a Chinese, Japanese or Korean character and most emoji take two, a combining mark
//! takes none, and escape sequences of colours take none.

use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The columns that `text` takes.
pub(super) fn columns(text: &str) -> usize {
    if text.contains('\x1b') {
        return anstream::adapter::strip_str(text).map(UnicodeWidthStr::width).sum();
    }
    text.width()
}

/// `text` with blanks up to `width` columns.
pub(super) fn pad(text: &str, width: usize) -> String {
    format!("{text}{:1$}", "", width.saturating_sub(columns(text)))
}

/// At most `width` columns of `text`; ends with `…` if something was cut.
pub(super) fn cut(text: &str, width: usize) -> Cow<'_, str> {
    if columns(text) <= width {
        return text.into();
    }
    let mut kept = prefix(text, width.saturating_sub(1)).to_owned();
    kept.push('…');
    kept.into()
}

/// The longest beginning of `text` that takes at most `width` columns.
fn prefix(text: &str, width: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, character)| {
        used += character.width().unwrap_or(0);
        used > width
    });
    text.get(..end.map_or(text.len(), |(at, _)| at)).unwrap_or(text)
}

/// Breaks `text` into lines of at most `width` columns; every line after the first starts with `indent` blanks.
///
/// A line breaks at blanks, and also before and after a wide character, because Chinese and Japanese have no blanks. A run of
/// narrow characters that is longer than a line, such as an address, breaks after its last punctuation that fits.
pub(super) fn wrap(text: &str, width: usize, indent: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let mut blank = usize::from(column > 0);
        for piece in pieces(word).flat_map(|piece| parts(piece, width)) {
            let length = piece.width();
            if column > 0 && column + blank + length > width {
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', indent));
                (column, blank) = (0, 0);
            }
            if blank > 0 {
                out.push(' ');
            }
            out.push_str(piece);
            column += blank + length;
            blank = 0;
        }
    }
    out
}

/// Breaks the lines of a table that are wider than `width` at their blanks; the rest of a line starts with `indent` blanks.
pub(super) fn fold(text: &str, width: usize, indent: usize) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut rest = line;
        let mut room = width;
        while columns(rest) > room {
            let fits = prefix(rest, room);
            let lead = rest.len() - rest.trim_start().len();
            let end = fits.rfind(' ').filter(|end| *end > lead).unwrap_or(fits.len());
            let Some((part, left)) = rest.split_at_checked(end).filter(|(part, _)| !part.is_empty()) else { break };
            out.push_str(part.trim_end());
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            (rest, room) = (left.trim_start(), width.saturating_sub(indent).max(1));
        }
        out.push_str(rest);
        out.push('\n');
    }
    out
}

/// The parts of a word between which a line may break: each wide character, and each run of narrow ones.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        let mut characters = rest.char_indices();
        let (_, first) = characters.next()?;
        let wide = |character: char| character.width() == Some(2);
        // A combining mark stays with the character before it.
        let end = if wide(first) {
            characters.find(|(_, character)| character.width() != Some(0))
        } else {
            characters.find(|(_, character)| wide(*character))
        };
        let (piece, left) = rest.split_at(end.map_or(rest.len(), |(at, _)| at));
        rest = left;
        Some(piece)
    })
}

/// Parts of a word that are at most `width` columns each.
fn parts(word: &str, width: usize) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let fits = prefix(rest, width.max(1));
        let break_at = |text: &str| text.rfind(['/', '-', '_', ',', '.', ':', ';', '?', '&', '=']).map(|at| at + 1);
        let end = match fits.len() {
            whole if whole == rest.len() => whole,
            0 => rest.chars().next().map_or(rest.len(), char::len_utf8),
            // A part of less than half a line would waste the rest of the line.
            most => break_at(fits).filter(|end| *end * 2 > most).unwrap_or(most),
        };
        let (part, left) = rest.split_at_checked(end)?;
        rest = left;
        Some(part)
    })
}

/// The end of `text` that takes at most `width` columns; begins with `…` if something was cut: paths differ at their ends.
pub(super) fn cut_start(text: &str, width: usize) -> Cow<'_, str> {
    if columns(text) <= width {
        return text.into();
    }
    let mut used = 1;
    let start = text.char_indices().rev().find(|(_, character)| {
        used += character.width().unwrap_or(0);
        used > width
    });
    let kept = start.and_then(|(at, character)| text.get(at + character.len_utf8()..)).unwrap_or_default();
    format!("…{kept}").into()
}

/// At most `lines` lines of wrapped text; the last one ends with `…` if something was cut.
pub(super) fn wrap_lines(text: &str, width: usize, indent: usize, lines: usize) -> String {
    let wrapped = wrap(text, width, indent);
    let mut kept: Vec<&str> = wrapped.lines().take(lines + 1).collect();
    if kept.len() <= lines {
        return wrapped;
    }
    kept.truncate(lines);
    let line = kept.pop().unwrap_or_default();
    let blanks = line.len() - line.trim_start().len();
    // The next word did not fit; a mark must.
    let last = format!("{}{}", &" ".repeat(blanks), cut(&format!("{} …", line.trim_start()), width));
    kept.push(&last);
    kept.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_character_takes_two_columns() {
        assert_eq!(columns("请求太多"), 8);
        assert_eq!(columns("\x1b[31m429 请求\x1b[0m"), 8);
        assert_eq!(cut("请求太多", 8), "请求太多");
        assert_eq!(cut("请求太多", 7), "请求太…");
        assert_eq!(cut("请求太多", 6), "请求…", "half a character does not fit");
        assert_eq!(pad("请求", 6), "请求  ");
    }

    #[test]
    fn no_line_of_wrapped_text_is_wider_than_asked_for() {
        let check = |text: &str, width: usize, expected: &str| {
            let wrapped = wrap(text, width, 2);
            assert_eq!(wrapped, expected);
            assert!(wrapped.lines().all(|line| columns(line.trim_start()) <= width), "{wrapped}");
        };
        check("one two three", 7, "one two\n  three");
        check("您的账户已达到速率限制,请控制请求频率", 12, "您的账户已达\n  到速率限制,\n  请控制请求频\n  率");
        check("code 1302 速率限制", 11, "code 1302\n  速率限制");
        check("e\u{301}e\u{301}e\u{301} 🚧🚧", 5, "e\u{301}e\u{301}e\u{301}\n  🚧🚧");
    }

    #[test]
    fn a_table_that_is_too_wide_is_folded_at_its_blanks() {
        assert_eq!(fold("  a   b  cc dd\nshort\n", 10, 4), "  a   b\n    cc dd\nshort\n");
        assert_eq!(fold("  abcdefghijkl", 8, 2), "  abcdef\n  ghijkl\n");
        assert_eq!(fold("a b\n", usize::MAX, 4), "a b\n");
    }

    #[test]
    fn a_long_word_breaks_after_punctuation_that_fits() {
        let check = |text: &str, width: usize, expected: &str| assert_eq!(wrap(text, width, 1), expected);
        check("see https://example.com/a/long/path now", 12, "see https://\n example.com/\n a/long/path\n now");
        check("abcdefghij", 4, "abcd\n efgh\n ij");
        check("https://a.example now", 24, "https://a.example now");
    }

    #[test]
    fn a_path_is_cut_at_its_start_and_a_long_text_at_its_end() {
        assert_eq!(cut_start("/var/log/app.log", 8), "…app.log");
        assert_eq!(cut_start("app.log", 8), "app.log");
        assert_eq!(cut_start("日誌/日誌.log", 8), "…誌.log");
        assert_eq!(wrap_lines("one two three four", 9, 1, 2), "one two\n three …");
        assert_eq!(wrap_lines("one two", 9, 1, 2), "one two");
    }
}
