//! Groups of errors that no pattern matches; and every detection, on a made stream where it must report a finding and on a
//! similar one where it must not.

use crate::alert::World;
use llm_triage::classify::Retirement;
use llm_triage::detect::{Blame, Detections, DetectionsState, FindingKind, UnknownGroups, template};
use llm_triage::observation::{Evidence, Observation};
use llm_triage::taxonomy::{Category, Confidence, Outcome, Owner, Retry, Status};
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
fn similar_errors_are_one_group() {
    let world = World::new();
    let mut groups = UnknownGroups::default();
    for second in 0..10 {
        groups.observe(&unknown(&world, second, &format!("shard {second} of model \"m{second}\" fell over")));
        groups.observe(&Observation { pattern: world.pattern("openai-rate-limit"), ..unknown(&world, second, "known") });
        groups.observe(&Observation { outcome: Outcome::Success, ..unknown(&world, second, "fine") });
    }
    groups.observe(&unknown(&world, 20, "another one"));
    let views = groups.views();
    let shown: Vec<_> = views.iter().map(|view| (view.template.as_str(), view.count, view.example.as_str())).collect();
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
fn unique_errors_do_not_replace_repeated_ones() {
    let world = World::new();
    let mut groups = UnknownGroups::default();
    groups.observe(&unknown(&world, 0, "the repeated one"));
    groups.observe(&unknown(&world, 1, "the repeated one"));
    for second in 0..10_000 {
        let word: String = second.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect();
        groups.observe(&unknown(&world, second, &format!("noise {word}")));
    }
    assert_eq!(groups.views().len(), UnknownGroups::LIMIT);
    assert_eq!(groups.views()[0].template, "the repeated one");
}

proptest! {
    #[test]
    fn a_template_is_short_and_stable(message in "\\PC{0,400}") {
        let once = template(&message);
        prop_assert!(once.len() <= 256);
        prop_assert_eq!(once, template(&message));
    }
}

/// A made stream of calls by `checkout` to openai's `gpt-5`, replayed in the order of time.
struct Stream {
    world: World,
    calls: Vec<(i64, Observation, &'static str)>,
}

impl Stream {
    fn new() -> Self {
        Self { world: World::new(), calls: Vec::new() }
    }

    /// One call in each of these seconds; `how` sets its fields.
    fn add(&mut self, seconds: impl IntoIterator<Item = i64>, row: &'static str, how: impl Fn(&World, &mut Observation)) {
        for second in seconds {
            let mut seen = Observation {
                outcome: if row.is_empty() { Outcome::Success } else { Outcome::Error },
                provider: self.world.provider("openai"),
                model: "gpt-5".into(),
                service: "checkout".into(),
                ..Observation::new(Timestamp::from_second(second))
            };
            how(&self.world, &mut seen);
            self.calls.push((second, seen, row));
        }
    }

    fn good(&mut self, seconds: impl IntoIterator<Item = i64>, how: impl Fn(&mut Observation)) {
        self.add(seconds, "", |_, seen| how(seen));
    }

    fn bad(&mut self, seconds: impl IntoIterator<Item = i64>, row: &'static str, how: impl Fn(&mut Observation)) {
        self.add(seconds, row, |_, seen| {
            seen.evidence = Some(Box::new(Evidence { message: "it went wrong".to_owned(), ..Evidence::default() }));
            how(seen);
        });
    }

    fn detections(&mut self) -> Detections {
        self.calls.sort_by_key(|(second, ..)| *second);
        let World { providers, patterns, .. } = &self.world;
        let mut detections = Detections::default();
        let last = self.calls.last().map_or(0, |(second, ..)| *second);
        let mut calls = self.calls.iter().peekable();
        for second in 0..=last + 6 {
            while let Some((_, seen, row)) = calls.next_if(|(at, ..)| *at == second) {
                detections.observe(seen, row, patterns, providers);
            }
            detections.tick(second, providers);
            // Saving and restoring the state in any second changes nothing.
            if second % 97 == 0 {
                let json = serde_json::to_string(&detections.state(providers)).expect("plain values");
                let state: DetectionsState = serde_json::from_str(&json).expect("its own state");
                assert_eq!(state, detections.state(providers));
                detections = Detections::restore(state, providers);
            }
        }
        detections
    }

    /// The findings of a kind, as `blame: text`.
    fn found(&mut self, kind: FindingKind) -> Vec<String> {
        let all = self.detections().findings().into_iter();
        all.filter(|finding| finding.kind == kind).map(|finding| format!("{}: {}", finding.blame, finding.text)).collect()
    }
}

const NOTHING: [&str; 0] = [];

fn refused(host: &str) -> impl Fn(&mut Observation) + use<'_> {
    move |seen| {
        (seen.category, seen.owner, seen.status) = (Category::Auth, Owner::Account, Some(Status::Http(401)));
        let evidence = Evidence { host: Some(host.to_owned()), key_hint: Some("h7Qa".to_owned()), ..Evidence::default() };
        seen.evidence = Some(Box::new(evidence));
    }
}

#[test]
fn a_key_that_worked_and_is_refused_was_rotated() {
    let mut stream = Stream::new();
    stream.good((0..600).step_by(10), |_| {});
    stream.bad((600..640).step_by(10), "auth", refused("node-1"));
    stream.bad((605..640).step_by(10), "auth", refused("node-2"));
    assert_eq!(
        stream.found(FindingKind::KeyRotation),
        [
            "account: checkout: 60 calls succeeded until 00:09:50, and the key that ends in h7Qa has been refused since 00:10:00 \
          (8 times), on 2 hosts: node-1, node-2"
        ]
    );
    // Some of its processes were restarted already.
    stream.good((606..640).step_by(20), |_| {});
    assert!(
        stream.found(FindingKind::KeyRotation)[0]
            .ends_with("; 2 calls succeeded between the refusals, so some processes have a valid key")
    );
    // Successes after the latest refusal say that the key was repaired, not that some processes have it.
    let mut stream = Stream::new();
    stream.good((0..600).step_by(10), |_| {});
    stream.bad((600..640).step_by(10), "auth", refused("node-1"));
    stream.good((640..700).step_by(10), |_| {});
    assert!(stream.found(FindingKind::KeyRotation)[0].ends_with("(4 times), all on host node-1"));
}

#[test]
fn a_key_that_never_worked_or_was_refused_once_was_not_rotated() {
    let mut stream = Stream::new();
    stream.good((0..600).step_by(10), |seen| seen.service = "search".into());
    stream.bad((0..600).step_by(10), "auth", refused("node-1"));
    assert_eq!(stream.found(FindingKind::KeyRotation), NOTHING, "another service's key worked");
    let detections = stream.detections();
    let fact = detections.key_fact(stream.world.provider("openai"), "checkout");
    assert_eq!(fact.as_deref(), Some("before: no call of checkout to this provider succeeded"));

    let mut stream = Stream::new();
    stream.good((0..600).step_by(10), |_| {});
    stream.bad([300], "auth", refused("node-1"));
    assert_eq!(stream.found(FindingKind::KeyRotation), NOTHING, "one refusal, and the key still works");
    // A missing permission is not a key.
    stream.bad((600..700).step_by(10), "auth", |seen| {
        refused("node-1")(seen);
        seen.status = Some(Status::Http(403));
    });
    assert_eq!(stream.found(FindingKind::KeyRotation), NOTHING);
}

fn limited(seen: &mut Observation) {
    (seen.category, seen.owner, seen.status) = (Category::RateLimitCapacity, Owner::Account, Some(Status::Http(429)));
}

#[test]
fn a_limit_that_depends_on_the_load_is_reported_with_its_numbers() {
    // One call in two seconds; then, for three minutes, three calls per second of which one is limited.
    let mut stream = Stream::new();
    let slow = |seen: &mut Observation| seen.latency_s = Some(2.0);
    stream.good((0..300).step_by(2), slow);
    stream.good((300..480).flat_map(|second| [second, second]), slow);
    stream.bad(300..480, "rate-limit", limited);
    let found = stream.detections().findings();
    let limit = found.iter().find(|finding| finding.kind == FindingKind::LoadLimit).expect("a limit");
    assert_eq!((limit.blame, limit.model.as_deref(), limit.row.as_deref()), (Blame::Ours, Some("gpt-5"), Some("rate-limit")));
    assert_eq!(
        limit.text,
        "429s depend on the load: gpt-5 is limited from about 180 calls per minute and is not limited below 30; it gets 180 \
         calls per minute when it is limited (17 slots of 10 s), as of 00:07:50"
    );
    assert_eq!(
        limit.advice,
        "Halve the concurrency: about 6 calls run at once (2.0 s each). Allow at most 3 and stay below 180 calls per minute, \
         or ask for a higher limit."
    );
}

#[test]
fn limits_independent_of_the_load_are_not_reported() {
    // The same load throughout, and limits in every other half minute: the provider is short of capacity.
    let mut stream = Stream::new();
    stream.good(0..600, |_| {});
    stream.bad((0..600).filter(|second| second / 30 % 2 == 0), "rate-limit", limited);
    stream.good((0..600).filter(|second| second / 30 % 2 == 1), |_| {});
    assert_eq!(stream.found(FindingKind::LoadLimit), NOTHING);
    // Retries raise the load, but no call succeeds: that is another kind of limit.
    let mut stream = Stream::new();
    stream.good((0..300).step_by(2), |_| {});
    stream.bad((300..480).flat_map(|second| [second, second, second]), "rate-limit", limited);
    assert_eq!(stream.found(FindingKind::LoadLimit), NOTHING);
}

fn timed_out(tokens: u64) -> impl Fn(&mut Observation) {
    move |seen| {
        (seen.category, seen.status) = (Category::NetworkInfrastructure, Some(Status::Timeout));
        seen.input_tokens = Some(tokens);
    }
}

#[test]
fn timeouts_of_long_inputs_are_reported_with_the_length() {
    let sized = |tokens: u64| move |seen: &mut Observation| seen.input_tokens = Some(tokens);
    let mut stream = Stream::new();
    for (position, tokens) in [500, 2_000, 8_000, 16_000].into_iter().enumerate() {
        stream.good((0..400).skip(position).step_by(10), sized(tokens));
    }
    stream.good((5..400).step_by(80), sized(100_000));
    stream.bad((9..400).step_by(40), "timeout", timed_out(120_000));
    assert_eq!(
        stream.found(FindingKind::LongInput),
        [
            "ours: timeouts depend on the input length: 67 % of the 15 calls with 93000 tokens or more timed out (10), and 0 % of \
          the 148 shorter ones (0), since 00:00:09"
        ]
    );
    // The same timeouts with inputs of every length.
    let mut stream = Stream::new();
    for (position, tokens) in [500, 2_000, 8_000, 16_000, 100_000].into_iter().enumerate() {
        stream.good((0..400).skip(position).step_by(10), sized(tokens));
        stream.bad((0..400).skip(position + 20).step_by(100), "timeout", timed_out(tokens));
    }
    assert_eq!(stream.found(FindingKind::LongInput), NOTHING);
}

#[test]
fn answers_without_content_are_counted() {
    let hollow = |seen: &mut Observation| {
        (seen.category, seen.owner, seen.status) = (Category::ProviderQuirk, Owner::Provider, Some(Status::Http(200)));
    };
    let mut stream = Stream::new();
    stream.good((0..300).step_by(10), |_| {});
    stream.bad([100, 200, 290], "hollow", hollow);
    assert_eq!(
        stream.found(FindingKind::Hollow),
        ["provider: 3 of 33 calls in the ten minutes to 00:04:50 got status 200 without content, the latest by gpt-5"]
    );
    // Three in an hour are too few, and a refusal is not an empty answer.
    let mut stream = Stream::new();
    stream.good((0..3_000).step_by(10), |_| {});
    stream.bad([100, 1_200, 2_900], "hollow", hollow);
    stream.bad([110, 120, 130, 140], "content-policy", |seen| seen.status = Some(Status::Http(200)));
    assert_eq!(stream.found(FindingKind::Hollow), NOTHING);
}

fn server_error(seen: &mut Observation) {
    (seen.category, seen.owner, seen.status) = (Category::NetworkInfrastructure, Owner::Provider, Some(Status::Http(503)));
}

#[test]
fn a_model_that_fails_alone_is_distinguished_from_a_failing_provider() {
    let mut stream = Stream::new();
    stream.good((0..120).step_by(5), |seen| seen.model = "gpt-5-mini".into());
    stream.bad((60..120).step_by(6), "unavailable", server_error);
    assert_eq!(
        stream.found(FindingKind::OneModel),
        ["provider: only gpt-5 fails (10 of 10 calls in the five minutes to 00:01:54); 1 other model: 0 of 23 failed"]
    );
    assert_eq!(stream.found(FindingKind::WholeProvider), NOTHING);
    // Both fail.
    let mut stream = Stream::new();
    stream.good((0..30).step_by(5), |_| {});
    stream.bad((60..420).step_by(6), "unavailable", server_error);
    stream.bad((62..420).step_by(6), "unavailable", |seen| {
        server_error(seen);
        seen.model = "gpt-5-mini".into();
    });
    assert_eq!(stream.found(FindingKind::OneModel), NOTHING);
    assert_eq!(
        stream.found(FindingKind::WholeProvider),
        ["provider: all 2 models fail (100 of 100 calls in the five minutes to 00:06:56)"]
    );
    // Where successes are not logged, every logged call has failed, so it proves nothing.
    let mut stream = Stream::new();
    stream.bad((60..120).step_by(6), "unavailable", server_error);
    stream.bad((62..120).step_by(6), "unavailable", |seen| {
        server_error(seen);
        seen.model = "gpt-5-mini".into();
    });
    assert_eq!(stream.found(FindingKind::WholeProvider), NOTHING);
}

#[test]
fn a_service_that_fails_alone_owns_the_cause_unless_the_errors_name_another() {
    let mut stream = Stream::new();
    stream.good((0..120).step_by(5), |seen| seen.service = "search".into());
    stream.good((0..60).step_by(5), |_| {});
    stream.bad((60..120).step_by(2), "network", |seen| {
        (seen.status, seen.owner) = (Some(Status::Connection), Owner::Network);
    });
    assert_eq!(
        stream.found(FindingKind::OneService),
        ["ours: only checkout fails (30 of 42 calls in the five minutes to 00:01:58); 1 other service: 0 of 24 failed"]
    );
    // Unless the provider said that the fault is its own: the finding agrees with the verdicts of its calls.
    let mut stream = Stream::new();
    stream.good((0..120).step_by(5), |seen| seen.service = "search".into());
    stream.good((0..60).step_by(5), |_| {});
    stream.bad((60..120).step_by(2), "overloaded", server_error);
    assert_eq!(
        stream.found(FindingKind::OneService),
        ["provider: only checkout fails (30 of 42 calls in the five minutes to 00:01:58); 1 other service: 0 of 24 failed"]
    );
    // Less than half of its calls fail.
    let mut stream = Stream::new();
    stream.good((0..120).step_by(5), |seen| seen.service = "search".into());
    stream.good((0..120).step_by(3), |_| {});
    stream.bad((60..120).step_by(4), "network", server_error);
    assert_eq!(stream.found(FindingKind::OneService), NOTHING);
}

#[test]
fn several_silent_providers_are_a_network_fault() {
    let offline = |provider: &'static str| {
        move |world: &World, seen: &mut Observation| {
            seen.provider = world.provider(provider);
            (seen.status, seen.owner) = (Some(Status::Connection), Owner::Network);
        }
    };
    let of = |provider: &'static str| move |world: &World, seen: &mut Observation| seen.provider = world.provider(provider);
    let mut stream = Stream::new();
    for provider in ["openai", "anthropic"] {
        stream.add((0..60).step_by(5), "", of(provider));
        stream.add((400..460).step_by(5), "network", offline(provider));
    }
    assert_eq!(
        stream.found(FindingKind::AllProviders),
        [
            "network: openai and anthropic do not answer at the same time (24 of 24 calls failed in the five minutes to 00:07:41), and no provider \
             answers"
        ]
    );
    // A third one answers.
    stream.add((400..460).step_by(5), "", of("deepseek"));
    assert_eq!(stream.found(FindingKind::AllProviders), NOTHING);
}

