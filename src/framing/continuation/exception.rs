//! The line that names an exception, as the runtimes of many languages print it.

use super::shape::{Continuation, Step, Traceback};
use crate::line::contains;

/// How runtimes introduce an exception that nobody has caught.
const INTRODUCTIONS: [&[u8]; 18] = [
    b"Uncaught ",
    b"uncaught ",
    b"Unhandled exception",
    b"Unhandled Exception",
    b"Unhandled Rejection",
    b"Unhandled rejection",
    b"UnhandledPromiseRejection",
    b"unhandledRejection",
    b"uncaughtException",
    b"Exception in thread ",
    b"** (",
    b"panic: ",
    b"thread '",
    b"PHP Fatal error:",
    b"Fatal error: ",
    b"fatal error: ",
    b"Error code: ",
    b"error: Uncaught ",
];

/// Notes what the first line of an event says of an exception.
pub(super) fn open(shape: &mut Continuation, line: &[u8]) {
    shape.stack = !shape.headed && begins(line);
    shape.awaits = line.trim_ascii_end().ends_with(b":") && !shape.calm || !shape.headed && is_code_place(line);
}

pub(super) fn step(shape: &mut Continuation, line: &[u8], after_blank: bool) -> Step {
    if shape.traceback == Traceback::Ended && !after_blank {
        return Step::NotMine;
    }
    let begins = begins(line);
    // `thread 'main' panicked at src/main.rs:4:5:` has its message in the next line, whatever it says.
    let is_text = shape.awaits && shape.stack && !after_blank;
    if !(begins || is_text) {
        return Step::NotMine;
    }
    let is_apart = after_blank && shape.stack || shape.done;
    let follows = shape.awaits || shape.headed && !shape.calm && !is_apart;
    if !follows {
        return Step::Ends;
    }
    (shape.awaits, shape.stack) = (line.ends_with(b":") && begins, true);
    super::opening::note(shape, line);
    Step::Joins
}

/// Whether a line begins the report of an exception: it names its class first, or is how a runtime introduces one.
pub(super) fn begins(line: &[u8]) -> bool {
    let Some(first) = line.first() else { return false };
    match first {
        b'A'..=b'Z' | b'a'..=b'z' | b'*' | b'_' => begins_with_class(line) || is_introduction(line),
        b'[' => line.starts_with(b"[cause]: "),
        _ => is_ruby_error(line),
    }
}

fn is_introduction(line: &[u8]) -> bool {
    INTRODUCTIONS.iter().any(|words| line.starts_with(words)) && !line.starts_with(b"thread '") || is_rust_panic(line)
}

fn is_rust_panic(line: &[u8]) -> bool {
    line.starts_with(b"thread '") && contains(line, b" panicked at ")
}

/// `openai.RateLimitError: …`, `Azure.RequestFailedException: …`, `RubyLLM::RateLimitError (…)`, `APICallError [AI_APICallError]: …`.
fn begins_with_class(line: &[u8]) -> bool {
    let (name, rest) = line.split_at(class_length(line));
    let leaf = name.rsplit(|b| matches!(b, b'.' | b':' | b'\\' | b'/' | b'$')).next().unwrap_or(name);
    let is_class = leaf.first().is_some_and(u8::is_ascii_uppercase) && has_ending(leaf);
    is_class
        && (rest.is_empty()
            || [&b": "[..], b" (", b" [", b"(\"", b"('", b" - "].iter().any(|mark| rest.starts_with(mark))
            || rest == b":")
}

/// The length of a name with its packages: `a.b.C`, `A::B`, `A\B`, `a/b.C`, `A$B`.
fn class_length(line: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = line.get(at) {
        match byte {
            b':' if line.get(at + 1) == Some(&b':') => at += 2,
            b'.' | b'_' | b'$' | b'\\' | b'/' => at += 1,
            byte if byte.is_ascii_alphanumeric() => at += 1,
            _ => break,
        }
    }
    at
}

fn has_ending(name: &[u8]) -> bool {
    const ENDINGS: [&[u8]; 7] = [b"Error", b"Exception", b"Timeout", b"Failure", b"Fault", b"ExceptionGroup", b"Exhausted"];
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// `/app/chat.rb:12:in 'Client#ask': message (RubyLLM::RateLimitError)`.
fn is_ruby_error(line: &[u8]) -> bool {
    line.ends_with(b")") && contains(line, b":in ") && contains(line, b".rb:")
}

/// `/app/index.js:10`, `node:internal/process/promises:288`, `file:///app/main.mjs:3`: Node prints the place, the source and then
/// the error.
fn is_code_place(line: &[u8]) -> bool {
    let digits = line.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let place = &line[..line.len() - digits];
    digits > 0
        && place.ends_with(b":")
        && !place.contains(&b' ')
        && (place.starts_with(b"/") || place.starts_with(b"node:") || place.starts_with(b"file://"))
}
