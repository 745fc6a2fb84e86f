//! The catalogue: what a file of patterns may say, and which message the user gets where it is wrong.

use llm_triage::classify::{Catalog, Source};

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
        "acme.toml:1: pattern \"acme-busy\": unknown tag \"mine\"; known are cooldown, hollow, llm-only, overload; \
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
