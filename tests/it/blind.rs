//! Which lines count as trouble with LLM calls that is not understood, as bytes through the whole pipeline.

use crate::replay::Setup;
use llm_triage::alert::State;
use llm_triage::classify::Traffic;
use llm_triage::time::Timestamp;

const START: i64 = 1_795_000_000;

/// Whether `blind` fires if each of the lines comes every ten seconds for five minutes. `%t` stands for the time.
fn is_blind(traffic: Traffic, lines: &[&str]) -> bool {
    let at = |second: i64| Timestamp::from_second(START + second).to_string();
    let all = (0..300).step_by(10).flat_map(|second| lines.iter().map(move |line| line.replace("%t", &at(second)) + "\n"));
    let replayed = Setup { traffic, ..Setup::default() }.replay(all.collect::<String>().as_bytes());
    replayed.transitions().iter().any(|transition| transition.alert.row == "blind" && transition.to == State::Firing)
}

const STRANGE: &str =
    r#"{"time":"%t","level":"warn","msg":"gateway said kraxl 17","url":"https://api.openai.com/v1/chat/completions"}"#;
const STRANGE_MODEL: &str = r#"{"time":"%t","level":"error","msg":"request ended badly","model":"gpt-5","status":"kraxl"}"#;
const UNKNOWN_CATEGORY: &str = r#"{"time":"%t","level":"error","msg":"completion of the reply ended","model":"gpt-5","error":{"message":"kraxl of the ninth flow"}}"#;
const UNDERSTOOD: &str = r#"{"time":"%t","level":"error","msg":"call failed","model":"gpt-5","status":429,"error":{"message":"Rate limit reached"}}"#;
const APPLICATION: &str = r#"{"time":"%t","level":"error","msg":"cannot render the invoice of this customer"}"#;
const CALM: &str =
    r#"{"time":"%t","level":"info","msg":"warmed up the connection","url":"https://api.openai.com/v1/chat/completions"}"#;

#[test]
fn trouble_with_calls_that_is_not_understood_fires() {
    for line in [STRANGE, STRANGE_MODEL, UNKNOWN_CATEGORY] {
        assert!(is_blind(Traffic::Llm, &[line]), "{line}");
        assert!(is_blind(Traffic::Llm, &[line, UNDERSTOOD]), "half of the records: {line}");
        assert!(!is_blind(Traffic::Llm, &[line, UNDERSTOOD, UNDERSTOOD]), "a third of the records: {line}");
    }
}

#[test]
fn lines_that_name_no_call_or_no_trouble_do_not() {
    for line in [APPLICATION, CALM, UNDERSTOOD] {
        assert!(!is_blind(Traffic::Llm, &[line]), "{line}");
        assert!(!is_blind(Traffic::Mixed, &[line]), "{line}");
    }
    // They do not outvote what is not understood either.
    assert!(is_blind(Traffic::Llm, &[STRANGE, APPLICATION, APPLICATION, CALM]));
}