#[test]
fn a_request_that_always_fails_is_distinguished_from_one_that_sometimes_fails() {
    let too_long = |seen: &mut Observation| {
        (seen.category, seen.owner, seen.retry) = (Category::Model, Owner::Caller, Retry::No);
        let message = format!("request {} is too long", seen.at.second());
        seen.evidence = Some(Box::new(Evidence { message, ..Evidence::default() }));
    };
    let mut stream = Stream::new();
    stream.good((0..300).step_by(5), |seen| seen.service = "search".into());
    stream.bad((10..300).step_by(40), "caller", too_long);
    assert_eq!(
        stream.found(FindingKind::EveryTime),
        [
            "ours: checkout with gpt-5 fails every time with \"request <n> is too long\" (8 of 8 since 00:00:10), while 56 other \
          calls succeeded"
        ]
    );
    assert_eq!(stream.found(FindingKind::NowAndThen), NOTHING);
    // The same failures between calls of the same kind that succeed.
    stream.good((12..300).step_by(10), |_| {});
    assert_eq!(stream.found(FindingKind::EveryTime), NOTHING);
    assert_eq!(
        stream.found(FindingKind::NowAndThen),
        ["ours: checkout with gpt-5 fails now and then with \"request <n> is too long\" (8 of 36 since 00:00:10)"]
    );
    // Eight failures of eight kinds are not one request.
    let mut stream = Stream::new();
    stream.good((0..300).step_by(5), |seen| seen.service = "search".into());
    stream.bad((10..300).step_by(40), "caller", |seen| {
        let word: String = seen.at.second().to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect();
        seen.evidence = Some(Box::new(Evidence { message: word, ..Evidence::default() }));
    });
    assert_eq!(stream.found(FindingKind::EveryTime), NOTHING);
}

