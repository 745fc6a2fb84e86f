//! stern: `POD CONTAINER the line`, before it the namespace if stern follows several.
//!
//! Source: the default template in stern's `cmd.go`. Without colours, only the names that controllers give to pods
//! distinguish this from ordinary words: `web-7d9f5c8b4-x2x4z` of a Deployment, `agent-x2x4z` of a DaemonSet or Job, and
//! `web-0` of a `StatefulSet` if the container has the same name.

use super::envelope::Envelope;
use super::scan::{is_label, split_while, split_word};

/// What Kubernetes makes random parts of names from: no vowels, and no digits that look like letters.
const RANDOM: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

pub(super) fn strip<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    let (first, rest) = split_word(line)?;
    let (second, content) = split_word(rest)?;
    if !is_label(first) || !is_label(second) {
        return None;
    }
    if is_pod(first) || is_replica_of(first, second) {
        enter(envelope, first, second);
        return Some(content);
    }
    let (third, content) = split_word(content)?;
    if is_label(third) && (is_pod(second) || is_replica_of(second, third)) {
        enter(envelope, second, third);
        envelope.namespace = first;
        return Some(content);
    }
    None
}

/// Each name is in a colour of its own, so it needs no certain form.
pub(super) fn strip_coloured<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    let (first, rest) = coloured(line)?;
    let (second, rest) = coloured(rest)?;
    let (names, content) = match coloured(rest) {
        Some((third, content)) if is_pod(second) || !is_pod(first) => ([first, second, third], content),
        _ => ([b"", first, second], rest),
    };
    let [namespace, pod, container] = names;
    enter(envelope, pod, container);
    envelope.namespace = namespace;
    Some(content)
}

fn enter<'a>(envelope: &mut Envelope<'a>, pod: &'a [u8], container: &'a [u8]) {
    envelope.enter_service(container);
    envelope.enter(pod);
    envelope.host = pod;
}

/// A name in a colour, the end of the colour, and a blank.
fn coloured(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (codes, rest) = split_while(text.strip_prefix(b"\x1b[")?, |byte| byte.is_ascii_digit() || byte == b';');
    let (name, rest) = split_while(rest.strip_prefix(b"m")?, |byte| byte != 0x1b && byte != b' ');
    let (_, rest) = split_while(rest.strip_prefix(b"\x1b[")?, |byte| byte.is_ascii_digit() || byte == b';');
    let rest = rest.strip_prefix(b"m ")?;
    (!codes.is_empty() && is_label(name)).then_some((name, rest))
}

/// Whether a name ends like that of a pod of a Deployment, DaemonSet or Job.
fn is_pod(name: &[u8]) -> bool {
    let mut parts = name.rsplitn(3, |byte| *byte == b'-');
    let (Some(random), Some(hash)) = (parts.next(), parts.next()) else { return false };
    if random.len() != 5 {
        return false;
    }
    let is_mixed = |text: &[u8]| text.iter().any(u8::is_ascii_digit) && text.iter().any(u8::is_ascii_alphabetic);
    random.iter().all(|byte| RANDOM.contains(byte))
        || parts.next().is_some() && (6..=10).contains(&hash.len()) && is_mixed(hash)
}

/// `web-0` with the container `web`.
fn is_replica_of(pod: &[u8], container: &[u8]) -> bool {
    let rest = pod.strip_prefix(container).and_then(|rest| rest.strip_prefix(b"-"));
    rest.is_some_and(|number| (1..=3).contains(&number.len()) && number.iter().all(u8::is_ascii_digit))
}
