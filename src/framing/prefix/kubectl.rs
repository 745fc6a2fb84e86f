//! `kubectl logs --prefix`: `[pod/NAME/CONTAINER] the line`.

use super::envelope::Envelope;
use super::scan::{is_label, skip_reset};

pub(super) fn strip<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    let rest = line.strip_prefix(b"[pod/")?;
    let end = memchr::memchr(b']', rest.get(..rest.len().min(320))?)?;
    let (name, rest) = rest.split_at(end);
    let slash = memchr::memchr(b'/', name)?;
    let (pod, container) = (&name[..slash], &name[slash + 1..]);
    if !pod.split(|byte| *byte == b'.').all(is_label) || !is_label(container) {
        return None;
    }
    let rest = skip_reset(&rest[1..]);
    envelope.enter_service(container);
    envelope.enter(pod);
    envelope.host = pod;
    Some(rest.strip_prefix(b" ").unwrap_or(rest))
}