#[test]
fn an_error_is_said_once_and_not_where_a_pattern_names_the_cause() {
    let stream_of = |confidence: Confidence, has_pattern: bool| {
        let mut stream = Stream::new();
        for (offset, service) in [(0, "checkout"), (3, "search"), (5, "batch")] {
            stream.good((offset..600).step_by(10), |seen| seen.service = service.into());
            stream.add((offset + 6..600).step_by(60), "caller", move |world, seen| {
                (seen.service, seen.confidence) = (service.into(), confidence);
                seen.pattern = if has_pattern { world.pattern("openai-empty-messages") } else { None };
            });
        }
        stream
    };
    let said = stream_of(Confidence::None, false).found(FindingKind::NowAndThen);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("checkout with gpt-5, search with gpt-5 and 1 more fail now and then with"), "{said:?}");
    assert!(said[0].contains("(30 of "), "{said:?}");
    // A pattern that matches by its status only names no cause.
    assert_eq!(stream_of(Confidence::Status, true).found(FindingKind::NowAndThen).len(), 1);
    for confidence in [Confidence::Typed, Confidence::Message] {
        assert_eq!(stream_of(confidence, true).found(FindingKind::NowAndThen), NOTHING, "{confidence:?}");
    }
}

#[test]
fn recoveries_are_told_apart_and_begin_with_their_own_outage() {
    let mut stream = Stream::new();
    stream.good((0..60).step_by(5), |_| {});
    // A request that the caller got wrong is no part of the outage after it.
    stream.bad([62], "caller", |seen| (seen.category, seen.owner) = (Category::RequestFormat, Owner::Caller));
    stream.bad((100..160).step_by(6), "unavailable", server_error);
    stream.good((160..500).step_by(5), |_| {});
    stream.bad([310], "caller", |seen| (seen.category, seen.owner) = (Category::RequestFormat, Owner::Caller));
    stream.bad((500..560).step_by(6), "unavailable", server_error);
    stream.good((560..700).step_by(5), |_| {});
    assert_eq!(
        stream.found(FindingKind::Recovery),
        [
            "provider: answers again since 00:09:20, after 54s from 00:08:20 in which 10 of 10 calls failed",
            "provider: answers again since 00:02:40, after 54s from 00:01:40 in which 10 of 10 calls failed",
        ]
    );
    // Half of the calls succeeded all the time: that was no outage.
    let mut stream = Stream::new();
    stream.bad((100..400).step_by(10), "unavailable", server_error);
    stream.good((105..400).step_by(10), |_| {});
    stream.good((103..600).step_by(10), |_| {});
    assert_eq!(stream.found(FindingKind::Recovery), NOTHING);
}

