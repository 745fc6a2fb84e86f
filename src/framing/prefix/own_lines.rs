//! Lines that a carrier writes itself, between those of the applications.

use super::actions;
use super::compose::service_of;
use super::scan::{is_name, split_number, split_while};

/// A line of the carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnLine<'a> {
    /// The lines that follow are of this file.
    File(&'a [u8]),
    /// Nothing that a record could say.
    Note,
}

/// What kubectl writes about the containers that it follows.
const KUBECTL: [&[u8]; 9] = [
    b"Error from server (",
    b"error: You must be logged in to the server",
    b"error: unexpected EOF",
    b"error: stream error: ",
    b"error: http2: ",
    b"unable to retrieve container logs for ",
    b"failed to try resolving symlinks in path ",
    b"failed to create fsnotify watcher: ",
    b"Defaulted container \"",
];
/// What journalctl writes between entries.
const JOURNALCTL: [&[u8]; 5] =
    [b"-- Boot ", b"-- Reboot --", b"-- Journal begins at ", b"-- Logs begin at ", b"-- No entries --"];

/// Whether a carrier wrote this line. The first byte decides for nearly every line.
pub(super) fn read(line: &[u8]) -> Option<OwnLine<'_>> {
    let is_note = match line.first()? {
        b'=' => return Some(OwnLine::File(line.strip_prefix(b"==> ")?.strip_suffix(b" <==")?)),
        b'#' | b'[' => actions::is_own(line),
        b'-' => JOURNALCTL.iter().any(|start| line.starts_with(start)),
        b'E' | b'e' | b'u' | b'f' | b'D' if KUBECTL.iter().any(|start| line.starts_with(start)) => true,
        byte if byte.is_ascii_alphanumeric() => is_exit(line),
        _ => false,
    };
    is_note.then_some(OwnLine::Note)
}

/// `web-1 exited with code 1` of Compose, with ` (restarting)` too.
fn is_exit(line: &[u8]) -> bool {
    let (name, rest) = split_while(line, is_name);
    let Some((_, rest)) = rest.strip_prefix(b" exited with code ").and_then(|rest| split_number(rest, 3)) else { return false };
    service_of(name).len() < name.len() && matches!(rest, b"" | b" (restarting)")
}
