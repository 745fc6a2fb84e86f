//! The prefix of CRI runtimes: `2026-11-20T09:16:51.894123456Z stderr F the line`. With `P` instead of `F`, the line
//! continues in the next one.
//!
//! Source: the CRI logging format, <https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md>.

use super::envelope::Envelope;
use super::scan::split_word;

pub(super) fn strip<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    if line.get(10) != Some(&b'T') {
        return None;
    }
    let (time, rest) = split_word(line)?;
    let (output, rest) = split_word(rest)?;
    if !matches!(output, b"stdout" | b"stderr") {
        return None;
    }
    let (tags, content) = split_word(rest).unwrap_or((rest, &[]));
    let partial = match tags.split(|b| *b == b':').next()? {
        b"P" => true,
        b"F" => false,
        _ => return None,
    };
    envelope.stamp(time)?;
    envelope.partial = partial;
    envelope.enter(output);
    Some(content)
}
