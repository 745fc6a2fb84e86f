//! `explain`: prints what a status, type, code, class, row, category, provider, pattern id or error text means, and the fix.

mod lookup;
mod names;
mod verdict;

use super::args::Explain;
use super::exit::{CliError, Exit};
use super::{layout, near, output, patterns, terminal};
use crate::config::load_patterns;
use lookup::{Found, Lookup};
use std::io::{IsTerminal, Read};

pub(super) fn run(args: &Explain) -> Result<Exit, CliError> {
    let classifier = load_patterns(&args.patterns, &[]).map_err(CliError::Config)?;
    let text = if args.what.is_empty() { read_stdin()? } else { args.what.join(" ") };
    let text = text.trim();
    if text.is_empty() {
        let hint = "give a status (529), a type or code (invalid_api_key), a class, a row, a category, a provider, a pattern id or \
                    an error text, or pipe one in";
        return Err(CliError::Usage(hint.to_owned()));
    }
    let lookup = Lookup::new(&classifier)?;
    let out = match lookup.find(text) {
        Found::Pattern(pattern) => patterns::describe(pattern),
        Found::Text(text) => text,
        Found::Nothing => {
            let verdict = verdict::explain(lookup.classifier, &lookup.table, text);
            let known = Some(verdict.text).filter(|_| verdict.is_known);
            let Some(text) = known.or_else(|| lookup.related(text)) else {
                output::print(not_found(&lookup, text).as_bytes())?;
                return Ok(Exit::Failed);
            };
            text
        }
    };
    output::print(out.as_bytes())?;
    Ok(Exit::Success)
}

/// The text on standard input; empty on a terminal.
fn read_stdin() -> Result<String, CliError> {
    const MAX_BYTES: u64 = 1 << 20;
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Ok(String::new());
    }
    let mut bytes = Vec::new();
    stdin.lock().take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// That nothing fits, with the words that come near.
fn not_found(lookup: &Lookup<'_>, text: &str) -> String {
    let words = lookup.words();
    let similar = near::did_you_mean(text, words.iter().map(String::as_str));
    let hint = "Give the whole text of the error, with its status, type and code; or search the catalogue for one of its words: \
                `llm-triage patterns list | grep -i WORD`. `llm-triage suggest` prints a pattern to fill in for the unknown \
                errors of a log.";
    let width = terminal::width();
    let first = format!("no pattern matches{similar}");
    format!("{}\n{}\n", layout::wrap(&first, width, 0), layout::wrap(hint, width, 0))
}
