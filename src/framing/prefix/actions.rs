//! GitHub Actions: the commands of its log (`##[error]the line`), and `gh run view --log`, which puts job and step before
//! each line: `build<TAB>Run tests<TAB>2026-11-20T09:16:51.8941234Z the line`.

use super::envelope::Envelope;
use crate::line::Level;

/// `##[error]the line`.
pub(super) fn strip<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    let rest = line.strip_prefix(b"##[")?;
    let (command, content) = rest.split_at(memchr::memchr(b']', rest.get(..rest.len().min(16))?)?);
    envelope.level = match command {
        b"error" => Level::Error,
        b"warning" => Level::Warn,
        b"notice" => Level::Info,
        b"debug" => Level::Debug,
        _ => return None,
    };
    Some(&content[1..])
}

/// What the runner writes itself: groups, the commands that it runs, its own messages.
pub(super) fn is_own(line: &[u8]) -> bool {
    [&b"##[group]"[..], b"##[endgroup]", b"##[section]", b"##[command]", b"[command]/"]
        .iter()
        .any(|start| line.starts_with(start))
}

/// Job and step, each before a tab.
pub(super) fn strip_job<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    let mut tabs = memchr::memchr_iter(b'\t', line.get(..line.len().min(256))?);
    let (job, step) = (tabs.next()?, tabs.next()?);
    let content = line.get(step + 1..)?;
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let is_time = content.get(10) == Some(&b'T') && content.get(19) == Some(&b'.') && content.get(27) == Some(&b'Z');
    if !is_time {
        return None;
    }
    envelope.enter(line.get(..job)?);
    Some(content)
}
