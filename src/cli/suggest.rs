//! `suggest`: groups the errors that no pattern matches, and prints a pattern to fill in for each group.

use super::args::Suggest;
use super::exit::{CliError, Exit};
use super::input::Input;
use super::replay::Replay;
use super::{format, output};
use crate::detect::UnknownView;
use crate::pipeline::Pipeline;
use crate::time::Timestamp;
use std::fmt::Write as _;
use std::ops::ControlFlow;

pub(super) fn run(args: &Suggest) -> Result<Exit, CliError> {
    let inputs = Input::list(&args.logs.files)?;
    let mut replay = Replay::new(&args.logs, &inputs)?;
    let exit = replay.run(&inputs, &mut |pipeline, out| {
        out.transitions.clear();
        pipeline.tally().clear();
        ControlFlow::Continue(())
    });
    let groups = replay.pipeline.snapshot().unknown;
    let mut out = String::new();
    if groups.is_empty() {
        output::print_error("a pattern matches every failed call; nothing to suggest");
    }
    for group in groups.iter().take(args.max_groups) {
        write_pattern(&mut out, group, &replay.pipeline);
    }
    match output::print(out.as_bytes()) {
        Err(error) if !output::is_closed(&error) => Err(error.into()),
        _ => Ok(exit),
    }
}

/// Appends a `[[pattern]]` that matches the group. A `?` marks each value that a person must fill in; it does not load.
fn write_pattern(out: &mut String, group: &UnknownView, pipeline: &Pipeline) {
    let provider = pipeline.catalog().providers().id(group.provider);
    let providers = if provider == "unknown" { String::new() } else { format!("providers = [{provider:?}]\n") };
    let literal = longest_literal(&group.template);
    let words: Vec<_> =
        literal.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| word.len() > 2).take(4).collect();
    let id = format!("{}-{}", provider.replace('_', "-"), words.join("-").to_lowercase());
    let example = serde_json::json!({"level": "error", "provider": provider, "error": group.example});
    let last = if group.last == Timestamp::default() {
        String::new()
    } else {
        format!(", last at {}", format::clock(group.last, true))
    };
    let _infallible = write!(
        out,
        "# {} times{last}\n[[pattern]]\nid        = {id:?}\ntitle     = \"?\"\ncategory  = \"?\"                # see `llm-triage patterns list`\n\
         owner     = \"?\"                # caller account provider gateway network tool unknown\nretry     = \"?\"                # yes no depends\n\
         {providers}message   = ['{}']\nmeaning   = \"?\"\nfix       = \"?\"\nexamples  = ['''{example}''']\n\n",
        format::count(group.count),
        regex::escape(literal.trim()).replace('\'', "."),
    );
}

/// The longest part of the template without a masked value.
fn longest_literal(template: &str) -> &str {
    template.split(['<', '>', '*']).max_by_key(|part| part.len()).unwrap_or(template)
}
