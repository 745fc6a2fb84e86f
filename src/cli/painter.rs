//! Paints screens calmly: on a screen of its own, only when something changed, line by line without clearing.

use super::output;
use std::io;

/// Begins a screen of its own, without the cursor.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
/// Shows what was on the terminal before, with the cursor.
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// A screen of its own; when it is dropped, the terminal shows what it showed before.
#[derive(Debug, Default)]
pub(super) struct Painter {
    shown: Option<Vec<String>>,
}

impl Painter {
    /// Shows these lines, one per row.
    pub(super) fn paint(&mut self, lines: Vec<String>) -> io::Result<()> {
        if self.shown.as_ref() == Some(&lines) {
            return Ok(());
        }
        let enter = if self.shown.is_none() { ENTER } else { "" };
        // Each line ends the colours of a cut one and clears the rest of its row.
        let rows: Vec<String> = lines.iter().map(|line| format!("{line}\x1b[0m\x1b[K")).collect();
        self.shown = Some(lines);
        output::print(format!("{enter}\x1b[H{}\x1b[J", rows.join("\r\n")).as_bytes())
    }
}

impl Drop for Painter {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ignored = output::print(LEAVE.as_bytes());
        }
    }
}
