//! `name-1  | the line`: `docker compose logs` and `up`, `docker service logs`, honcho's and overmind's relatives without a
//! time, and `supervisor-stdout` (`name stdout | the line`).
//!
//! Source: the log formatter of docker/compose pads the names to one column more than the longest one, so at least two
//! blanks stand before the bar, and one stands after it.

use super::envelope::Envelope;
use super::scan::{count, is_name, skip_reset, split_while};
use crate::line::Level;

/// Compose cuts no names, and Docker allows longer ones, but they are not in use.
const MAX_NAME: usize = 80;

pub(super) fn strip<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    let (name, rest) = split_while(line, |byte| is_name(byte) || byte == b'@');
    if !(2..=MAX_NAME).contains(&name.len()) {
        return None;
    }
    let (output, rest) = match rest {
        [b' ', b'|', ..] => (None, rest),
        _ => supervised(rest).unwrap_or((None, rest)),
    };
    let blanks = count(rest, |byte| byte == b' ');
    let service = service_of(name);
    let is_padded = blanks >= 2 && (service.len() < name.len() || is_plain_name(name));
    if !(is_padded || blanks == 1 && output.is_some()) {
        return None;
    }
    let rest = skip_reset(rest.get(blanks..)?.strip_prefix(b"|")?);
    let content = match rest.first() {
        Some(b' ') => rest.get(1..)?,
        // An empty line without its last blank.
        None => rest,
        Some(_) => return None,
    };
    envelope.enter_service(service);
    envelope.enter(name);
    if let Some(output) = output {
        envelope.enter(output);
    }
    Some(skip_reset(content))
}

/// ` stdout` or ` stderr` behind the name.
fn supervised(rest: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let rest = rest.strip_prefix(b" ")?;
    let (output, behind) = rest.split_at_checked(6)?;
    matches!(output, b"stdout" | b"stderr").then_some((Some(output), behind))
}

/// The service of a container: without the number of the replica, and without the task and node of a swarm.
pub(super) fn service_of(name: &[u8]) -> &[u8] {
    let in_swarm = name.contains(&b'@');
    if in_swarm {
        let mut parts = name.split(|byte| *byte == b'.');
        return parts.next().filter(|service| !service.is_empty()).unwrap_or(name);
    }
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (service, number) = name.split_at(name.len() - digits);
    match service {
        [service @ .., b'-' | b'_'] if !number.is_empty() && !service.is_empty() => service,
        _ => name,
    }
}

/// Whether a name without a number may be one: not a level, and not the dotted name of a logger. Loggers pad those too.
fn is_plain_name(name: &[u8]) -> bool {
    name.iter().any(u8::is_ascii_lowercase) && !name.contains(&b'.') && Level::from_word(name) == Level::Unknown
}
