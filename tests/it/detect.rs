//! Errors that no pattern knows, in groups.

use crate::alert::World;
use llm_triage::classify::{Evidence, Observation};
use llm_triage::detect::{UnknownGroups, template};
use llm_triage::taxonomy::Outcome;
use llm_triage::time::Timestamp;
use proptest::prelude::*;

fn unknown(world: &World, second: i64, message: &str) -> Observation {
    let evidence = Evidence { message: message.to_owned(), ..Evidence::default() };
    Observation {
        outcome: Outcome::Error,
        provider: world.provider("openai"),
        evidence: Some(Box::new(evidence)),
        ..Observation::new(Timestamp::from_second(second))
    }
}

#[test]
fn like_errors_are_one_group() {
    let world = World::new();
    let mut groups = UnknownGroups::default();
    for second in 0..10 {
        groups.observe(&unknown(&world, second, &format!("shard {second} of model \"m{second}\" fell over")));
        groups.observe(&Observation { pattern: world.pattern("openai-rate-limit"), ..unknown(&world, second, "known") });
        groups.observe(&Observation { outcome: Outcome::Success, ..unknown(&world, second, "fine") });
    }
    groups.observe(&unknown(&world, 20, "another one"));
    let views = groups.views();
    let shown: Vec<_> = views.iter().map(|it| (it.template.as_str(), it.count, it.example.as_str())).collect();
    assert_eq!(
        shown,
        [("shard <n> of model <text> fell over", 10, "shard 0 of model \"m0\" fell over"), ("another one", 1, "another one"),]
    );
    assert_eq!((views[0].first.second(), views[0].last.second()), (0, 9));
    let json = serde_json::to_string(&groups.state(&world.providers)).expect("plain values");
    let restored = UnknownGroups::restore(serde_json::from_str(&json).expect("its own state"), &world.providers);
    assert_eq!(restored.views(), views);
}

#[test]
fn what_never_repeats_does_not_push_out_what_does() {
    let world = World::new();
    let mut groups = UnknownGroups::default();
    groups.observe(&unknown(&world, 0, "the one that counts"));
    groups.observe(&unknown(&world, 1, "the one that counts"));
    for second in 0..10_000 {
        let word: String = second.to_string().bytes().map(|it| char::from(it - b'0' + b'a')).collect();
        groups.observe(&unknown(&world, second, &format!("noise {word}")));
    }
    assert_eq!(groups.views().len(), UnknownGroups::LIMIT);
    assert_eq!(groups.views()[0].template, "the one that counts");
}

proptest! {
    #[test]
    fn a_template_is_short_and_stable(message in "\\PC{0,400}") {
        let once = template(&message);
        prop_assert!(once.len() <= 256);
        prop_assert_eq!(once, template(&message));
    }
}
