//! Tracebacks and stacks taken apart: exceptions, and the objects that are printed with them.

use crate::line::{begins_exception, contains, find};

/// Whether a text has frames, or the line that comes before them.
pub(super) fn is_trace(text: &str) -> bool {
    contains(text, TRACEBACK) || text.contains('\n') && (contains(text, "\n    at ") || contains(text, "\n  File \""))
}

const TRACEBACK: &str = "Traceback (most recent call last)";
/// Lines among which the title of a notebook's traceback is.
const TITLE_LINES: usize = 4;
/// The same line as rich prints it.
pub(super) const BOXED: &str = "─ Traceback (most recent call last) ─";

/// Whether the lines below a quiet first line report an exception: they have a traceback, the frames of a stack, or a line that
/// names a class first.
pub(crate) fn reports_exception(lines: &[u8]) -> bool {
    const LINES: usize = 100;
    lines.split(|b| *b == b'\n').take(LINES).any(|line| {
        let inner = line.trim_ascii_start();
        let is_frame = inner.starts_with(b"at ") && line.trim_ascii_end().ends_with(b")") && inner.len() < line.len();
        is_frame || begins_exception(line) || contains(line, TRACEBACK)
    })
}

/// The parts of a traceback.
pub(super) struct Parts<'a> {
    /// The text before the first frame or traceback.
    pub(super) before: &'a str,
    /// Causes first, the exception that the application saw last.
    pub(super) exceptions: Vec<String>,
    /// The properties of the error, which Node prints after its stack.
    pub(super) dump: Option<&'a str>,
    /// The properties of the last error inside.
    pub(super) inner_dump: Option<&'a str>,
}

/// A dump without the error under its `cause`: the stack of that error is not a literal.
pub(super) fn without_cause(dump: &str) -> std::borrow::Cow<'_, str> {
    let is_cause = |line: &str| {
        let name = line.trim_start();
        (name.starts_with("cause: ") || name.starts_with("[cause]: ")) && !line.ends_with(',')
    };
    if !contains(dump, "cause") || !dump.lines().any(is_cause) {
        return dump.into();
    }
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut out = String::with_capacity(dump.len());
    let mut cause = None;
    for line in dump.lines() {
        match cause {
            None if is_cause(line) => cause = Some(indent(line)),
            None => {
                out.push_str(line);
                out.push('\n');
            }
            // The object of the cause closes at the same indent; a cause without properties ends before the next name.
            Some(at) if indent(line) <= at => {
                cause = None;
                if !line.trim_start().starts_with('}') {
                    out.push_str(line);
                    out.push('\n');
                }
            }
            Some(_) => {}
        }
    }
    out.into()
}

/// The object that begins after the last frame.
fn dump_in(tail: &str) -> Option<&str> {
    // Next.js prints an excerpt of the source, `  12 | async function f() {`, between the stack and the object.
    let mut from = 0;
    for line in tail.split_inclusive('\n') {
        from += line.len();
        if line.ends_with("{\n") && tail.get(from..).is_some_and(begins_with_property) {
            return tail.get(from - 2..);
        }
    }
    None
}

/// `  status: 429,`, `  [cause]: Error: …`, `  'x-id': 1`, or the end of an empty object.
fn begins_with_property(text: &str) -> bool {
    let text = text.trim_start().trim_start_matches(['[', '\'', '"']);
    let name = text.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'-' | b'.')).count();
    let behind = text.get(name..).unwrap_or_default().trim_start_matches([']', '\'', '"']);
    text.starts_with('}') || name > 0 && behind.starts_with(':')
}

/// The exceptions of a traceback of `IPython`, which names each class beside the title and again below the frames.
fn notebook_exceptions(text: &str) -> Vec<String> {
    let mut exceptions: Vec<String> = Vec::new();
    let mut in_text = false;
    for line in text.lines() {
        if is_title(line) || line.starts_with("During handling of") || line.starts_with("The above exception was") {
            in_text = false;
        } else if !in_text && begins_exception(line.as_bytes()) {
            in_text = true;
            exceptions.push(line.to_owned());
        } else if in_text && let Some(last) = exceptions.last_mut() {
            last.push('\n');
            last.push_str(line);
        }
    }
    exceptions
}

