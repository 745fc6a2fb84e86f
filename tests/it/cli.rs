//! The program as a person or a script runs it: its output, its errors and its exit code.

use crate::properties::{KEYS, keys_of};
use crate::running;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use tempfile::TempDir;
use unicode_width::UnicodeWidthStr as _;

/// The result of a run.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn verdicts(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect("one verdict per line")).collect()
    }
}

fn start(args: &[&str]) -> Child {
    let mut command = running::program();
    command.args(args).env("COLUMNS", "100").env("NO_COLOR", "1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the program starts")
}

fn run_with(args: &[&str], input: &[u8]) -> Ran {
    let mut child = start(args);
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_vec();
    // A program that does not read its input closes the pipe before us.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("the program ends");
    writer.join().expect("the writer ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: output.status.code().expect("no signal ended it"), out: text(output.stdout), err: text(output.stderr) }
}

fn run(args: &[&str]) -> Ran {
    run_with(args, b"")
}

/// The path of a file in `tests/data`.
fn data(name: &str) -> String {
    format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn timeline() -> String {
    data("timeline/timeline.jsonl")
}

/// A temporary directory with these files, and their paths.
fn folder(files: &[(&str, &[u8])]) -> (TempDir, Vec<PathBuf>) {
    let dir = tempfile::tempdir().expect("a folder");
    let paths = files.iter().map(|(name, bytes)| {
        let path = dir.path().join(name);
        fs::write(&path, bytes).expect("written");
        path
    });
    let paths = paths.collect();
    (dir, paths)
}

fn failure(at: &str, provider: &str) -> String {
    format!(
        "{{\"timestamp\":\"2026-11-20T{at}Z\",\"level\":\"error\",\"provider\":\"{provider}\",\"status_code\":401,\"error\":\"x\"}}\n"
    )
}

const GOOD: &str = "{\"timestamp\":\"2026-11-20T09:00:00Z\",\"level\":\"info\",\"event\":\"llm_api_call\",\"provider\":\"openai\",\"model\":\"gpt-5\",\"status_code\":200}\n";

#[test]
fn classify_reads_a_file_as_it_reads_a_pipe() {
    let log = fs::read(timeline()).expect("readable");
    let piped = run_with(&["classify"], &log);
    assert_eq!((piped.code, piped.err.as_str()), (0, ""));
    assert_eq!(piped.out.lines().count(), 1_068);
    assert_eq!(run_with(&["classify", "-"], &log).out, piped.out);
    let strip = |ran: &Ran| {
        let mut verdicts = ran.verdicts();
        for verdict in &mut verdicts {
            let object = verdict.as_object_mut().expect("an object");
            object.retain(|key, _| key != "source" && key != "service");
        }
        verdicts
    };
    let file = run(&["classify", &timeline()]);
    assert_eq!(strip(&file), strip(&piped));
    let first = &file.verdicts()[0];
    assert_eq!((&first["source"], &first["service"]), (&Value::from(timeline()), &Value::from("timeline")));
    assert_eq!(piped.verdicts()[0]["source"], "stdin");
}

#[test]
fn classify_prints_only_the_requested_outcome() {
    let verdicts = run(&["classify", "--only", "error", &timeline()]).verdicts();
    assert_eq!(verdicts.len(), 146);
    assert!(verdicts.iter().all(|verdict| verdict["outcome"] == "error"));
}

#[test]
fn a_verdict_has_the_keys_of_its_schema() {
    let schema = run(&["schema", "verdict"]).json();
    let sorted = |mut keys: Vec<String>| {
        keys.sort();
        keys
    };
    let properties = schema["properties"].as_object().expect("properties").keys().cloned().collect();
    let required: Vec<String> = serde_json::from_value(schema["required"].clone()).expect("a list");
    let keys: Vec<_> = KEYS.iter().map(|key| (*key).to_owned()).collect();
    assert_eq!(sorted(properties), sorted(keys.clone()));
    assert_eq!(sorted(required), sorted(keys.clone()));
    assert_eq!(schema["additionalProperties"], false);
    for line in run(&["classify", &data("sdk-logs/openai-debug.log")]).out.lines() {
        assert_eq!(keys_of(line), keys);
        let verdict: Value = serde_json::from_str(line).expect("JSON");
        for (key, value) in verdict.as_object().expect("an object") {
            let property = &schema["properties"][key];
            if let Some(words) = property["enum"].as_array() {
                assert!(words.contains(value), "{key}: {value}");
            }
        }
    }
}

#[test]
fn the_table_shows_the_errors_and_what_to_do() {
    let ran = run(&[&timeline()]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let parts = [
        "timeline.jsonl: 1,068 lines, 1,068 calls, 146 failed (14 %)",
        "31  openai: Quota used up",
        "do not retry",
        "17  anthropic: Overloaded  [529]",
        "timeline.jsonl:855",
        "Alerts that the daemon would have raised",
        "claude-opus-4-6",
    ];
    for part in parts {
        assert!(ran.out.contains(part), "{part:?} is not in\n{}", ran.out);
    }
    assert!(ran.out.lines().all(|line| line.width() <= 100), "the lines fit the terminal");
    assert!(!ran.out.contains('\x1b'), "no colours in a pipe");
}

#[test]
fn the_table_fits_a_narrow_terminal_too() {
    let two_days = format!("{}{}", failure("09:00:01", "openai"), failure("09:00:01", "anthropic").replace("-20T", "-21T"));
    for (columns, log) in [("60", fs::read_to_string(timeline()).expect("readable")), ("72", two_days)] {
        let (_dir, paths) = folder(&[("a.log", log.as_bytes())]);
        let mut command = running::program();
        command.current_dir(paths[0].parent().expect("a folder")).arg("a.log").env("COLUMNS", columns).env("NO_COLOR", "1");
        let out = String::from_utf8(command.output().expect("the program runs").stdout).expect("UTF-8");
        let width: usize = columns.parse().expect("a number");
        let wide: Vec<_> = out.lines().filter(|line| line.width() > width).collect();
        assert!(out.contains("Alerts that") && wide.is_empty(), "wider than {columns}: {wide:#?}\n{out}");
    }
}

#[test]
fn chinese_text_fits_the_terminal() {
    let message = "您的账户已达到速率限制,请您控制请求频率,或者联系客服提高并发数量上限".repeat(3);
    let log = failure("09:00:01", "zai").replace("\"x\"", &format!("\"{message}\""));
    let (_dir, paths) = folder(&[("a.log", log.as_bytes())]);
    let mut command = running::program();
    command.current_dir(paths[0].parent().expect("a folder")).arg("a.log").env("COLUMNS", "60").env("NO_COLOR", "1");
    let out = String::from_utf8(command.output().expect("the program runs").stdout).expect("UTF-8");
    let wide: Vec<_> = out.lines().filter(|line| line.width() > 60).collect();
    assert!(out.contains("您的账户") && wide.is_empty(), "wider than 60: {wide:#?}\n{out}");
}

#[test]
fn a_report_says_how_answers_ended() {
    let call = |reason: &str, tokens: u64| {
        format!(
            r#"{{"ts":"2026-11-20T09:00:00Z","provider":"openai","model":"gpt-5","finish_reason":"{reason}","output_tokens":{tokens}}}"#
        )
    };
    let log = [call("stop", 5), call("stop", 6), call("length", 512), call("stop", 0)].join("\n");
    let report = run_with(&["report", "--format", "json"], log.as_bytes()).json();
    let row =
        |ending: &str, count: u64| json!({"provider": "openai", "ending": ending, "count": count, "share": count as f64 / 4.0});
    assert_eq!(report["answers"], json!([row("complete", 2), row("truncated", 1), row("empty", 1)]));
    let text = run_with(&["report"], log.as_bytes()).out;
    assert!(text.contains("25 % of the answers were cut at the output limit"), "{text}");
    assert!(text.contains("openai: 1 answer truncated (25 %)") && text.contains("openai: 1 answer empty (25 %)"), "{text}");
}

#[test]
fn the_json_report_is_the_contract() {
    let report = run(&["report", "--format", "json", &timeline()]).json();
    let keys = |value: &Value| {
        let mut keys: Vec<_> = value.as_object().expect("an object").keys().cloned().collect();
        keys.sort();
        keys.join(" ")
    };
    assert_eq!(keys(&report), "alerts answers errors findings input interrupted records skipped span unknown unread v windows");
    assert_eq!(
        keys(&report["errors"][0]),
        "at category count example first fix last models owner pattern peak_at peak_per_minute provider request_ids retry row \
         services share status"
    );
    assert_eq!(keys(&report["alerts"][0]), "from provider reason row service severity state to");
    assert_eq!(keys(&report["windows"][0]), "count provider ratio status window");
    assert_eq!(keys(&report["findings"][0]), "advice blame from kind last model owner provider row service since text to");
    assert_eq!(report["records"], serde_json::json!({"success": 922, "error": 146, "other": 0, "unrecognised_errors": 0}));
    let bytes = fs::metadata(timeline()).expect("the file exists").len();
    assert_eq!(report["input"], serde_json::json!({"bytes": bytes, "lines": 1_068}));
    let errors = report["errors"].as_array().expect("a list");
    let counts: Vec<_> = errors.iter().filter_map(|error| error["count"].as_u64()).collect();
    assert_eq!(counts.iter().sum::<u64>(), 146);
    assert!(counts.is_sorted_by(|a, b| a >= b), "most frequent first: {counts:?}");
    let rows: Vec<_> = report["alerts"].as_array().expect("a list").iter().filter_map(|alert| alert["row"].as_str()).collect();
    // Six empty answers among fourteen calls are not enough for the row `hollow`.
    for row in ["rate-limit", "overloaded", "server-error", "unavailable", "auth", "timeout", "billing", "network"] {
        assert_eq!(rows.iter().filter(|fired| **fired == row).count(), 1, "{row} in {rows:?}");
    }
}

#[test]
fn the_markdown_report_is_a_table() {
    let ran = run(&["report", "--format", "markdown", &timeline()]);
    assert_eq!(ran.code, 0);
    assert!(ran.out.starts_with("# LLM calls: 146 of 1,068 failed\n"), "{}", ran.out);
    assert!(ran.out.contains("| critical | 31 | 21 % | openai | Quota used up: billing, not rate | 429 |"), "{}", ran.out);
    let bars = |line: &str| line.matches('|').count();
    let table: Vec<_> = ran.out.lines().filter(|line| line.starts_with('|')).collect();
    assert!(table.len() >= 10 && table.iter().take(8).all(|line| bars(line) == bars(table[0])), "{table:?}");
}

#[test]
fn the_exit_code_says_whether_a_call_failed() {
    let good = GOOD.repeat(3);
    let bad = format!("{good}{}", failure("09:00:01", "openai"));
    let slow = format!("{good}{}", failure("09:00:01", "openai").replace("401", "503"));
    let code = |level: &str, log: &str| run_with(&["report", "--fail-on", level], log.as_bytes()).code;
    assert_eq!(code("error", &good), 0, "nothing failed");
    assert_eq!(code("critical", &bad), 3, "a 401 is critical at once");
    assert_eq!((code("error", &slow), code("info", &slow)), (3, 0), "one 503 is a failed call and no alert");
}

#[test]
fn an_invalid_command_line_is_reported() {
    let cases: [(&[&str], &str); 10] = [
        (&["report", "--nope"], "--nope"),
        (&["report", "--format", "xml"], "xml"),
        (&["classify", "--only", "bad"], "error, success, other, all"),
        (&["classify", "--traffic", "some"], "llm, mixed"),
        (&["report", "--since", "yesterday", &timeline()], "yesterday"),
        (&["report", "--since", "2026-13-01", &timeline()], "a date (2026-11-20)"),
        (&["report", "--since", "10:31", "--until", "10:30", &timeline()], "between --since and --until"),
        (&["report", "--threads", "0", &timeline()], "1..="),
        (&["report", "--tz", "Mars/Base", &timeline()], "Mars/Base"),
        (&["patterns", "show", "no-such-insufficient-quota"], "patterns list"),
    ];
    for (args, part) in cases {
        let ran = run(args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}: {ran:?}");
        assert!(ran.err.contains(part), "{args:?}: {}", ran.err);
    }
    let ran = run_with(&["report", "--since", "5m"], GOOD.as_bytes());
    assert_eq!(ran.code, 2, "the end of a pipe is unknown: {ran:?}");
}

#[test]
fn a_report_says_which_records_were_not_understood() {
    let log = concat!(
        "{\"level\":\"WARN\",\"msg\":\"odd: the pool of openai looks strange, key sk-aaaabbbbccccdddd1234567890\",\"provider\":\"openai\"}\n",
        "{\"level\":\"INFO\",\"msg\":\"done\",\"model\":\"gpt-5\"}\n",
        "{\"level\":\"WARN\",\"msg\":\"odd: the pool of openai looks strange, key sk-aaaabbbbccccdddd1234567890\",\"provider\":\"openai\"}\n",
        "{\"level\":\"WARN\",\"msg\":\"the pantry is nearly empty\"}\n",
        "{\"level\":\"INFO\",\"msg\":\"done\",\"model\":\"gpt-5\"}\n",
    );
    let (_dir, paths) = folder(&[("app.log", log.as_bytes())]);
    let path = paths[0].to_str().expect("a plain name");
    let unread = &run(&["report", "--format", "json", path]).json()["unread"];
    assert_eq!((&unread["count"], &unread["share"]), (&json!(2), &json!(0.5)));
    let example = &unread["examples"][0];
    assert_eq!((&example["count"], &example["at"]), (&json!(2), &json!(format!("{path}:1"))));
    assert!(
        example["example"].as_str().is_some_and(|text| text.starts_with("odd: the pool") && !text.contains("aaaabbbb")),
        "{unread}"
    );
    let table = run(&["report", path]).out;
    assert!(table.contains("2 records not understood: 50 %"), "{table}");
    let checked = run(&["check", "--sources", "--file", path]).out;
    // The terminal may have broken the line.
    let checked = checked.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        checked.contains("2 of 4 records that speak of an LLM call or of trouble are not understood, such as: odd: the pool"),
        "{checked}"
    );
}

#[test]
fn an_unreadable_file_is_reported_and_the_others_are_read() {
    let files: [(&str, &[u8]); 3] =
        [("good.log", GOOD.as_bytes()), ("bad.gz", b"this is not compressed"), ("bad.xz", b"\xfd7zXZ\0...")];
    let (_dir, paths) = folder(&files);
    let [good, bad, other] = [0, 1, 2].map(|index: usize| paths[index].to_string_lossy());
    let missing = ["/no/such/file.log", &bad, &other];
    for at in [0, 3] {
        let mut args = vec!["classify", missing[0], missing[1], missing[2]];
        args.insert(at + 1, &good);
        let ran = run(&args);
        assert_eq!((ran.code, ran.verdicts().len()), (1, 1), "{ran:?}");
        assert_eq!(ran.err.lines().count(), 3, "{ran:?}");
        assert!(missing.iter().all(|path| ran.err.contains(path)), "{ran:?}");
    }
}

#[test]
fn an_empty_report_is_not_printed() {
    let log = fs::read(timeline()).expect("readable");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&log).expect("compressed");
    let compressed = gz.finish().expect("compressed");
    let (_dir, paths) = folder(&[
        ("half.gz", &compressed[..compressed.len() / 2]),
        ("none.zst", b"this is not compressed"),
        ("empty.log", b""),
    ]);
    let nothing = tempfile::tempdir().expect("a folder");
    for (path, message) in [
        (
            "reprot",
            "cannot read reprot: no such file or directory; did you mean report? `llm-triage --help` lists the commands",
        ),
        (&nothing.path().to_string_lossy(), "no log file is in these directories"),
        (&paths[1].to_string_lossy(), "none.zst to its end: not zstd data, or corrupt"),
    ] {
        let ran = run(&[path]);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{ran:?}");
        assert!(ran.err.contains(message) && ran.err.lines().count() == 1, "{ran:?}");
    }
    let half = run(&[&paths[0].to_string_lossy()]);
    assert!(half.code == 1 && half.err.ends_with("half.gz to its end: the gzip data is cut off\n"), "{}", half.err);
    assert!(half.out.contains(" failed ("), "the bytes that were read are reported: {}", half.out);
    let empty = run(&[&paths[2].to_string_lossy()]);
    assert!(empty.code == 0 && empty.out.ends_with("There was nothing to read.\n"), "{empty:?}");
    let later = run(&["--since", "2026-11-13", &timeline()]);
    assert!(later.code == 0 && later.out.ends_with("No record lies between --since and --until.\n"), "{later:?}");
}

#[test]
fn a_closed_stdout_is_no_error() {
    let log = fs::read_to_string(timeline()).expect("readable").repeat(3);
    let (_dir, paths) = folder(&[("long.jsonl", log.as_bytes())]);
    let mut child = start(&["classify", &paths[0].to_string_lossy()]);
    let mut first = String::new();
    let mut out = BufReader::new(child.stdout.take().expect("piped"));
    out.read_line(&mut first).expect("one verdict");
    assert!(first.starts_with("{\"v\":1,"), "{first}");
    drop(out);
    let mut err = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut err).expect("text");
    assert_eq!((child.wait().expect("the program ends").code(), err.as_str()), (Some(0), ""));
}

