//! `suggest`: errors that no pattern knows, in groups, each as a pattern to fill in.

use super::args::Suggest;
use super::input::Input;
use super::offline::Replay;
use super::{End, Trouble, style};
use crate::detect::UnknownView;
use crate::pipeline::Pipeline;
use crate::time::Timestamp;
use std::fmt::Write as _;
use std::ops::ControlFlow;

pub(super) fn run(args: &Suggest) -> Result<End, Trouble> {
    let mut replay = Replay::new(&args.logs)?;
    let end = replay.run(&Input::list(&args.logs.files), &mut |pipeline, out| {
        out.transitions.clear();
        pipeline.tally().clear();
        ControlFlow::Continue(())
    })?;
    let groups = replay.pipeline.snapshot().unknown;
    let mut out = String::new();
    if groups.is_empty() {
        style::complain("every failed call is known to a pattern; nothing to suggest");
    }
    for group in groups.iter().take(args.most) {
        stub(&mut out, group, &replay.pipeline);
    }
    match style::print(out.as_bytes()) {
        Err(error) if !style::is_closed(&error) => Err(error.into()),
        _ => Ok(end),
    }
}

/// A `[[pattern]]` that recognises the group; what only a person can know is marked `?`, which does not load.
fn stub(out: &mut String, group: &UnknownView, pipeline: &Pipeline) {
    let provider = pipeline.catalog().providers().id(group.provider);
    let named = if provider == "unknown" { String::new() } else { format!("providers = [{provider:?}]\n") };
    let literal = literal(&group.template);
    let words: Vec<_> = literal.split(|c: char| !c.is_ascii_alphanumeric()).filter(|it| it.len() > 2).take(4).collect();
    let id = format!("{}-{}", provider.replace('_', "-"), words.join("-").to_lowercase());
    let example = serde_json::json!({"level": "error", "provider": provider, "error": group.example});
    let _infallible = write!(
        out,
        "# {} times{}\n[[pattern]]\nid        = {id:?}\ntitle     = \"?\"\ncategory  = \"?\"                # see `llm-triage patterns list`\n\
         owner     = \"?\"                # caller account provider gateway network tool unknown\nretry     = \"?\"                # yes no depends\n\
         {named}message   = ['{}']\nmeaning   = \"?\"\nfix       = \"?\"\nexamples  = ['''{example}''']\n\n",
        style::count(group.count),
        if group.last == Timestamp::default() {
            String::new()
        } else {
            format!(", last at {}", style::clock(group.last, true))
        },
        regex::escape(literal.trim()).replace('\'', "."),
    );
}

/// The longest run of the template without a masked part.
fn literal(template: &str) -> &str {
    template.split(['<', '>', '*']).max_by_key(|it| it.len()).unwrap_or(template)
}
