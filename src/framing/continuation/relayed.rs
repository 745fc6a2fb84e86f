//! A stack that a program has written line by line through a logger: each line has the head of the first one, and a new stamp.

use super::shape::{Continuation, Traceback};
use super::{stack, traceback};
use crate::line::{begins_exception, find};

/// Notes that the first line of an event is the first line of a traceback behind a head.
pub(super) fn open(shape: &mut Continuation, line: &[u8]) {
    shape.relayed |= shape.headed && line.ends_with(b"Traceback (most recent call last):");
}

/// The length of the head of `line`, if `line` continues the stack that was begun behind the same head in the `first` line. Notes
/// that the frames of a traceback have begun.
pub(super) fn head_length(shape: &mut Continuation, first: &[u8], line: &[u8]) -> Option<usize> {
    let length = if shape.head_length > 0 { usize::from(shape.head_length) } else { begun_head(shape, first, line)? };
    let (head, content) = line.split_at_checked(length)?;
    let is_same = first.get(..length).is_some_and(|first| is_same_head(first, head));
    let in_frames = shape.traceback == Traceback::Frames && !content.is_empty();
    let belongs = matches!(content.first(), Some(b' ' | b'\t'))
        || in_frames
        || stack::is_part(content)
        || traceback::is_chain_mark(content)
        || traceback::is_start(content) && shape.traceback == Traceback::Chained;
    shape.head_length = u16::try_from(length).ok()?;
    (is_same && belongs).then_some(length)
}

/// The length of the head, found by the first frame behind it.
fn begun_head(shape: &mut Continuation, first: &[u8], line: &[u8]) -> Option<usize> {
    // Only lines that end like a frame are searched.
    if !(shape.relayed || matches!(line.last(), Some(b')' | b']'))) {
        return None;
    }
    let frame = find(line, b"File \"").filter(|_| shape.relayed).or_else(|| find(line, b"at "))?;
    let indent = line[..frame].iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let end = frame - indent;
    let length = end + first.get(end..)?.iter().take_while(|b| **b == b' ').count();
    let message = first.get(length..)?;
    let begins = traceback::is_start(message);
    if begins {
        shape.traceback = Traceback::Frames;
    }
    (length > 0 && length < frame && (begins || begins_exception(message))).then_some(length)
}

/// Whether two heads are equal except for their digits.
fn is_same_head(first: &[u8], second: &[u8]) -> bool {
    first.iter().zip(second).all(|(a, b)| a == b || a.is_ascii_digit() && b.is_ascii_digit())
}