#[test]
fn a_signal_to_end_prints_the_report_while_the_pipe_is_silent() {
    // The names, and their bits in the mask of caught signals.
    for (name, bit) in [("INT", 1 << 1), ("TERM", 1 << 14)] {
        let mut child = start(&["report"]);
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(failure("09:00:01", "openai").as_bytes()).expect("the program reads");
        let pid = child.id().to_string();
        running::until("the line to be read", || rustix::io::ioctl_fionread(&stdin).is_ok_and(|left| left == 0).then_some(()));
        let caught = running::until("its own handler", || {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the program runs");
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?.trim();
            Some(u64::from_str_radix(caught, 16).expect("a mask")).filter(|caught| caught & bit != 0)
        });
        assert_eq!(caught & 1, 0, "SIGHUP stays as it is, for nohup");
        let sent = std::process::Command::new("kill").args([&format!("-{name}"), &pid]).status().expect("kill runs");
        assert!(sent.success());
        let output = child.wait_with_output().expect("the program ends while the pipe is open");
        let out = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!(output.status.code(), Some(130), "{name}: {out}");
        assert!(out.starts_with("stdin: 1 line, 1 call, 1 failed") && out.contains("INTERRUPTED: "), "{name}: {out}");
        drop(stdin);
    }
}

#[test]
fn compressed_files_are_decompressed() {
    let log = fs::read(timeline()).expect("readable");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&log).expect("compressed");
    let (_dir, paths) = folder(&[("timeline.jsonl.gz", &gz.finish().expect("compressed"))]);
    let report = run(&["report", "--format", "json", &paths[0].to_string_lossy()]).json();
    assert_eq!(report["input"], serde_json::json!({"bytes": log.len(), "lines": 1_068}));
    assert_eq!(report["records"]["error"], 146);
}

