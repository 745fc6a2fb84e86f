//! The two pictures of the README. `UPDATE=1 cargo test --test it generated` writes the terminal again, from the report on two sample
//! logs. The page shows an incident of the last forty minutes, so it differs every time: `UPDATE=page cargo test --test it picture`
//! writes it.

use crate::browser;
use crate::running::{Server, append, program, until};
use crate::tool;
use llm_triage::time::Timestamp;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The size of a character and of the edge, in the picture's units.
const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 18.0;
const EDGE: f64 = 14.0;
const COLUMNS: usize = 100;
/// The most bytes of the picture of the page.
const MAX_BYTES: u64 = 150_000;

fn picture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/images").join(name)
}

#[test]
fn the_generated_picture_of_the_terminal_shows_the_report() {
    let samples = ["tests/data/samples/checkout.jsonl", "tests/data/samples/support-bot.log"];
    let mut command = program();
    command.args(["--brief", "--color", "always"]).args(samples).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.env("COLUMNS", COLUMNS.to_string()).env("TZ", "UTC").output().expect("the program runs");
    let report = String::from_utf8(output.stdout).expect("UTF-8");
    let picture = picture("report.svg");
    let svg = svg(&format!("$ llm-triage --brief checkout.jsonl support-bot.log\n{report}"));
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&picture, &svg).expect("docs can be written");
    }
    let there = fs::read_to_string(&picture).unwrap_or_default();
    assert!(there == svg, "docs/images/report.svg is out of date; run UPDATE=1 cargo test --test it generated");
}

/// A terminal with this text, which may have colours.
fn svg(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let (width, height) = (COLUMNS as f64 * WIDTH + 2.0 * EDGE, lines.len() as f64 * HEIGHT + 2.0 * EDGE);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"A report in a terminal\">\n\
         <style>text{{font:14px ui-monospace,Menlo,Consolas,\"DejaVu Sans Mono\",monospace;fill:#e6edf3;white-space:pre}}.b{{font-weight:bold}}.d{{fill:#9198a1}}.r{{fill:#ff7b72}}.y{{fill:#e3b341}}</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n"
    );
    for (row, line) in lines.iter().enumerate() {
        let y = EDGE + row as f64 * HEIGHT + 13.5;
        for (column, class, part) in parts(line) {
            let x = EDGE + column as f64 * WIDTH;
            let length = part.chars().count() as f64 * WIDTH;
            let part = part.replace('&', "&amp;").replace('<', "&lt;");
            // The length keeps the columns straight whatever font there is.
            writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{length:.1}\"{class}>{part}</text>")
                .expect("a String grows");
        }
    }
    svg + "</svg>\n"
}

/// The parts of a line between runs of blanks: each with its column and its colour.
fn parts(line: &str) -> Vec<(usize, String, String)> {
    let mut parts: Vec<(usize, String, String)> = Vec::new();
    let (mut column, mut blanks, mut class) = (0, 2, String::new());
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        if letter == '\x1b' {
            let code: String = letters.by_ref().skip(1).take_while(|letter| *letter != 'm').collect();
            class = match code.as_str() {
                "1" => " class=\"b\"".to_owned(),
                "2" => " class=\"d\"".to_owned(),
                "31" => " class=\"r\"".to_owned(),
                "33" => " class=\"y\"".to_owned(),
                _ => String::new(),
            };
            continue;
        }
        if letter == ' ' {
            blanks += 1;
        } else {
            match parts.last_mut() {
                Some((_, last, text)) if blanks < 2 && *last == class => {
                    text.extend(std::iter::repeat_n(' ', blanks));
                    text.push(letter);
                }
                _ => parts.push((column, class.clone(), letter.to_string())),
            }
            blanks = 0;
        }
        column += 1;
    }
    parts
}

#[test]
fn the_picture_of_the_page_is_small() {
    let picture = picture("page.png");
    if std::env::var_os("UPDATE").is_some_and(|what| what == "page") {
        let Some(mut script) = browser::script("screenshot.py") else { return };
        let dir = tempfile::tempdir().expect("a directory");
        let (log, config) = (dir.path().join("app.jsonl"), dir.path().join("config.toml"));
        append(&log, &incident());
        let source = format!("[[source.file]]\nname = \"app\"\npaths = [\"{}\"]\nstart_at = \"beginning\"\n", log.display());
        fs::write(&config, source).expect("written");
        let arguments =
            [format!("--config={}", config.display()), format!("--state-dir={}", dir.path().join("state").display())];
        let daemon = Server::run(arguments);
        until("the alerts", || daemon.get("/api/v1/alerts").filter(|alerts| alerts.matches("\"firing\"").count() >= 2));
        let url = format!("http://{}/", daemon.address);
        let (success, output) =
            tool::run(script.args([url.as_str(), &picture.display().to_string(), "1100", "820", "light"]), "");
        assert!(success, "{output}");
    }
    let size = fs::metadata(&picture).expect("docs/images/page.png exists").len();
    assert!(size > 10_000 && size < MAX_BYTES, "{size} bytes");
}

/// Calls of the last forty minutes: a limit that is reached since four minutes, and a key that is refused since two.
fn incident() -> String {
    let now = Timestamp::from_system(SystemTime::now());
    let mut log = String::new();
    for number in (0..800u64).rev() {
        let second = number * 3;
        let at = now.minus(Duration::from_secs(second));
        let (service, provider, model) = match number % 3 {
            0 => ("checkout", "openai", "gpt-5-mini"),
            1 => ("support-bot", "anthropic", "claude-sonnet-5"),
            _ => ("search", "mistral", "mistral-small-latest"),
        };
        let failure = match provider {
            "anthropic" if second < 240 && number % 4 != 0 => Some((
                429,
                "rate_limit_error",
                "This request would exceed your organization's rate limit of 400,000 input tokens per minute.",
            )),
            "openai" if second < 120 => Some((
                401,
                "invalid_api_key",
                "Incorrect API key provided: sk-proj-****************h7Qa. You can find your API key at https://platform.openai.com/account/api-keys.",
            )),
            _ if number % 97 == 0 => Some((500, "server_error", "The server had an error while processing your request.")),
            _ => None,
        };
        let head = format!(
            "\"timestamp\":\"{at}\",\"service\":\"{service}\",\"provider\":\"{provider}\",\"model\":\"{model}\",\"request_id\":\"req_{number:08}\""
        );
        let line = match failure {
            None => format!("{{{head},\"level\":\"info\",\"event\":\"llm_api_call\",\"status_code\":200,\"latency_ms\":812}}"),
            Some((status, code, error)) => format!(
                "{{{head},\"level\":\"error\",\"event\":\"llm_api_error\",\"status_code\":{status},\"error_code\":\"{code}\",\"error\":\"{error}\"}}"
            ),
        };
        log.push_str(&line);
        log.push('\n');
    }
    log
}
