//! The line that names an exception, as the runtimes of many languages print it.

use super::search::contains;
use super::search::find;

/// How runtimes introduce an uncaught exception.
const INTRODUCTIONS: [&[u8]; 22] = [
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
    // The debuggers of Visual Studio Code and Visual Studio, and Julia.
    b"Exception has occurred: ",
    b"An exception of type '",
    b"caused by: ",
    // rlang: its lines below begin with `!`.
    b"Error in `",
];

/// What is behind the class.
const MARKS: [&[u8]; 7] = [b": ", b":\x1b", b" (", b" [", b"(\"", b"('", b" - "];

/// Whether a line begins the report of an exception: it names its class first, or is how a runtime introduces one.
pub(crate) fn begins_exception(line: &[u8]) -> bool {
    let Some(first) = line.first() else { return false };
    match first {
        b'A'..=b'Z' | b'a'..=b'z' | b'*' | b'_' => {
            begins_with_class(line)
                || is_introduction(line)
                || is_numbered_error(line)
                || begins_with_words(line)
                || ends_in_status(line)
        }
        // Node prints an error without a stack in brackets: `[Error: …]`.
        b'[' => line.starts_with(b"[cause]: ") || begins_with_class(line.get(1..).unwrap_or_default()),
        _ => is_ruby_error(line) || ends_in_status(line),
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
    is_class && (rest.is_empty() || rest == b":" || MARKS.iter().any(|mark| rest.starts_with(mark)) || is_wrapping(rest))
}

/// `Error 429, Message: …`: the errors of Google's SDK for Go.
fn is_numbered_error(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"Error ") else { return false };
    matches!(rest, [b'4' | b'5', a, b, b',' | b':', b' ', ..] if a.is_ascii_digit() && b.is_ascii_digit())
}

/// `Response status code does not indicate success: 429 (Too Many Requests).`: the status that .NET puts at the end, in any language.
fn ends_in_status(line: &[u8]) -> bool {
    const STATUS_BYTES: usize = 120;
    let head = &line[..line.len().min(STATUS_BYTES)];
    let is_end = |rest: &[u8]| matches!(rest, [b'4' | b'5', a, b, b' ', b'(', ..] if a.is_ascii_digit() && b.is_ascii_digit());
    line.ends_with(b").") && memchr::memmem::find_iter(head, b": ").any(|at| is_end(&line[at + 2..]))
}

/// `Failed to summarise: BadRequestError: …`: the report of a program that names the class of the error in its middle.
pub(crate) fn reports_exception(line: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 8] =
        [b"Failed", b"Error", b"Unable", b"Could not", b"Cannot", b"An error", b"Exception", b"Unexpected"];
    const REPORT_BYTES: usize = 120;
    let head = &line[..line.len().min(REPORT_BYTES)];
    BEGINNINGS.iter().any(|words| line.starts_with(words))
        && memchr::memmem::find_iter(head, b": ").any(|at| begins_with_class(&line[at + 2..]))
}

/// `OpenAI HTTP Error (spotted in ruby-openai 6.5.0): …`, `Request failed: …`, `API Error: 429 …`: a few words, the last one says that
/// something failed.
fn begins_with_words(line: &[u8]) -> bool {
    const WORDS: [&[u8]; 4] = [b" Error", b" error", b" failed", b" Failed"];
    let Some(colon) = line.iter().take(80).position(|b| *b == b':') else { return false };
    let words = &line[..colon];
    let words = match find(words, b" (") {
        Some(open) if words.ends_with(b")") => &words[..open],
        _ => words,
    };
    let few = words.len() <= 40 && words.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'-' | b'_'));
    let rest = line.get(colon + 1..).unwrap_or_default();
    few && words[0].is_ascii_uppercase() && rest.starts_with(b" ") && WORDS.iter().any(|word| words.ends_with(word))
}

/// `(RateLimitError): `: Ray and others put the class that they wrap into parentheses.
fn is_wrapping(text: &[u8]) -> bool {
    let Some(inner) = text.strip_prefix(b"(") else { return false };
    inner.get(class_length(inner)..).is_some_and(|behind| behind.starts_with(b"): "))
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
