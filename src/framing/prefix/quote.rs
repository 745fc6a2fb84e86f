//! The mark of a quoted line in Markdown: `> the line`. Chat histories (aider's `.aider.chat.history.md`) and mails hold logs so.
//!
//! The frame that loguru marks, `> File "…`, is no quote.

use super::envelope::Envelope;

pub(super) fn strip<'a>(line: &'a [u8], _: &mut Envelope<'a>) -> Option<&'a [u8]> {
    match line.strip_prefix(b"> ") {
        Some(rest) => (!rest.starts_with(b"File \"")).then_some(rest),
        None => (line == b">").then_some(b""),
    }
}