#[test]
fn a_new_error_is_reported_once_enough_calls_were_seen() {
    let known = |pattern: &'static str| {
        move |world: &World, seen: &mut Observation| {
            seen.pattern = world.pattern(pattern);
        }
    };
    let mut stream = Stream::new();
    stream.good((0..7_200).step_by(30), |_| {});
    stream.add([600, 6_000], "rate-limit", known("openai-rate-limit"));
    stream.add([7_000, 7_100], "overloaded", known("anthropic-overloaded"));
    assert_eq!(
        stream.found(FindingKind::FirstEver),
        ["unknown: never seen before, in 1h56m and 237 calls: \"anthropic-overloaded, in words\""]
    );
    // After ten minutes everything is new.
    let mut stream = Stream::new();
    stream.good(0..600, |_| {});
    stream.add([590], "overloaded", known("anthropic-overloaded"));
    assert_eq!(stream.found(FindingKind::FirstEver), NOTHING);
}

#[test]
fn a_growing_group_of_unknown_errors_is_reported() {
    let mut stream = Stream::new();
    stream.good(0..600, |_| {});
    stream.bad((600..1_200).step_by(50), "unknown", |_| {});
    assert_eq!(
        stream.found(FindingKind::Growing),
        [
            "unknown: an error that no pattern matches grows: 12 in the ten minutes to 00:19:10, first at 00:10:00: \"it went wrong\""
        ]
    );
    // Rare for an hour, then five times as frequent; and equally frequent all the time.
    let mut stream = Stream::new();
    stream.bad((0..3_600).step_by(200), "unknown", |_| {});
    stream.bad((3_600..4_200).step_by(40), "unknown", |_| {});
    assert_eq!(stream.found(FindingKind::Growing).len(), 1);
    let mut stream = Stream::new();
    stream.bad((0..7_200).step_by(40), "unknown", |_| {});
    assert_eq!(stream.found(FindingKind::Growing), NOTHING);
    let mut stream = Stream::new();
    stream.bad((0..3_600).step_by(120), "unknown", |_| {});
    stream.add((0..600).step_by(50), "rate-limit", |world, seen| seen.pattern = world.pattern("openai-rate-limit"));
    assert_eq!(stream.found(FindingKind::Growing), NOTHING);
}