#[test]
fn every_frame_of_a_zst_file_is_read() {
    // Raw blocks need no compressor: magic number, window of 1 MiB, one last block.
    let frame = |text: &[u8]| {
        let block = (u32::try_from(text.len()).expect("short") << 3 | 1).to_le_bytes();
        [&[0x28, 0xb5, 0x2f, 0xfd, 0, 0x50], &block[..3], text].concat()
    };
    let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0], &b"any"[..]].concat();
    let whole = [frame(GOOD.as_bytes()), skipped, frame(failure("09:00:01", "openai").as_bytes())].concat();
    let (_dir, paths) = folder(&[("two.zst", &whole), ("cut.zst", &whole[..whole.len() - 9])]);
    let two = run(&["classify", &paths[0].to_string_lossy()]);
    assert_eq!((two.code, two.verdicts().len()), (0, 2), "{two:?}");
    let cut = run(&["classify", &paths[1].to_string_lossy()]);
    assert_eq!((cut.code, cut.verdicts().len()), (1, 1), "{cut:?}");
    assert!(cut.err.contains("the zstd data is cut off"), "{}", cut.err);
}

#[test]
fn since_and_until_select_records() {
    let records = |bounds: &[&str]| {
        let path = timeline();
        let mut args = vec!["report", "--format", "json", &path];
        args.extend(bounds);
        let report = run(&args).json();
        (report["records"]["error"].clone(), report["records"]["success"].clone(), report["span"]["from"].clone())
    };
    let expected = (Value::from(15), Value::from(22), Value::from("2026-11-12T10:30:00.831Z"));
    assert_eq!(records(&["--since", "10:30", "--until", "10:31"]), expected);
    assert_eq!(records(&["--since", "2026-11-12T10:30:00Z", "--until", "2026-11-12T11:31:00+01:00"]), expected);
    let end = records(&["--since", "3m"]);
    assert_eq!(end, (Value::from(17), Value::from(108), Value::from("2026-11-12T10:31:46.519Z")));
}

#[test]
fn several_files_are_merged_by_event_time() {
    let lines = |provider: &str, seconds: [&str; 3]| seconds.map(|second| failure(second, provider)).concat();
    let (_dir, paths) = folder(&[
        ("b.log", lines("openai", ["09:00:01", "09:00:04", "09:00:05"]).as_bytes()),
        ("a.log", lines("anthropic", ["09:00:02", "09:00:03", "09:00:06"]).as_bytes()),
    ]);
    let ran = run(&["classify", &paths[0].to_string_lossy(), &paths[1].to_string_lossy()]);
    let order: Vec<_> = ran.verdicts().iter().map(|verdict| verdict["ts"].to_string()).collect();
    assert_eq!(order, [1, 2, 3, 4, 5, 6].map(|second| format!("\"2026-11-20T09:00:0{second}.000Z\"")));
    let verdicts = ran.verdicts();
    let sources: Vec<_> = verdicts.iter().map(|verdict| verdict["service"].as_str().unwrap_or_default()).collect();
    assert_eq!(sources, ["b", "a", "a", "b", "b", "a"]);
    let reversed = run(&["classify", &paths[1].to_string_lossy(), &paths[0].to_string_lossy()]);
    assert_eq!(reversed.out, ran.out, "the order of the arguments does not matter");
}