/// `RateLimitError                            Traceback (most recent call last)`.
fn is_title(line: &str) -> bool {
    line.strip_suffix(TRACEBACK).is_some_and(|class| class.ends_with("  ") && !class.trim().contains(' '))
}

/// Whether a frame continues in the next line: `  File "/app/llm.py", line 12, in`. rich and terminals wrap it at any blank.
fn is_cut_frame(line: &str) -> bool {
    let line = line.trim();
    line.starts_with("File \"") && [",", " line", " in"].iter().any(|end| line.ends_with(end))
}

/// Takes a traceback or a stack apart.
pub(super) fn exceptions(text: &str) -> Parts<'_> {
    let before_end =
        find(text, TRACEBACK).or_else(|| find(text, "\n  File \"")).or_else(|| find(text, "\n    at ")).unwrap_or(0);
    let before = text.get(..before_end).unwrap_or_default().trim_end_matches(['╭', '─', ' ']).trim();
    let before = before.strip_suffix("Exception Group").unwrap_or(before).trim_end();
    if !contains(text, TRACEBACK) && !contains(text, "\n  File \"") {
        let dump = text.rfind("\n    at ").and_then(|at| dump_in(text.get(at..)?));
        let mut frames = text.rmatch_indices("  at ").take(64);
        let inner_dump = frames.find_map(|(at, _)| dump_in(text.get(at..)?));
        let told = if contains(text, "cause") { text } else { "" };
        let causes = told.split("[cause]: ").skip(1).chain(told.split("caused by: ").skip(1));
        let mut exceptions: Vec<String> = causes.filter_map(|cause| cause.lines().next()).map(str::to_owned).collect();
        exceptions.push(if before.is_empty() { text.lines().next().unwrap_or_default().to_owned() } else { before.to_owned() });
        return Parts { before: "", exceptions, dump, inner_dump };
    }
    if text.lines().take(TITLE_LINES).any(is_title) {
        let exceptions = notebook_exceptions(text);
        return Parts { before: "", exceptions, dump: None, inner_dump: None };
    }
    let boxed = contains(text, BOXED);
    // Between two rules, without sides, the frames are indented.
    let ruled = boxed && !text.contains('╭');
    let mut exceptions: Vec<String> = Vec::new();
    let mut in_frames = false;
    let mut is_wrapped = false;
    let mut current: Option<String> = None;
    for line in text.get(before_end..).unwrap_or_default().lines() {
        // rich draws a box around the frames, and may indent all of it.
        let line = if boxed && !ruled { line.trim() } else { line };
        let edge = line.starts_with("Traceback (")
            || line.starts_with("Exception Group Traceback (")
            || line.starts_with("During handling of the above")
            || line.starts_with("The above exception was")
            || boxed && line.starts_with(['╭', '─']) && line.contains(TRACEBACK);
        if edge {
            exceptions.extend(current.take());
            in_frames = true;
            continue;
        }
        if boxed && line.starts_with(['│', '╭', '╰', '─']) {
            continue;
        }
        // `> File …`: loguru marks the frame that caught the exception.
        let is_frame = line.starts_with("  ") || line.starts_with("> File \"");
        if (is_frame || is_wrapped) && (in_frames || current.is_none()) {
            in_frames = true;
            is_wrapped = is_cut_frame(line);
            continue;
        }
        match &mut current {
            Some(text) => {
                text.push('\n');
                text.push_str(line);
            }
            None if line.trim().is_empty() => {}
            None => {
                current = Some(line.to_owned());
                in_frames = false;
            }
        }
    }
    exceptions.extend(current);
    for exception in &mut exceptions {
        let end = exception.trim_end().len();
        exception.truncate(end);
    }
    // A stack that was cut off before its exception: only the text before it is left.
    if exceptions.is_empty() && !before.is_empty() {
        return Parts { before: "", exceptions: vec![before.to_owned()], dump: None, inner_dump: None };
    }
    Parts { before, exceptions, dump: None, inner_dump: None }
}
