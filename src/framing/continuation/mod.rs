//! Whether a line continues the event before it, decided by the shape of the line.
//!
//! A line that begins an entry of its own is never a continuation. For any other line, the kinds of continuation are asked in
//! the order of [`KINDS`]; the first one that recognises the line decides. Adding a kind is a file and a line in that list.

mod block;
mod braces;
mod exception;
mod excerpt;
mod html;
mod indented;
mod message;
mod notebook;
mod opening;
mod panel;
mod relayed;
mod shape;
mod stack;
mod traceback;
mod wrapped;

pub(super) use shape::Continuation;

use crate::line::{Level, begins_exception, contains, is_sdk_line, skip_colours, symbol_entry_level};
use shape::{Section, Step};

/// One kind of continuation: what it makes of a line, given the event so far and whether the line follows a blank one.
type Kind = fn(&mut Continuation, &[u8], bool) -> Step;

/// The kinds in the order in which they are asked.
const KINDS: [Kind; 11] = [
    traceback::step,
    notebook::step,
    indented::step,
    html::step,
    excerpt::step,
    panel::step,
    stack::step,
    block::step,
    braces::step,
    exception::step,
    message::step,
];

/// The shape of an event that begins with this line. `level` is what the line says with its head, `None` if it has
/// none.
pub(super) fn of_first(line: &[u8], level: Option<Level>) -> Continuation {
    let line = skip_colours(line);
    let mut shape = Continuation::new(level);
    let fails = level.or_else(|| symbol_entry_level(line)).is_some_and(|level| level >= Level::Warn);
    // Whether a quiet line announces an exception is asked only if a line without a head follows.
    shape.calm = if shape.headed { shape.quiet } else { !traceback::may_precede(line) };
    shape.fails = fails || !shape.headed && begins_exception(line);
    if !(traceback::open(&mut shape, line) || notebook::open(&mut shape, line) || panel::open(&mut shape, line)) {
        exception::open(&mut shape, line);
        stack::open(&mut shape, line);
        block::open(&mut shape, line);
        relayed::open(&mut shape, line);
        excerpt::open(&mut shape, line);
        opening::note(&mut shape, line);
        wrapped::open(&mut shape, line);
    }
    // Below a line of an SDK or of an HTTP client, only what that line opens belongs to it; the rest is the application's.
    shape.done |= is_sdk_line(line) || is_exchange(line);
    shape
}

/// What continues an event: the shape of the event with the line added, and how many bytes of the line repeat the event's head.
pub(super) struct Joined {
    pub(super) shape: Continuation,
    pub(super) repeated: usize,
}

/// Whether `line` continues the event with this shape. `first` is the event's first line, empty if it was emitted; `level` is
/// what the line says with its head, `None` if it has none.
pub(super) fn joined(
    mut shape: Continuation,
    first: &[u8],
    (line, level): (&[u8], Option<Level>),
    after_blank: bool,
) -> Option<Joined> {
    let mut repeated = 0;
    if excerpt::names_error(&shape, line) {
        (shape.section, shape.stack) = (Section::None, true);
        return Some(Joined { shape, repeated });
    }
    if level.is_some() || symbol_entry_level(line).is_some() && !stack::is_item(first, line) {
        repeated = relayed::head_length(&mut shape, first, line)?;
    } else if let Some(length) = relayed::tag_length(first, line) {
        repeated = relayed::belonging(&shape, line, length)?;
    }
    let content = skip_colours(line.get(repeated..)?);
    if shape.quiet && shape.calm {
        shape.calm = !announces(first);
    }
    if wrapped::follows(std::mem::take(&mut shape.wrapped), content, after_blank) {
        shape.wrapped = wrapped::wrapped_length(content);
        return Some(Joined { shape, repeated });
    }
    for kind in KINDS {
        match kind(&mut shape, content, after_blank) {
            Step::NotMine => {}
            Step::Joins => return Some(Joined { shape, repeated }),
            Step::Ends => return None,
        }
    }
    None
}

/// Whether a whole JSON object can be a part of the event: its last line has introduced a body.
pub(super) fn expects_object(shape: Continuation) -> bool {
    matches!(shape.section, Section::Body | Section::Response)
}

/// Whether a quiet line says that an exception follows.
fn announces(line: &[u8]) -> bool {
    const WORDS: [&[u8]; 6] = [b"rror", b"xception", b"ailed", b"ailure", b"raised", b"RROR"];
    let head = &line[..line.len().min(400)];
    !is_exchange(line) && WORDS.iter().any(|word| contains(head, word))
}

/// `HTTP Request: POST https://… "HTTP/1.1 429 Too Many Requests"`: a line that is complete.
fn is_exchange(line: &[u8]) -> bool {
    line.ends_with(b"\"") && contains(line, b" \"HTTP/")
}