#[test]
fn invalid_patterns_are_reported_with_file_and_line() {
    let cases = [
        ("[[pattern]]\nid = \"mine\"\ntitle = \"x\"\ncategory = \"no-such\"\n", ":4: ", "no-such"),
        ("[[pattern]\nid = 1\n", ":1: ", "own.toml"),
    ];
    for (text, line, part) in cases {
        let (dir, _) = folder(&[("own.toml", text.as_bytes()), ("notes.md", b"no pattern")]);
        let dir = dir.path().to_string_lossy();
        let ran = run_with(&["classify", "--patterns", &dir], GOOD.as_bytes());
        assert_eq!((ran.code, ran.out.as_str()), (78, ""), "{text}: {ran:?}");
        assert!(ran.err.contains("own.toml") && ran.err.contains(line) && ran.err.contains(part), "{text}: {}", ran.err);
    }
    assert_eq!(run(&["classify", "--patterns", "/no/such/folder"]).code, 78);
}

#[test]
fn a_users_pattern_wins_and_is_tested() {
    let pattern = |example: &str| {
        format!(
            "[[pattern]]\nid = \"house-flux\"\ntitle = \"Flux\"\ncategory = \"client-tool\"\nowner = \"tool\"\nretry = \"no\"\n\
             message = ['flux capacitor misaligned']\nmeaning = \"m\"\nfix = \"Align it.\"\nexamples = ['{example}']\n"
        )
    };
    let line = r#"{"level":"error","provider":"openai","error":"flux capacitor misaligned: error 0x7f"}"#;
    let (dir, _) = folder(&[("own.toml", pattern(line).as_bytes())]);
    let dir = dir.path().to_string_lossy();
    let verdicts = run_with(&["classify", "--patterns", &dir], format!("{line}\n").as_bytes()).verdicts();
    assert_eq!((&verdicts[0]["pattern"], &verdicts[0]["fix"]), (&Value::from("house-flux"), &Value::from("Align it.")));
    let ran = run(&["patterns", "test", &dir]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "1 patterns, 0 events, 1 examples, 0 near misses, 0 wrong\n"));
    let (dir, _) = folder(&[("own.toml", pattern(r#"{"level":"error","error":"something else"}"#).as_bytes())]);
    let ran = run(&["patterns", "test", &dir.path().to_string_lossy()]);
    assert!(ran.code == 78 && ran.err.contains("house-flux"), "{ran:?}");
}

#[test]
fn a_general_pattern_of_a_user_yields_to_a_specific_one() {
    let pattern = "[[pattern]]\nid = \"house-wrap\"\ntitle = \"Wrap\"\ncategory = \"client-tool\"\nowner = \"tool\"\nretry = \"no\"\n\
                   message = ['duck relay failed']\ngeneral = true\nmeaning = \"m\"\nfix = \"f\"\n\
                   examples = ['{\"level\":\"error\",\"error\":\"duck relay failed\"}']\n";
    let (dir, _) = folder(&[("own.toml", pattern.as_bytes())]);
    let log = "{\"event\":\"llm_api_error\",\"error\":\"duck relay failed\"}\n\
               {\"event\":\"llm_api_error\",\"error\":\"duck relay failed: maximum context length is 8192 tokens\"}\n";
    let verdicts = run_with(&["classify", "--patterns", &dir.path().to_string_lossy()], log.as_bytes()).verdicts();
    let patterns: Vec<_> = verdicts.iter().map(|verdict| verdict["pattern"].as_str().unwrap_or_default()).collect();
    assert_eq!(patterns, ["house-wrap", "openai-context-length-exceeded"]);
}

#[test]
fn an_unknown_key_of_the_configuration_is_reported() {
    let (_dir, paths) = folder(&[("config.toml", b"[http]\nlisten = \"127.0.0.1:0\"\nlisen = \"x\"\n")]);
    let path = paths[0].to_string_lossy();
    let ran = run(&["check", "--config", &path]);
    assert_eq!((ran.code, ran.out.as_str()), (78, ""));
    assert!(ran.err.contains("config.toml:3:1: ") && ran.err.contains("did you mean `listen`"), "{}", ran.err);
    assert_eq!(run(&["run", "--config", &path]).code, 78);
}

#[test]
fn faults_of_the_configuration_and_of_pattern_files_are_shown_together_with_their_lines() {
    let own = "[[pattern]]\nid = 'ours'\nprovider = 'openai'\n";
    let (dir, paths) = folder(&[("ours.toml", own.as_bytes()), ("config.toml", b"")]);
    let (own, config) = (paths[0].to_string_lossy(), paths[1].to_string_lossy());
    let text = format!(
        "[[source.file]]\npath = ['/var/log/llm/a.log']\n[[escalation]]\nid = 'auth'\nsustaind = '5m'\n[[receiver.slack]]\n\
         url_file = 'none'\n[record.fields]\nprovder = ['vendor']\n[patterns]\ndirs = ['{own}']\n"
    );
    std::fs::write(&paths[1], text).expect("a file");
    let ran = run(&["check", "--config", &config]);
    assert_eq!(ran.code, 78, "{ran:?}");
    for expected in [
        format!(
            "{config}:2:1: unknown key `source.file.path`; did you mean `paths`?\n  2 | path = ['/var/log/llm/a.log']\n    | ^^^^\n"
        ),
        format!(
            "{config}:5:1: `escalation`: unknown key `sustaind`; did you mean `sustained`?\n  5 | sustaind = '5m'\n    | ^^^^^^^^\n"
        ),
        "  6 | [[receiver.slack]]\n  7 | url_file = 'none'\n    | ^^^^^^^^^^^^^^^^^\n".to_owned(),
        "  8 | [record.fields]\n  9 | provder = ['vendor']\n    | ^^^^^^^^^^^^^^^^^^^^\n".to_owned(),
        format!("{own}:3: unknown key `provider`; did you mean `providers`?\n  3 | provider = 'openai'\n    | ^^^^^^^^\n"),
    ] {
        assert!(ran.err.contains(&expected), "{expected}\n---\n{}", ran.err);
    }
    // The misspelled key is the one fault of its table, and the fault of the row is not one of the receiver, too.
    assert!(!ran.err.contains("needs `paths`"), "{}", ran.err);
    drop(dir);
}

/// A fault of a value is shown at its line, not only at the table that has it.
#[test]
fn a_fault_of_a_row_or_a_receiver_shows_the_line_with_the_value() {
    let source = "[[source.file]]\npaths = ['/var/log/llm/a.log']\n";
    for (text, shown) in [
        ("[[escalation]]\nid = 'auth'\nmatch = { status = [401, 999] }\n", "  5 | match = { status = [401, 999] }\n    | ^^^^"),
        ("[[receiver.stdout]]\nrows = ['auth', 'bilings']\n", "  4 | rows = ['auth', 'bilings']\n    | ^^^^"),
        ("[[provider]]\nhosts = ['llm.example']\nid = 'My Corp'\n", "  5 | id = 'My Corp'\n    | ^^^^"),
        ("[patterns]\ndirs = ['/no/such/folder']\n", "  4 | dirs = ['/no/such/folder']\n    |        ^"),
        // Without such a value, the line of the table alone.
        ("[[provider]]\nhosts = ['llm.example']\n", "  3 | [[provider]]\n"),
    ] {
        let (_dir, paths) = folder(&[("config.toml", format!("{source}{text}").as_bytes())]);
        let ran = run(&["check", "--config", &paths[0].to_string_lossy()]);
        assert!(ran.code == 78 && ran.err.contains(shown), "{shown}\n---\n{}", ran.err);
    }
}

#[test]
fn init_writes_a_good_configuration_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("new/config.toml");
    let path = path.to_str().expect("a plain name");
    let ran = run(&["init", "--output", path]);
    assert!(ran.code == 0 && ran.out.contains(&format!("llm-triage check --sources --config {path}")), "{ran:?}");
    assert_eq!(run(&["check", "--config", path]).code, 0);
    let before = std::fs::read(path).expect("the file");
    let again = run(&["init", "--output", path]);
    assert!(again.code == 1 && again.err.contains("file exists") && again.err.contains("--output"), "{again:?}");
    assert_eq!(std::fs::read(path).expect("the file"), before);
}

#[test]
fn an_excerpt_hides_secrets_and_an_error_of_syntax_hides_what_follows_from_it() {
    let (_dir, paths) = folder(&[(
        "config.toml",
        b"[[source.file]]\npaths = ['/x']\n[http\nlisten = '127.0.0.1:0'\n[[receiver.webhook]]\nurl = 'http://user:hunter22secret@hook.example/'\ncolour = 'x'\n",
    )]);
    let config = paths[0].to_string_lossy();
    let ran = run(&["check", "--config", &config]);
    assert_eq!(ran.err.lines().filter(|line| line.contains("config.toml:")).count(), 1, "{}", ran.err);
    assert!(ran.err.contains("  3 | [http\n"), "{}", ran.err);
    std::fs::write(
        &paths[0],
        "[[source.file]]\npaths = ['/x']\n[[receiver.webhook]]\nurls = 'http://user:hunter22secret@hook.example/'\n",
    )
    .expect("a file");
    let ran = run(&["check", "--config", &config]);
    assert!(ran.err.contains("  4 | urls = ") && !ran.err.contains("hunter22secret"), "{}", ran.err);
}

#[test]
fn findings_are_in_every_format() {
    let sample = data("samples/checkout.jsonl");
    let report = run(&["report", "--format", "json", &sample]).json();
    let rotation = &report["findings"].as_array().expect("a list")[0];
    assert_eq!((&rotation["kind"], &rotation["blame"]), (&"key-rotation".into(), &"account".into()), "{rotation}");
    let text = rotation["text"].as_str().expect("text");
    assert!(
        text.starts_with("checkout: 20 calls succeeded until 09:11:21, and the key that ends in h7Qa has been refused"),
        "{text}"
    );
    for format in ["table", "markdown"] {
        let ran = run(&["report", "--format", format, &sample]);
        let said = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("Findings across calls") && said.contains(text), "{}", ran.out);
    }
}

#[test]
fn a_type_that_says_500_does_not_change_a_503_or_529() {
    for (status, row) in [(500, "server-error"), (503, "unavailable"), (504, "unavailable"), (529, "overloaded")] {
        let line = format!(
            "{{\"level\":\"error\",\"provider\":\"anthropic\",\"status_code\":{status},\"error_type\":\"api_error\",\"error\":\"Service Unavailable\"}}\n"
        );
        let (_dir, paths) = folder(&[("a.jsonl", line.as_bytes())]);
        let ran = run(&["classify", &paths[0].to_string_lossy()]);
        let verdict: Value = serde_json::from_str(&ran.out).expect("a verdict");
        assert_eq!((&verdict["status"], &verdict["upstream_status"]), (&Value::from(status), &Value::Null), "{verdict}");
        assert_eq!(verdict["row"], row, "{verdict}");
    }
}

#[test]
fn check_reports_all_errors_and_what_each_row_matches() {
    let (_dir, paths) = folder(&[("config.toml", b"[[escalation]]\nid = 'auth'\nmatch = { category = 'money' }\n")]);
    let ran = run(&["check", "--config", &paths[0].to_string_lossy()]);
    assert_eq!(ran.code, 78, "{ran:?}");
    for message in ["nothing to read", "unknown category \"money\""] {
        assert!(ran.err.contains(message), "{message}: {}", ran.err);
    }
    let ran = run(&["check", "--stdin"]);
    for message in
        ["status not 503, category rate-limit-capacity\n", "any other failed call\n", "status connection; or owner network\n"]
    {
        assert!(ran.out.contains(message), "{message}: {}", ran.out);
    }
}

#[test]
fn check_reports_the_place_of_an_error_and_a_hint() {
    let source = "[[source.file]]\npaths = ['/var/log/llm/*.jsonl']\n";
    let check = |more: &str, flags: &[&str]| {
        let (_dir, paths) = folder(&[("config.toml", format!("{source}{more}").as_bytes())]);
        let path = paths[0].to_string_lossy().into_owned();
        run(&[&["check", "--config", &path], flags].concat())
    };
    for (more, message) in [
        (
            "[[escalation]]\nid = 'auth'\nmatch = { category = 'money' }\n",
            "unknown category \"money\"; known are content-policy",
        ),
        ("[[escalation]]\nid = 'auth'\nsustained = '2h'\n", "sustained = \"2h\" is too long: at most 60 minutes"),
        ("[[receiver.slack]]\nurl_file = 'no-such-file'\n", "receiver slack: cannot read url_file"),
        ("[[receiver.webhook]]\nurl = 'http://x'\nrows = ['atuh']\n", "there is no row \"atuh\" in the escalation table"),
        ("[[receiver.webhook]]\nurl = 'http://x'\nseverity = 'info'\n", "unknown key `severity`"),
    ] {
        let ran = check(more, &[]);
        assert_eq!(ran.code, 78, "{ran:?}");
        assert!(ran.err.contains("config.toml:") && ran.err.contains(message), "{message}: {}", ran.err);
    }
    // No process listens on the port: a warning, because the receiver may start later; an error with `--receivers`.
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
    let receiver = format!("[[receiver.alertmanager]]\nurls = ['http://127.0.0.1:{port}']\n");
    for (flags, code) in [(&[][..], 0), (&["--receivers"][..], 1)] {
        let ran = check(&receiver, flags);
        assert_eq!(ran.code, code, "{ran:?}");
        let message = format!("config.toml:3:1: receiver alertmanager: cannot connect to 127.0.0.1:{port}: Connection refused");
        assert!(ran.err.contains(&message) && ran.err.contains("is the address right"), "{}", ran.err);
    }
}

#[test]
fn bad_input_is_counted_and_the_rest_is_read() {
    let mut log = Vec::new();
    log.extend(b"this is not JSON\n");
    log.extend(b"{\"level\":\"error\",\"provider\":\"openai\",\"status_code\":401,\"error\":\"half a li\n");
    log.extend(b"{\"level\":\"info\",\"message\":\"half a li\n");
    log.extend(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\n");
    log.extend(b"\xff\xfe ERROR app openai.RateLimitError: Error code: 429 \xc3\x28\n");
    log.extend(b"\n   \n");
    // A line of 1 MB with fields at its start and its end.
    log.extend(b"{\"level\":\"error\",\"provider\":\"anthropic\",\"prompt\":\"");
    log.extend("words ".repeat(200_000).bytes());
    log.extend(b"\",\"status_code\":529,\"error\":\"Overloaded\"}\n");
    log.extend(failure("09:00:00", "deepseek").trim_end().bytes());
    let ran = run_with(&["report", "--format", "json"], &log);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let report = ran.json();
    assert_eq!(report["input"]["bytes"], log.len());
    let mut errors: Vec<_> = report["errors"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|error| format!("{} {}", error["provider"], error["status"]))
        .collect();
    errors.sort();
    assert_eq!(errors, ["\"anthropic\" 529", "\"deepseek\" 401", "\"openai\" 401", "\"openai\" 429"]);
    let skipped = report["skipped"].as_object().expect("reasons");
    for reason in ["binary", "malformed", "too_long"] {
        assert!(skipped.get(reason).and_then(Value::as_u64).is_some_and(|lines| lines > 0), "{reason} in {skipped:?}");
    }
    let verdicts = run_with(&["classify"], &log);
    assert!(verdicts.out.lines().all(|line| keys_of(line) == KEYS), "every verdict has all keys");
}

#[test]
fn a_binary_file_is_skipped() {
    let noise: Vec<u8> = (0u32..200_000).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let ran = run_with(&["report", "--format", "json", "--traffic", "mixed"], &noise);
    assert_eq!((ran.code, &ran.json()["records"]["error"]), (0, &Value::from(0)), "{}", ran.err);
    assert!(ran.json()["skipped"]["binary"].as_u64().is_some_and(|lines| lines > 100));
}

#[test]
fn an_empty_pipe_is_no_error() {
    for args in [&["classify"][..], &[]] {
        assert_eq!(run(args).code, 0, "{args:?}");
    }
}

#[test]
fn explain_takes_a_status_an_id_or_a_text() {
    let said = |args: &[&str], input: &str| {
        let ran = run_with(args, input.as_bytes());
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        ran.out
    };
    let overloaded = said(&["explain", "529"], "");
    assert!(overloaded.contains("rate-limit-capacity") && overloaded.contains("anthropic-overloaded"), "{overloaded}");
    let quota = said(&["explain", "openai-insufficient-quota"], "");
    assert!(quota.contains("billing-account") && quota.contains("Retrying cannot help"), "{quota}");
    let text = "Error code: 429 - {'error': {'message': 'You exceeded your current quota, please check your plan and billing \
                details.', 'type': 'insufficient_quota', 'param': None, 'code': 'insufficient_quota'}}";
    assert!(said(&["explain"], text).contains("billing-account"), "a pipe is read like an argument");
    assert!(said(&["explain"], text).contains("decided by   a type, code or class"), "what decided");
    assert!(said(&["explain"], text).contains("next         Stop and alert"), "what comes next");
    for text in ["flux capacitor misaligned", "nosuchthingatall"] {
        let ran = run(&["explain", text]);
        assert!(ran.code == 1 && ran.out.contains("no pattern matches"), "{ran:?}");
    }
    assert_eq!(run(&["explain"]).code, 2);
}

#[test]
fn the_catalogue_is_listed_shown_and_tested() {
    let all = run(&["patterns", "list"]);
    assert!(all.code == 0 && all.out.lines().count() >= 500, "{}", all.out.lines().count());
    assert!(all.out.lines().is_sorted(), "by id");
    let few = run(&["patterns", "list", "--provider", "deepseek", "--category", "billing-account"]);
    assert!(
        (1..10).contains(&few.out.lines().count()) && few.out.lines().all(|line| line.contains("billing-account")),
        "{}",
        few.out
    );
    let shown = run(&["patterns", "show", "openai-insufficient-quota"]);
    assert!(shown.code == 0 && shown.out.contains("openai.toml:"), "{}", shown.out);
    let tested = run(&["patterns", "test"]);
    assert!(tested.code == 0 && tested.out.ends_with(" 0 wrong\n"), "{tested:?}");
}

#[test]
fn the_manual_and_the_completions_are_printed() {
    let man = run(&["man"]);
    assert!(man.code == 0 && man.out.starts_with(".ie"), "{}", man.out);
    for part in [".TH llm-triage", "LLM\\-TRIAGE CLASSIFY", "LLM\\-TRIAGE PATTERNS SHOW", "EXIT STATUS", "\\-\\-state\\-dir"] {
        assert!(man.out.contains(part), "{part} is not in the manual");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run(&["completions", shell]);
        assert!(ran.code == 0 && ran.out.contains("llm-triage") && ran.out.len() > 1_000, "{shell}");
    }
    let help = run(&["--help"]);
    assert!(help.code == 0 && help.out.contains("Examples:"), "{}", help.out);
    assert!(run(&["--version"]).out.starts_with("llm-triage "));
}

#[test]
fn suggest_prints_a_pattern_for_an_unknown_error() {
    let log = r#"{"level":"error","provider":"openai","error":"flux capacitor misaligned: error 0x7f"}"#;
    let ran = run_with(&["suggest"], format!("{log}\n{log}\n").as_bytes());
    assert!(ran.code == 0 && ran.out.contains("[[pattern]]") && ran.out.contains("flux capacitor"), "{ran:?}");
}

#[test]
fn no_secret_is_printed() {
    let (key, most) = ("sk-proj-abcdefghijKLMNOPQRST0123456789uvwx", "sk-proj-abcdefghijKLMNOPQRST");
    let lines = [
        format!(
            "{{\"level\":\"error\",\"provider\":\"openai\",\"status_code\":401,\"error\":\"Incorrect API key provided: {key}\"}}"
        ),
        format!(
            "2026-11-20 09:00:00 ERROR app requests.exceptions.ConnectionError: https://generativelanguage.googleapis.com/v1beta/m?key={key} refused"
        ),
        format!("{{\"level\":\"error\",\"provider\":\"openai\",\"error\":\"flux capacitor misaligned: error, Bearer {key}\"}}"),
    ];
    let log = lines.join("\n");
    for args in [&["classify"][..], &["report", "--format", "json"], &["suggest"], &["explain"]] {
        let ran = run_with(args, log.as_bytes());
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        assert!(!ran.out.contains(most) && !ran.err.contains(most), "{args:?}: {ran:?}");
    }
}

#[test]
fn every_help_and_rule_names_the_default_address() {
    let shown = include_str!("../../deploy/config.toml");
    let listen = shown.lines().find_map(|line| line.strip_prefix("#listen = \"")).expect("a listen address");
    let listen = listen.split('"').next().unwrap_or_default();
    for args in [["--help"].as_slice(), &["top", "--help"], &["rules"]] {
        let out = run(args).out;
        assert!(out.contains(listen), "{args:?} does not name {listen}: {out}");
    }
}

/// Failures of `kinds` different kinds at one provider, the first kind most often.
fn failures_of_many_kinds(kinds: usize) -> String {
    let statuses = [400, 404, 408, 413, 415, 422, 429, 500, 502, 503, 504, 520, 529];
    let providers = ["openai", "anthropic", "deepseek", "mistral", "groq"];
    let line = |kind: usize, number: usize| {
        let at = format!("09:{:02}:{:02}", number / 60 % 60, number % 60);
        failure(&at, providers[kind / statuses.len()]).replace("401", &statuses[kind % statuses.len()].to_string())
    };
    (0..kinds).flat_map(|kind| (0..kinds - kind).map(move |number| line(kind, number * 7))).collect()
}

#[test]
fn the_first_screen_names_the_most_severe_error_and_the_most_frequent_ones() {
    // One refused key among forty other kinds of error.
    let log = failures_of_many_kinds(40) + &failure("09:10:00", "cohere");
    let (_dir, paths) = folder(&[("many.log", log.as_bytes())]);
    let path = paths[0].to_string_lossy().into_owned();
    let errors = run(&["report", "--format", "json", &path]).json()["errors"].as_array().expect("a list").clone();
    assert!(errors.len() > 30, "{}", errors.len());
    for columns in ["60", "80", "120"] {
        let mut command = running::program();
        let output = command.arg(&path).env("COLUMNS", columns).env("NO_COLOR", "1").output().expect("it runs");
        let out = String::from_utf8(output.stdout).expect("UTF-8");
        let width: usize = columns.parse().expect("a number");
        assert!(out.lines().all(|line| line.width() <= width), "wider than {columns}\n{out}");
        let screen: Vec<_> = out.lines().take(24).collect();
        let names = |error: &Value| {
            let (count, provider) = (format!("{} ", error["count"]), error["provider"].as_str().expect("an id"));
            screen.iter().any(|line| line.contains(&count) && line.contains(&format!("{provider}: ")))
        };
        assert!(errors.iter().take(10).all(names), "{columns}\n{out}");
        let table = screen.iter().position(|line| line.contains("count ")).expect("a table");
        assert!(
            screen[table + 1].starts_with("!!") && screen[table + 1].contains("cohere: "),
            "the most severe one first\n{out}"
        );
        let others = format!("… and {} others, ", errors.len() - 11);
        assert!(screen.iter().any(|line| line.starts_with(&others) && line.ends_with(" of the failures")), "{others}\n{out}");
        assert!(screen.contains(&"Do this first"), "{out}");
    }
    let details = |flag: &str| run(&[flag, &path]).out.matches("   first at  ").count();
    assert_eq!((details("--sort=severity"), details("--all"), details("--brief")), (11, errors.len(), 0));
    let few = run(&["--brief", "--top", "3", "--sort", "count", &path]).out;
    assert!(few.contains(&format!("… and {} others, ", errors.len() - 3)), "{few}");
}

#[test]
fn of_equally_frequent_errors_the_first_screen_names_the_more_severe() {
    // Thirteen kinds of failures that pass, and then a refused key at each of three providers: once each.
    let passing = failures_of_many_kinds(13);
    let mut kinds: Vec<_> = passing.lines().collect();
    kinds.dedup_by_key(|line| line.split(r#""status_code":"#).nth(1).map(str::to_owned));
    let refused: String = ["openai", "mistral", "groq"].map(|provider| failure("09:20:00", provider)).concat();
    let (_dir, paths) = folder(&[("once.log", (kinds.join("\n") + "\n" + &refused).as_bytes())]);
    let out = run(&["--brief", &paths[0].to_string_lossy()]).out;
    let critical: Vec<_> = out.lines().take(24).filter(|line| line.starts_with("!!")).collect();
    assert!(kinds.len() > 10 && critical.len() == 3, "{out}");
}

#[test]
fn filters_select_calls_and_failures() {
    let log = [
        failure("09:00:01", "openai"),
        failure("09:00:02", "openai").replace("401", "503"),
        failure("09:00:03", "anthropic").replace("401", "503"),
        GOOD.to_owned(),
    ]
    .concat();
    let errors = |flags: &[&str]| {
        let report = run_with(&[&["report", "--format", "json"], flags].concat(), log.as_bytes()).json();
        let errors = report["errors"].as_array().expect("a list").iter();
        let mut errors: Vec<_> =
            errors.map(|error| format!("{} {}", error["provider"].as_str().unwrap_or_default(), error["status"])).collect();
        errors.sort();
        errors.join(", ")
    };
    assert_eq!(errors(&["--provider", "openai"]), "openai 401, openai 503");
    assert_eq!(errors(&["--provider", "OpenAI,anthropic", "--status", "5xx"]), "anthropic 503, openai 503");
    assert_eq!(errors(&["--row", "auth"]), "openai 401");
    assert_eq!(errors(&["--owner", "account", "--status", "503"]), "");
    let none = run_with(&["report", "--provider", "groq"], log.as_bytes());
    assert!(none.out.contains("No failed call is selected by the filters."), "{}", none.out);
    for (flag, value, hint) in
        [("--row", "biling", "did you mean billing"), ("--owner", "me", "known are caller"), ("--status", "9xx", "429")]
    {
        let ran = run_with(&["report", flag, value], log.as_bytes());
        assert!(ran.code == 2 && ran.err.contains(hint), "{ran:?}");
    }
}

#[test]
fn fail_on_takes_rows_and_names_the_error() {
    let log = failure("09:00:01", "openai");
    let ran = run_with(&["report", "--fail-on", "billing,auth"], log.as_bytes());
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("--fail-on auth is met: openai: ") && ran.err.contains("first at stdin:1"), "{}", ran.err);
    assert_eq!(run_with(&["report", "--fail-on", "billing,rate-limit"], log.as_bytes()).code, 0);
    let ran = run_with(&["report", "--fail-on", "rate_limit"], log.as_bytes());
    assert!(ran.code == 2 && ran.err.contains("did you mean rate-limit?"), "{ran:?}");
}

#[test]
fn github_gets_annotations_and_a_summary() {
    let hostile = failure("09:00:01", "openai").replace("\"x\"", r#""bad key 100%\n::error::mine\r\n##[group]x""#);
    let (dir, paths) = folder(&[("a,b:c.log", hostile.as_bytes())]);
    let summary = dir.path().join("summary.md");
    let mut command = running::program();
    command
        .args(["report", "--format", "github"])
        .arg(&paths[0])
        .env("GITHUB_STEP_SUMMARY", &summary)
        .env("GITHUB_WORKSPACE", dir.path());
    let out = String::from_utf8(command.output().expect("it runs").stdout).expect("UTF-8");
    let lines: Vec<_> = out.lines().collect();
    assert!(lines[0].starts_with("::error file=a%2Cb%3Ac.log,line=1,title=openai%3A "), "{out}");
    assert!(lines[0].contains("::1 failed call, status 401 (row auth, ") && lines[0].contains("100%25"), "{out}");
    assert_eq!(lines[1..], ["1 of 1 LLM call failed"], "the text of a log starts no command: {out}");
    let summary = fs::read_to_string(summary).expect("a summary");
    assert!(summary.starts_with("# LLM calls: 1 of 1 failed\n") && summary.contains("| critical | 1 |"), "{summary}");
}

#[test]
fn a_directory_is_read_with_everything_in_it() {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(failure("09:00:02", "openai").as_bytes()).expect("compressed");
    let gz = gz.finish().expect("compressed");
    let (dir, _) = folder(&[
        ("app.log", failure("09:00:01", "openai").as_bytes()),
        ("app.log.1.gz", &gz),
        (".hidden.log", failure("09:00:03", "openai").as_bytes()),
        ("lastlog", &[0; 2_000]),
    ]);
    fs::create_dir(dir.path().join("api")).expect("a folder");
    fs::write(dir.path().join("api/out"), failure("09:00:04", "anthropic")).expect("written");
    let report = run(&["report", "--format", "json", &dir.path().to_string_lossy()]).json();
    assert_eq!(report["records"]["error"], 3, "{report}");
    let places: Vec<_> = report["errors"].as_array().expect("a list").iter().map(|error| error["at"].clone()).collect();
    assert_eq!(places, [format!("{}/app.log:1", dir.path().display()), format!("{}/api/out:1", dir.path().display())]);
}

#[test]
fn compressed_input_is_recognised_on_a_pipe_too() {
    let log = failure("09:00:01", "openai");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(log.as_bytes()).expect("compressed");
    let ran = run_with(&["classify"], &gz.finish().expect("compressed"));
    assert_eq!((ran.code, ran.verdicts().len()), (0, 1), "{ran:?}");
    for (start, name) in [(&b"\xfd7zXZ\0\0"[..], "xz"), (b"BZh91AY", "bzip2"), (b"PK\x03\x04..", "zip")] {
        let ran = run_with(&["report"], start);
        assert!(
            ran.code == 1 && ran.out.is_empty() && ran.err.contains(&format!("{name} is not read: decompress it first")),
            "{ran:?}"
        );
    }
    // An archive, be it compressed or not; a text with the same word in the same place is none.
    let header = [&b"logs/app.log"[..], &[0; 245], b"ustar\x0000", &[0; 247]].concat();
    let ran = run_with(&["report"], &header);
    assert!(ran.code == 1 && ran.out.is_empty() && ran.err.contains("tar is not read: extract it first"), "{ran:?}");
    let text = run_with(&["classify"], format!("{:257}ustar\n{log}", "a").as_bytes());
    assert_eq!((text.code, text.verdicts().len()), (0, 2), "{text:?}");
    let mut tgz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    tgz.write_all(&header).expect("compressed");
    let ran = run_with(&["report"], &tgz.finish().expect("compressed"));
    assert!(ran.code == 1 && ran.out.is_empty() && ran.err.contains("tar is not read: extract it first"), "{ran:?}");
    let text = run_with(&["classify"], format!("BZ\n{log}").as_bytes());
    assert_eq!((text.code, text.verdicts().len()), (0, 2), "a text that begins like a compressed file: {text:?}");
}

#[test]
fn color_is_as_asked_for() {
    let log = failure("09:00:01", "openai");
    let mut command = running::program();
    let (_dir, paths) = folder(&[("a.log", log.as_bytes())]);
    let output = command.args(["report", "--color", "always"]).arg(&paths[0]).env_remove("NO_COLOR").output().expect("it runs");
    assert!(String::from_utf8_lossy(&output.stdout).contains("\x1b[31m!!"), "a critical error is red");
    assert!(!run(&["report", "--color", "never", &paths[0].to_string_lossy()]).out.contains('\x1b'));
}

#[test]
fn explain_knows_types_codes_classes_rows_categories_and_providers() {
    let cases = [
        ("rate_limit_error", "anthropic-rate-limit"),
        ("authentication_error", "anthropic-invalid-api-key"),
        ("authentication_error", "deepseek-authentication-fails"),
        ("AuthenticationError", "sdk-class-auth"),
        ("openai.AuthenticationError", "sdk-class-auth"),
        ("DeploymentNotFound", "azure-deployment-not-found"),
        // A class that wraps what a lower layer reports, however it is spelled; and numbers of that layer.
        ("requests.exceptions.SSLError", "CERTIFICATE_VERIFY_FAILED"),
        ("sslerror", "network-tls-untrusted"),
        ("AI_RetryError", "The reason is the last error"),
        ("*url.Error", "network-connection-refused"),
        ("errno 111", "network-connection-refused"),
        ("111", "network-connection-refused"),
        ("6", "network-dns"),
        ("MALFORMED_FUNCTION_CALL", "gemini"),
        ("openai 429", "openai-insufficient-quota"),
        ("anthropic", "status page  https://"),
        ("Claude", "api.anthropic.com"),
        ("auth", "row          auth of the escalation table"),
        ("rate-limit-capacity", "a category of errors"),
        ("account", "an owner of errors"),
        ("timeout", "status       timeout"),
        // A line of a log without a blank is no name.
        (r#"{"level":"error","provider":"mistral","status":529,"error":"Overloaded"}"#, "decided by   its"),
        ("provider=mistral status=529 error=Overloaded", "provider     mistral, by its field"),
        // A sentence that ends in an address: `com` is no name of an error.
        ("getaddrinfo EAI_AGAIN api.openai.com", "network-dns-temporary"),
    ];
    for (word, part) in cases {
        let ran = run(&["explain", word]);
        assert!(ran.code == 0 && ran.out.contains(part), "{word}: {ran:?}");
        let output = running::program().args(["explain", word]).env("COLUMNS", "60").output().expect("it runs");
        let out = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(out.lines().all(|line| line.width() <= 60), "{word}: {out}");
    }
    // `x::Error` is not the word "error", and words that half of the catalogue has choose nothing.
    for unknown in ["zebra::Error", "ZebraRequestException", "42"] {
        let ran = run(&["explain", unknown]);
        assert!(ran.code == 1 && !ran.out.contains("owner"), "{unknown}: {ran:?}");
    }
    for (wrong, right) in [("rate_limt_error", "rate_limit_error"), ("AI_RetryErorr", "AI_RetryError")] {
        let near = run(&["explain", wrong]);
        assert!(near.out.contains(&format!("did you mean {right}?")), "{near:?}");
    }
}

#[test]
fn a_wrong_name_is_answered_with_a_near_one() {
    let cases: [(&[&str], i32, &str); 6] = [
        (&["reprot"], 1, "did you mean report?"),
        (&["report", "--fromat", "json"], 2, "--format"),
        (&["patterns", "lits"], 2, "list"),
        (&["patterns", "list", "--provider", "opneai"], 2, "did you mean openai?"),
        (&["patterns", "list", "--category", "billing"], 2, "did you mean billing-account?"),
        (&["patterns", "show", "openai-insuficient-quota"], 2, "did you mean openai-insufficient-quota?"),
    ];
    for (args, code, part) in cases {
        let ran = run(args);
        assert!(ran.code == code && ran.err.contains(part), "{args:?}: {ran:?}");
    }
    let none = run(&["patterns", "list", "--provider", "nope"]);
    assert!(none.code == 2 && none.out.is_empty() && none.err.contains("unknown provider \"nope\""), "{none:?}");
}

/// The script of the action runs with the program under test.
#[test]
fn the_github_action_reports_the_named_failures() {
    let action = fs::read_to_string(format!("{}/deploy/github/action.yml", env!("CARGO_MANIFEST_DIR"))).expect("the action");
    let script = action.split("      run: |\n").nth(1).expect("a script").replace("\n        ", "\n");
    let (dir, _) = folder(&[("a.log", failure("09:00:01", "openai").as_bytes())]);
    let program = running::program().get_program().to_owned();
    for (fail_on, code) in [("", 0), ("billing", 0), ("billing,auth", 3)] {
        let mut command = std::process::Command::new("bash");
        command.args(["-ec", &script]).current_dir(dir.path()).env("PROGRAM", &program);
        command.env("LOGS", "a.log .").env("FAIL_ON", fail_on).env("TRAFFIC", "mixed").env_remove("GITHUB_STEP_SUMMARY");
        let output = command.output().expect("bash runs");
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert!(output.stdout.starts_with(b"::error file=a.log,line=1,"), "{output:?}");
    }
}

/// Every command has examples in its `--help`. They run; those that need a daemon or a receiver are only parsed.
#[test]
fn the_examples_of_every_help_run() {
    let (dir, _) = folder(&[("app.log", failure("09:00:01", "openai").as_bytes())]);
    let program = PathBuf::from(running::program().get_program());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [program.parent().expect("a folder").to_owned()].into_iter().chain(std::env::split_paths(&path));
    let path = std::env::join_paths(folders).expect("a PATH");
    let help = run(&["--help"]).out;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // A longer description continues on a line that is indented further.
    let commands = commands.filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    let commands: Vec<_> = commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
    assert!(commands.len() > 10, "{commands:?}");
    for command in commands {
        let help = run(&[command, "--help"]).out;
        let examples =
            help.lines().skip_while(|line| *line != "Examples:").skip(1).filter_map(|line| line.strip_prefix("  llm-triage "));
        let examples: Vec<_> = examples.map(|line| line.split("   ").next().unwrap_or_default()).collect();
        assert!(!examples.is_empty(), "{command} has no examples: {help}");
        for example in examples {
            let needs = ["run", "top", "notify-test"].contains(&command);
            let line = format!("llm-triage {example}{}", if needs { " --help" } else { "" });
            let output =
                std::process::Command::new("sh").args(["-c", &line]).current_dir(dir.path()).env("PATH", &path).output();
            let output = output.expect("the shell runs");
            assert!(output.status.success() && (example.contains('>') || !output.stdout.is_empty()), "{line}: {output:?}");
        }
    }
}
