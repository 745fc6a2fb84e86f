//! The terminal: its size, its colours, and repainting it.

use anstream::{AutoStream, ColorChoice};
use std::io::{self, IsTerminal};

/// The columns to write to: `$COLUMNS`, else those of the terminal, else 100; from 40 to 240.
pub(super) fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    columns.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))).unwrap_or(100).clamp(40, 240)
}

/// The longest line to print where each line is one item: another program gets whole lines, unless `$COLUMNS` is set.
pub(super) fn line_limit() -> usize {
    if io::stdout().is_terminal() || std::env::var_os("COLUMNS").is_some() { width() } else { usize::MAX }
}

/// Adds colours and bold type to text, if standard output shows them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Styles {
    enabled: bool,
}

impl Styles {
    /// Enabled on a terminal, unless the environment says otherwise: `NO_COLOR`, `CLICOLOR_FORCE`, `TERM=dumb`.
    pub(super) fn for_stdout() -> Self {
        Self { enabled: AutoStream::choice(&io::stdout()) != ColorChoice::Never }
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    pub(super) fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    pub(super) fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.enabled { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Sets whether standard output and standard error get colours, instead of what the terminal and the environment say.
pub(super) fn set_colors(enabled: bool) {
    if enabled { ColorChoice::Always } else { ColorChoice::Never }.write_global();
}

/// The columns and rows of the terminal.
pub(super) fn size() -> (usize, usize) {
    let (columns, rows) = terminal_size::terminal_size().map_or((80, 24), |(width, height)| (width.0, height.0));
    (usize::from(columns.max(1)), usize::from(rows.max(2)))
}
