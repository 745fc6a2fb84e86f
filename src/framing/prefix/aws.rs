//! `aws logs tail`: `2026-11-20T09:16:51.894000+00:00 STREAM the line`.
//!
//! Source: the detailed format of `tail.py` in aws-cli. A stream's name is known by its form: `2026/11/20/[$LATEST]…` of a
//! Lambda function, `prefix/container/TASK` of a container, or a long number in hexadecimal digits at its end.

use super::envelope::Envelope;
use super::scan::split_word;

pub(super) fn strip<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    if line.get(10) != Some(&b'T') {
        return None;
    }
    let (time, rest) = split_word(line)?;
    if !time.ends_with(b"+00:00") {
        return None;
    }
    let (name, content) = split_word(rest)?;
    let (group, last) = name.split_at(memchr::memrchr(b'/', name)?);
    let instance = &last[1..];
    let lambda = instance.strip_prefix(b"[").and_then(|rest| rest.split(|byte| *byte == b']').nth(1));
    let is_instance = |id: &[u8]| id.len() >= 16 && id.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-');
    if !is_instance(lambda.unwrap_or(instance)) {
        return None;
    }
    envelope.stamp(time)?;
    envelope.enter(name);
    if lambda.is_none() {
        envelope.service = group.rsplit(|byte| *byte == b'/').next().unwrap_or(group);
    }
    Some(content)
}
