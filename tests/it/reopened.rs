//! A report shows an alert that fires again after its recovery as the same alert, as the daemon notifies of it.

use crate::running::program;
use crate::tool;
use llm_triage::time::Timestamp;
use serde_json::Value;

/// A provider that works, and the key of `cron` that is refused at these minutes.
fn log(refused: &[i64], minutes: i64) -> String {
    let at = |second: i64| Timestamp::from_second(1_795_000_000 + second);
    let good = |second: i64| {
        format!(
            r#"{{"timestamp":"{}","level":"info","service":"web","provider":"openai","model":"gpt-5","status_code":200}}"#,
            at(second)
        )
    };
    let bad = |minute: i64| {
        format!(
            r#"{{"timestamp":"{}","level":"error","service":"cron","provider":"openai","model":"gpt-5","status_code":401,"error":{{"code":"invalid_api_key","message":"Incorrect API key provided"}}}}"#,
            at(minute * 60 + 1)
        )
    };
    let lines = (0..minutes).flat_map(|minute| {
        let refusal = refused.contains(&minute).then(|| bad(minute));
        [Some(good(minute * 60)), refusal, Some(good(minute * 60 + 30))].into_iter().flatten()
    });
    lines.map(|line| line + "\n").collect()
}

fn report(format: &str, log: &str) -> String {
    let (good, printed) = tool::run(program().args(["report", "--format", format, "-"]), log);
    assert!(good, "{printed}");
    printed
}

/// The ends of the alerts in the JSON report.
fn alerts(log: &str) -> Vec<String> {
    let report: Value = serde_json::from_str(&report("json", log)).expect("JSON");
    let all = report["alerts"].as_array().expect("alerts").iter();
    all.map(|alert| alert["to"].to_string()).collect()
}

#[test]
fn a_job_with_a_bad_key_is_one_alert_of_a_report() {
    let hourly = log(&[10, 70, 130], 150);
    assert_eq!(alerts(&hourly).len(), 1);
    assert!(report("table", &hourly).contains("recovered, again 2 times"));
    assert!(report("markdown", &hourly).contains("| recovered (again 2 times) |"));
    // It still fires at the end.
    assert_eq!(alerts(&log(&[10, 70], 75)), ["null"]);
    // More than four hours after its recovery it is another alert.
    assert_eq!(alerts(&log(&[10, 300], 320)).len(), 2);
}
