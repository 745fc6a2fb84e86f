//! What people and models said to each other, wherever an error quotes it: every text in `messages`, `content`, `prompt` and
//! their like, and behind the sentences with which frameworks quote an answer.

use super::pairs::{Form, Pair, inner_texts, quoted};
use super::span::{Kind, Span};

/// Names of what was said, in small letters and without `-`, `_`, `.`.
const NAMES: [&str; 56] = [
    "messages",
    "input",
    "inputs",
    "content",
    "contents",
    "parts",
    "prompt",
    "prompts",
    "text",
    "texts",
    "output",
    "outputs",
    "outputtext",
    "completion",
    "completions",
    "instructions",
    "userinput",
    "query",
    "question",
    "thinking",
    "reasoning",
    "reasoningcontent",
    "partialjson",
    "refusal",
    "arguments",
    "failedgeneration",
    "chathistory",
    "history",
    "usermessage",
    "systemmessage",
    "userprompt",
    "systemprompt",
    "systeminstruction",
    "humanmessage",
    "assistantmessage",
    "lastmessage",
    "inputtext",
    "inputdata",
    "answer",
    "transcript",
    "documents",
    "pagecontent",
    "toolinput",
    "tooloutput",
    "toolresult",
    "functioncall",
    "delta",
    "generatedtext",
    "generation",
    "generations",
    "rawoutput",
    "llmoutput",
    "modeloutput",
    "conversation",
    "userquery",
    "jsondata",
];

/// Keys of a message with values that people did not write.
const KEPT: [&str; 16] = [
    "type",
    "role",
    "id",
    "name",
    "model",
    "status",
    "finish_reason",
    "stop_reason",
    "object",
    "index",
    "mime_type",
    "media_type",
    "tool_call_id",
    "tool_use_id",
    "method",
    "url",
];

/// Sentences that quote an answer or a prompt after them.
pub(super) const LEADS: [&str; 8] = [
    "Value: ",
    "parsing failed: Text: ",
    "Could not parse LLM output: ",
    "Invalid json output: ",
    "Failed to parse LLM output: ",
    "Got unexpected output: ",
    "Invalid prompt: ",
    "was flagged: ",
];

/// What was said in a pair, if its name says so.
pub(super) fn find(text: &str, pair: &Pair<'_>, spans: &mut Vec<Span>) {
    let mut put = |start, end| spans.push(Span { start, end, kind: Kind::Quoted });
    let plain: String =
        pair.name.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| char::from(byte.to_ascii_lowercase())).collect();
    if plain == "inputvalue" {
        // Pydantic cuts a value anywhere, so its brackets and quotes say nothing.
        let start = pair.start - usize::from(matches!(pair.form, Form::Quoted));
        let rest = text.get(start..).unwrap_or_default();
        put(start, start + rest.find(", input_type").unwrap_or(rest.len()));
        return;
    }
    let value = text.get(pair.start..pair.end).unwrap_or_default();
    // `system` is also the name of a provider, `message` that of an error.
    let is_said = NAMES.contains(&plain.as_str())
        || plain == "system" && (value.contains(' ') || pair.form == Form::Nested)
        || plain == "message" && text.contains("chat_history");
    match pair.form {
        Form::Quoted if is_said && pair.end > pair.start && value != "[…]" => put(pair.start, pair.end),
        Form::Nested if is_said => {
            let texts = inner_texts(text, pair.start, pair.end, &KEPT);
            texts
                .into_iter()
                .filter(|(start, end)| text.get(*start..*end) != Some("[…]"))
                .for_each(|(start, end)| put(start, end));
        }
        _ => {}
    }
}

/// What was said, after a sentence that quotes it.
pub(super) fn find_after_leads(text: &str, spans: &mut Vec<Span>) {
    for lead in LEADS {
        for (at, _) in text.match_indices(lead) {
            let start = at + lead.len();
            let Some(rest) = text.get(start..) else { continue };
            let length = match quoted(text, start) {
                Some((first, end)) if !rest.starts_with('\\') => {
                    spans.push(Span { start: first, end, kind: Kind::Quoted });
                    continue;
                }
                _ => said_length(rest),
            };
            let said = rest.get(..length).unwrap_or_default();
            if !said.is_empty() && !said.starts_with("[…]") && !speaks_of_rules(lead, said) {
                spans.push(Span { start, end: start + length, kind: Kind::Quoted });
            }
        }
    }
}

/// The AI SDK quotes an answer bare, up to its own next sentence.
fn said_length(rest: &str) -> usize {
    let end = rest.find("Error message:").or_else(|| rest.find(".: ")).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default().trim_end_matches([' ', '.', '\n']).len()
}

/// `Invalid prompt: your prompt was flagged as …` is the provider's own sentence.
fn speaks_of_rules(lead: &str, said: &str) -> bool {
    let starts = ["your ", "the ", "this ", "prompt", "input", "messages", "request", "must ", "should ", "we ", "it "];
    let said = said.get(..said.floor_char_boundary(12)).unwrap_or_default().to_ascii_lowercase();
    matches!(lead, "Invalid prompt: " | "was flagged: ") && starts.iter().any(|start| said.starts_with(start))
}