#[test]
fn a_recovery_is_reported_only_if_it_lasts() {
    let mut stream = Stream::new();
    stream.good((0..60).step_by(5), |_| {});
    stream.bad((60..300).step_by(6), "unavailable", server_error);
    stream.good((300..400).step_by(5), |_| {});
    assert_eq!(
        stream.found(FindingKind::Recovery),
        ["provider: answers again since 00:05:00, after 3m54s from 00:01:00 in which 40 of 40 calls failed"]
    );
    let mut stream = Stream::new();
    stream.good((0..60).step_by(5), |_| {});
    stream.bad((60..600).step_by(45), "unavailable", server_error);
    stream.good((62..600).step_by(20), |_| {});
    assert_eq!(stream.found(FindingKind::Recovery), NOTHING, "it fails again within the minute");
}

#[test]
fn the_memory_of_detections_is_bounded() {
    let mut stream = Stream::new();
    for second in 0..3_000 {
        let name = format!("name-{second}");
        stream.bad([second], "rest", |seen| {
            (seen.model, seen.service) = (name.as_str().into(), name.as_str().into());
            seen.evidence = Some(Box::new(Evidence { message: name.clone(), host: Some(name.clone()), ..Evidence::default() }));
        });
        stream.good([second], |seen| (seen.model, seen.service) = (name.as_str().into(), name.as_str().into()));
    }
    let detections = stream.detections();
    let state = serde_json::to_string(&detections.state(&stream.world.providers)).expect("plain values");
    assert!(state.len() < 300_000, "{} bytes", state.len());
    assert!(detections.findings().len() <= 200);
}

