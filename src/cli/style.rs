//! How things look: stdout and stderr, widths, numbers, times.

use crate::taxonomy::Owner;
use crate::time::Timestamp;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

/// Writes to standard output.
///
/// # Errors
/// When writing fails; [`is_closed`] tells whether only because the reader has gone.
pub(super) fn print(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text).and_then(|()| out.flush())
}

/// Whether an error only says that the reader of our output has gone.
pub(super) fn is_closed(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

/// Says on stderr what went wrong.
pub(super) fn complain(text: &str) {
    // Nothing is left to tell it to when stderr is gone too.
    let _gone = writeln!(io::stderr(), "llm-triage: {text}");
}

/// What an error of the system says, without its number and in the middle of a sentence.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    // `No such file`, but not `EOF`.
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain([second]).chain(letters).collect(),
        _ => text.to_owned(),
    }
}

/// Columns of the terminal, else 100.
pub(super) fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|it| it.parse().ok());
    columns.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))).unwrap_or(100).clamp(60, 240)
}

/// Colours and bold type, where they can be seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint(bool);

impl Paint {
    /// On a terminal, unless `NO_COLOR` is set.
    pub(super) fn for_stdout() -> Self {
        Self(io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty()))
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.code("1", text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.code("2", text)
    }

    pub(super) fn red(self, text: &str) -> String {
        self.code("31", text)
    }

    pub(super) fn yellow(self, text: &str) -> String {
        self.code("33", text)
    }

    fn code(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Who can settle it, for people: the word that the other formats have, and what it means.
pub(super) fn owner(owner: Owner) -> &'static str {
    match owner {
        Owner::Caller => "caller (our code or request)",
        Owner::Account => "account (its console: keys, billing, limits)",
        Owner::Provider => "provider",
        Owner::Gateway => "gateway",
        Owner::Network => "network",
        Owner::Tool => "tool (the editor, agent or SDK)",
        Owner::Unknown => "unknown",
    }
}

/// `1,234,567`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 line`, `1,234 lines`.
pub(super) fn of(number: u64, what: &str) -> String {
    format!("{} {what}{}", count(number), if number == 1 { "" } else { "s" })
}

/// `12 KB`, `1.0 GB`.
pub(super) fn bytes(number: u64) -> String {
    let mut value = number as f64;
    for unit in ["B", "KB", "MB", "GB"] {
        if value < 1_000.0 {
            return if unit == "B" { format!("{number} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1_000.0;
    }
    format!("{value:.1} TB")
}

/// `45s`, `2m30s`, `3h05m`, `2d4h`.
pub(super) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d{}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// `10:10:11`, with the date in front when `day` says so; UTC.
pub(super) fn clock(at: Timestamp, day: bool) -> String {
    let text = at.to_string();
    let date = text.get(..10).unwrap_or_default();
    let time = text.get(11..19).unwrap_or_default();
    if day { format!("{date} {time}") } else { time.to_owned() }
}

/// `5 %`, `0.3 %`.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 10.0 || percent == 0.0 { format!("{percent:.0} %") } else { format!("{percent:.1} %") }
}

/// What paints a terminal anew with the beginning of a text, and says how many lines are left out and how to see them.
pub(super) fn screen(text: &str, how: &str) -> String {
    let (columns, rows) = terminal_size::terminal_size().map_or((80, 24), |(width, height)| (width.0, height.0));
    format!("\x1b[H\x1b[J{}", upper_part(text, usize::from(columns.max(1)), usize::from(rows), how))
}

/// As many lines as fit, those that the terminal breaks counted as what they take. The last row is the cursor's.
fn upper_part(text: &str, columns: usize, rows: usize, how: &str) -> String {
    let taken = |line: &str| visible(line).div_ceil(columns).max(1);
    let room = rows.saturating_sub(1);
    if text.lines().map(taken).sum::<usize>() <= room {
        return text.to_owned();
    }
    let (mut out, mut used, mut shown) = (String::new(), 1, 0);
    for line in text.lines() {
        used += taken(line);
        if used > room {
            break;
        }
        (out, shown) = (out + line + "\n", shown + 1);
    }
    let more = format!("… {} more; {how}", of((text.lines().count() - shown) as u64, "line"));
    out + &cut(&more, columns) + "\n"
}

/// Characters that take room: those of colours do not.
fn visible(line: &str) -> usize {
    let mut parts = line.split('\x1b');
    let first = parts.next().map_or(0, |it| it.chars().count());
    first + parts.filter_map(|it| it.split_once('m')).map(|(_, it)| it.chars().count()).sum::<usize>()
}

/// Words broken into lines of at most `width` characters, each after the first with `indent` blanks.
pub(super) fn wrap(text: &str, width: usize, indent: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

/// At most `width` characters, with `…` where something was cut.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_shows_what_fits_and_says_how_much_more_there_is() {
        let text = "\x1b[1m1234567890\x1b[0m\n12345678901\n3\n4\n";
        assert_eq!(upper_part(text, 10, 6, "so"), text, "ten characters are one row, eleven are two");
        assert_eq!(upper_part(text, 10, 5, "so"), "\x1b[1m1234567890\x1b[0m\n12345678901\n… 2 lines…\n");
        assert_eq!(upper_part(text, 40, 3, "so"), "\x1b[1m1234567890\x1b[0m\n… 3 lines more; so\n");
    }
}
