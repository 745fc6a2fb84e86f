//! `podman-compose logs`: `[service] | the line`, the name in a colour on a terminal.
//!
//! Source: `podman_compose.py` of containers/podman-compose, which writes the name in brackets and a bar before each line.

use super::envelope::Envelope;
use super::scan::{is_name, skip_reset, split_while};
use crate::line::Level;

const MAX_NAME: usize = 80;

pub(super) fn strip<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    let (name, rest) = split_while(line.strip_prefix(b"[")?, is_name);
    let rest = skip_reset(rest.strip_prefix(b"]")?.strip_prefix(b" |")?);
    let content = match rest.first() {
        Some(b' ') => rest.get(1..)?,
        None => rest,
        Some(_) => return None,
    };
    // A level in brackets with a bar behind it is a logger's head.
    let is_service = (1..=MAX_NAME).contains(&name.len()) && name.iter().any(u8::is_ascii_lowercase);
    if !is_service || Level::from_word(name) != Level::Unknown {
        return None;
    }
    envelope.enter_service(name);
    Some(skip_reset(content))
}
