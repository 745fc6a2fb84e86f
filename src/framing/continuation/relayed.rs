//! A stack that a program has written line by line through a logger: each line has the head of the first one, and a new stamp.

use super::shape::{Continuation, Traceback};
use super::{stack, traceback};
use crate::line::begins_exception;

/// How the first line of a traceback ends.
const TITLE: &[u8] = b"Traceback (most recent call last):";

/// Notes that the first line of an event is the first line of a traceback behind a head.
pub(super) fn open(shape: &mut Continuation, line: &[u8]) {
    shape.relayed |= shape.headed && (line.ends_with(TITLE) || ends_like_frame(line));
}

/// The length of the head of `line`, if `line` continues the stack that was begun behind the same head in the `first` line. Notes
/// that the frames of a traceback have begun.
pub(super) fn head_length(shape: &mut Continuation, first: &[u8], line: &[u8]) -> Option<usize> {
    let length = if shape.head_length > 0 { usize::from(shape.head_length) } else { begun_head(shape, first, line)? };
    shape.head_length = u16::try_from(length).ok()?;
    let is_same = first.get(..length).zip(line.get(..length)).is_some_and(|(first, line)| is_same_head(first, line));
    belonging(shape, line, length).filter(|_| is_same)
}

/// The `length` of the head of `line`, if what is behind it is a part of the stack.
pub(super) fn belonging(shape: &Continuation, line: &[u8], length: usize) -> Option<usize> {
    let content = line.get(length..)?;
    let may_start = matches!(shape.traceback, Traceback::None | Traceback::Chained);
    let belongs = matches!(content.first(), Some(b' ' | b'\t'))
        || shape.traceback == Traceback::Frames && !content.is_empty()
        || stack::is_part(content)
        || traceback::is_chain_mark(content)
        || may_start && traceback::is_start(content);
    belongs.then_some(length)
}

/// The length of the head, found by the first line of a stack behind it.
fn begun_head(shape: &mut Continuation, first: &[u8], line: &[u8]) -> Option<usize> {
    // Only lines that end like a frame are compared.
    let is_start = line.ends_with(TITLE);
    if !(shape.relayed || is_start || matches!(line.last(), Some(b')' | b']' | b'\''))) {
        return None;
    }
    let equal = first.iter().zip(line).take_while(|(a, b)| is_same(**a, **b)).count();
    if ends_like_frame(first) {
        // The log begins in the middle of a traceback: both messages are indented, by two blanks at least.
        let length = first.get(..equal)?.iter().rposition(|b| !matches!(b, b' ' | b'\t'))? + 2;
        let is_indented = |line: &[u8]| line.get(length..).is_some_and(|content| content.starts_with(b"  "));
        let is_frame = first.get(length..)?.starts_with(b"  File \"") && is_indented(line);
        shape.traceback = Traceback::Frames;
        return is_frame.then_some(length);
    }
    let blank = first.get(..equal)?.iter().rposition(|b| matches!(b, b' ' | b'\t'))?;
    let length = blank + 1;
    let (message, content) = (first.get(length..)?, line.get(length..)?);
    if is_start && traceback::is_start(content) {
        // Some loggers repeat the head for each line of one message; the stamp is the same, too.
        return (shape.fails && first.get(..length) == line.get(..length)).then_some(length);
    }
    let begins = traceback::is_start(message);
    if begins {
        shape.traceback = Traceback::Frames;
    }
    let is_frame = matches!(content.first(), Some(b' ' | b'\t')) || stack::is_part(content);
    (is_frame && (begins || begins_exception(message))).then_some(length)
}

/// `  File "/app/main.py", line 12, in draft`: whether the last word follows `, in`.
fn ends_like_frame(line: &[u8]) -> bool {
    memchr::memrchr(b' ', line).is_some_and(|at| line.get(..at).is_some_and(|before| before.ends_with(b", in")))
}

/// Whether two heads are equal except for their digits.
fn is_same_head(first: &[u8], second: &[u8]) -> bool {
    first.iter().zip(second).all(|(a, b)| is_same(*a, *b))
}

const fn is_same(a: u8, b: u8) -> bool {
    a == b || a.is_ascii_digit() && b.is_ascii_digit()
}

/// The length of the tag in brackets that both lines begin with, if an exception is behind it in the `first` one: Rails puts the
/// request's id there.
pub(super) fn tag_length(first: &[u8], line: &[u8]) -> Option<usize> {
    if line.first() != Some(&b'[') {
        return None;
    }
    let length = line.iter().take(64).position(|b| *b == b']')? + 2;
    let tag = line.get(..length).filter(|tag| tag.ends_with(b" "))?;
    first.strip_prefix(tag).is_some_and(begins_exception).then_some(length)
}