#[test]
fn a_model_that_ends_is_said_once_with_its_day_and_its_services() {
    let log = br#"/srv/app/sum.py:4: DeprecationWarning: The model 'claude-3-opus-20240229' is deprecated and will reach end-of-life on January 5th, 2026.
{"timestamp":"2025-11-30T10:00:07Z","level":"warning","message":"claude-3-opus-20240229 will be retired on 2026-01-05","service":"search"}
{"timestamp":"2025-11-30T12:00:07Z","level":"warning","message":"Model claude-3-opus-20240229 version 2 is deprecated and will be retired on 5 Jan 2026","service":"mailer"}
{"timestamp":"2025-11-30T12:00:08Z","level":"warning","message":"Using Claude with claude-opus-4-6 and 'thinking.type=enabled' is deprecated.","service":"mailer"}
{"timestamp":"2025-11-30T12:00:09Z","level":"warning","message":"`temperature` is deprecated for this model claude-opus-4-7","service":"mailer"}
{"timestamp":"2025-11-30T12:00:10Z","level":"info","message":"gpt-4.5-preview is deprecated, says the changelog","service":"mailer"}
{"timestamp":"2025-11-30T12:00:11Z","level":"warning","message":"the key 'api-v1-key' is deprecated","service":"mailer"}
"#;
    let replayed = crate::replay::Setup::default().replay(log);
    let findings = replayed.pipeline.snapshot().findings;
    let texts: Vec<&str> = findings.iter().map(|finding| finding.text.as_str()).collect();
    assert_eq!(texts, ["model claude-3-opus-20240229 ends on 2026-01-05, in 36 days; used by app, search, mailer"]);
    assert!(replayed.transitions().is_empty(), "the calls still work");
}

#[test]
fn the_services_of_a_model_that_ends_survive_a_restart() {
    let world = World::new();
    let openai = world.provider("openai");
    let model = Retirement { provider: openai, model: "gpt-4.5-preview".to_owned(), day: None };
    let mut detections = Detections::default();
    for second in 0..20 {
        let service = format!("service-{second}");
        detections.note_retirement(openai, Some(&service), &model, Timestamp::from_second(second));
        let json = serde_json::to_string(&detections.state(&world.providers)).expect("plain values");
        detections = Detections::restore(serde_json::from_str(&json).expect("its own state"), &world.providers);
    }
    let findings = detections.findings();
    let texts: Vec<&str> = findings.iter().map(|finding| finding.text.as_str()).collect();
    let services = (0..8).map(|at| format!("service-{at}")).collect::<Vec<_>>().join(", ");
    assert_eq!(texts, [format!("model gpt-4.5-preview is announced to end; no date is named; used by {services}")]);
}
