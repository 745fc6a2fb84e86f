//! A progress line on standard error while large inputs are read.

use super::format;
use super::input::Input;
use std::io::{self, IsTerminal, Write};

/// How many bytes are read, as a line on the terminal.
pub(super) struct Progress {
    enabled: bool,
    /// Bytes to read; `None` if unknown.
    total: Option<u64>,
    done: u64,
    shown_at: u64,
}

impl Progress {
    /// Smaller inputs finish before a progress line helps, in bytes.
    const MIN_BYTES: u64 = 200 << 20;
    /// The line is updated after this many bytes.
    const STEP_BYTES: u64 = 16 << 20;

    /// `quiet_command`: the command prints nothing while it reads, so the line cannot mix with its output.
    pub(super) fn new(inputs: &[Input], quiet_command: bool) -> Self {
        let total: Option<u64> = inputs.iter().map(Input::size).sum();
        let on_terminal = io::stderr().is_terminal() && (quiet_command || !io::stdout().is_terminal());
        let enabled = on_terminal && total.is_none_or(|bytes| bytes > Self::MIN_BYTES);
        Self { enabled, total, done: 0, shown_at: 0 }
    }

    pub(super) fn add(&mut self, bytes: u64) {
        self.done += bytes;
        let is_large = self.total.is_some() || self.done > Self::MIN_BYTES;
        if !self.enabled || !is_large || self.done < self.shown_at + Self::STEP_BYTES {
            return;
        }
        self.shown_at = self.done;
        let done = format::bytes(self.done);
        let _ignored = match self.total {
            Some(total) => {
                let percent = self.done.saturating_mul(100) / total.max(1);
                write!(io::stderr(), "\r\x1b[Kreading: {done}, {} % of {}", percent.min(100), format::bytes(total))
            }
            None => write!(io::stderr(), "\r\x1b[Kreading: {done}"),
        };
    }

    /// Removes the line.
    pub(super) fn finish(&self) {
        if self.shown_at > 0 {
            let _ignored = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
