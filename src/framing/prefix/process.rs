//! Tags of processes: `(APIServer pid=1) the line` and `(EngineCore_0 pid=123) …` of vLLM,
//! `(ServeReplica:app:Deployment pid=1, ip=10.0.0.1) …` of Ray.
//!
//! Source: `vllm/utils/system_utils.py` and Ray's `print_to_stdstream`.

use super::envelope::Envelope;
use super::scan::{count, skip_reset, split_number, split_while};

pub(super) fn strip<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    let inside = line.strip_prefix(b"(")?;
    let name =
        count(inside.get(..inside.len().min(128))?, |byte| byte.is_ascii_graphic() && !matches!(byte, b'(' | b')' | b'='));
    let rest = match &inside[name..] {
        rest @ [b' ', ..] => rest.get(1..)?,
        _ if inside.starts_with(b"pid=") => inside,
        _ => return None,
    };
    let (_, rest) = split_number(rest.strip_prefix(b"pid=")?, 10)?;
    let rest = match rest.strip_prefix(b", ip=") {
        Some(rest) => split_while(rest, |byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':')).1,
        None => rest,
    };
    let rest = skip_reset(rest.strip_prefix(b")")?);
    let content = if rest.is_empty() { rest } else { rest.strip_prefix(b" ")? };
    envelope.enter(line.get(..line.len() - rest.len())?);
    Some(content)
}
