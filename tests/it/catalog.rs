//! The catalogue: what a file of patterns may say, and which message the user gets where it is wrong.

use llm_triage::classify::{Catalog, Classifier, Source};
use llm_triage::record::Reader;
use std::sync::Arc;

const PATTERN: &str = "[[pattern]]\nid = 'acme-busy'\ntitle = 'Busy'\ncategory = 'rate-limit-capacity'\nowner = 'provider'\n\
    retry = 'yes'\nmessage = ['acme is busy']\nmeaning = 'm'\nfix = 'f'\nexamples = ['acme is busy']\n";

fn build(files: &[(&str, &str)]) -> Result<Catalog, String> {
    let own = files.iter().map(|(name, text)| Source { name, text, own: true });
    Catalog::with_own(&own.collect::<Vec<_>>(), &[])
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

fn tags(catalog: &Catalog, id: &str) -> Vec<String> {
    catalog.by_id(id).and_then(|id| catalog.pattern(id)).expect("a pattern of the catalogue").tags.clone()
}

#[test]
fn a_tag_is_one_of_the_list() {
    let tagged = format!("{PATTERN}tags = ['overload']\n");
    assert_eq!(tags(&build(&[("acme.toml", &tagged)]).expect("a known tag"), "acme-busy"), ["overload"]);
    let unknown = format!("{PATTERN}tags = ['mine']\n");
    assert_eq!(
        build(&[("acme.toml", &unknown)]).expect_err("an unknown tag"),
        "acme.toml:1: pattern \"acme-busy\": unknown tag \"mine\"; known are cooldown, hollow, llm-only, no-reason, overload; \
         add others to the table `[tags]` of a signals.toml"
    );
    let own = ("own/signals.toml", "[tags]\nmine = 'what the rows of this team ask for'\n");
    assert_eq!(tags(&build(&[("acme.toml", &unknown), own]).expect("a tag of the user"), "acme-busy"), ["mine"]);
}

#[test]
fn a_replaced_pattern_keeps_its_tags_unless_it_gives_its_own() {
    let replaced = PATTERN.replace("acme-busy", "anthropic-overloaded");
    assert_eq!(tags(&build(&[("own.toml", &replaced)]).expect("a good pattern"), "anthropic-overloaded"), ["overload"]);
    let own = format!("{replaced}tags = []\n");
    assert!(tags(&build(&[("own.toml", &own)]).expect("a good pattern"), "anthropic-overloaded").is_empty());
}

#[test]
fn every_shipped_regex_compiles() {
    // A user's regexes are compiled when they are read, shipped ones when they are first a candidate.
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("patterns");
    let files = llm_triage::config::read_patterns(&folder).expect("patterns/");
    let own: Vec<_> = files.iter().map(|(name, text)| Source { name, text, own: true }).collect();
    if let Err(errors) = Catalog::build(&own, &[]) {
        panic!("{errors:#?}");
    }
}

const EVENT: &str = "[[event]]\nid = 'acme-retry'\nmeaning = 'm'\nmessage = ['acme job {id} failed: ']\ncounts = 'attempt'\n\
    examples = [{ log = 'acme job 17 failed: Rate limit reached for gpt-5', outcome = 'error', grain = 'attempt', call = true }]\n";

#[test]
fn the_examples_of_every_shipped_event_hold() {
    let classifier = Classifier::new(Arc::new(Catalog::shipped().expect("the shipped catalogue")));
    assert!(classifier.catalog().events().len() > 8);
    assert_eq!(classifier.check_events(&Reader::default(), false), []);
}

#[test]
fn a_users_event_is_checked_by_its_examples() {
    let check = |text: &str| {
        let catalog = build(&[("own/events/acme.toml", text)]).expect("a good event");
        let errors = Classifier::new(Arc::new(catalog)).check_events(&Reader::default(), true);
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(check(EVENT), "");
    assert_eq!(
        check(&EVENT.replace("grain = 'attempt'", "grain = 'call'")),
        "own/events/acme.toml:1: an example of event \"acme-retry\": `grain` is \"attempt\", not \"call\": acme job 17 failed: Rate limit reached for gpt-5"
    );
    assert_eq!(
        check(&EVENT.replace("job 17", "task 17")),
        "own/events/acme.toml:1: an example of event \"acme-retry\" does not match it: acme task 17 failed: Rate limit reached for gpt-5"
    );
    let near = format!("{EVENT}near = ['acme job 4 failed: no']\n");
    assert_eq!(check(&near), "own/events/acme.toml:1: a near miss of event \"acme-retry\" matches it: acme job 4 failed: no");
}

#[test]
fn a_fault_in_an_event_names_its_file_and_line_and_the_fix() {
    let fault = |from: &str, to: &str| build(&[("own/events/acme.toml", &EVENT.replace(from, to))]).expect_err("a fault");
    assert_eq!(
        fault("message = ['acme job {id} failed: ']\n", ""),
        "own/events/acme.toml:1: event \"acme-retry\": matches everything; give at least one of `event`, `operation`, `type`, `logger`, `message`"
    );
    assert_eq!(
        fault("'acme job {id} failed: '", "'*'"),
        "own/events/acme.toml:1: event \"acme-retry\": `message` \"*\": the first literal is too short; name more of the text"
    );
    assert!(fault("counts = 'attempt'", "counts = 'try'").contains("own/events/acme.toml:5: "));
    assert!(fault("meaning = 'm'", "meanings = 'm'").starts_with("own/events/acme.toml:3: unknown field `meanings`"));
    let twice = format!("{EVENT}{EVENT}");
    assert!(
        build(&[("own/events/acme.toml", &twice)]).expect_err("twice").contains("is already defined (own/events/acme.toml:1)")
    );
}

#[test]
fn a_users_event_replaces_the_shipped_one_of_its_id() {
    let replaced = EVENT.replace("acme-retry", "celery-retry");
    let catalog = build(&[("own/events/celery.toml", &replaced)]).expect("a good event");
    assert_eq!(
        catalog.events().iter().filter(|event| event.id == "celery-retry").map(|event| event.own).collect::<Vec<_>>(),
        [true]
    );
    let disabled = EVENT.replace("acme-retry", "celery-retry").replace("meaning", "disabled = true\nmeaning");
    let catalog = build(&[("own/events/celery.toml", &disabled)]).expect("a good event");
    assert!(catalog.events().iter().all(|event| event.id != "celery-retry"));
}
