//! `top`: what a running daemon sees, painted again and again; printed once where nobody watches.

use super::args::Top;
use super::{End, Trouble, style};
use crate::time::{Stamp, Timestamp};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::time::{Duration, SystemTime};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the daemon may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most bytes of an answer that are read.
const ANSWER: usize = 16 << 20;
/// The columns of the table of rates.
const WINDOWS: [&str; 4] = ["1m", "5m", "15m", "1h"];

pub(super) fn run(args: &Top) -> Result<End, Trouble> {
    let url: Uri =
        args.url.parse().map_err(|_| Trouble::Usage(format!("{:?} is no address; write http://HOST:PORT", args.url)))?;
    if url.scheme_str() != Some("http") || url.host().is_none() {
        return Err(Trouble::Usage(format!("{:?} is no address of a daemon; write http://HOST:PORT", args.url)));
    }
    let once = args.once || !io::stdout().is_terminal();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        loop {
            let picture = picture(&url).await;
            if once {
                let picture = picture.map_err(|error| {
                    Trouble::Failed(format!(
                        "{}: {error}; start one with `llm-triage run`, or name another with --url",
                        args.url
                    ))
                })?;
                style::print(picture.as_bytes())?;
                return Ok(End::Good);
            }
            // A daemon that restarts is shown as soon as it is back.
            let text = picture.unwrap_or_else(|error| format!("{}: {error}; asking again\n", args.url));
            match style::print(style::screen(&text, "a higher window shows them").as_bytes()) {
                Err(error) if style::is_closed(&error) => return Ok(End::Good),
                done => done?,
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(args.interval)) => {}
                _ = tokio::signal::ctrl_c() => return Ok(End::Good),
            }
        }
    })
}

async fn picture(url: &Uri) -> Result<String, String> {
    let status = get(url, "/api/v1/status").await?;
    let windows = get(url, "/api/v1/windows").await?;
    let alerts = get(url, "/api/v1/alerts").await?;
    let mut out = String::new();
    head(&mut out, url.authority().map(|it| it.as_str()).unwrap_or_default(), &status);
    rates(&mut out, &windows);
    firing(&mut out, &alerts);
    sources(&mut out, &status);
    Ok(out)
}

/// One GET, with a limit on its time and on the size of the answer.
async fn get(url: &Uri, path: &str) -> Result<Value, String> {
    let authority = url.authority().map(|it| it.as_str()).unwrap_or_default();
    let address = if url.port().is_some() { authority.to_owned() } else { format!("{authority}:80") };
    let path = format!("{}{path}", url.path().trim_end_matches('/'));
    let asking = async {
        let socket = TcpStream::connect(&address)
            .await
            .map_err(|error| format!("no daemon answers there: {}", style::reason(&error)))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.map_err(|error| error.to_string())?;
        let request =
            Request::get(&path).header(HOST, authority).body(Empty::<Bytes>::new()).map_err(|error| error.to_string())?;
        let answer = async {
            let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), ANSWER).collect().await.map_err(|error| error.to_string())?;
            if !status.is_success() {
                return Err(format!("{path} answered {status}; is that llm-triage?"));
            }
            serde_json::from_slice(&body.to_bytes()).map_err(|_| format!("{path} is no JSON; is that llm-triage?"))
        };
        tokio::select! {
            answer = answer => answer,
            ended = connection => Err(ended.err().map_or_else(|| "the connection was closed".to_owned(), |it| it.to_string())),
        }
    };
    timeout(PATIENCE, asking).await.map_err(|_| format!("no answer within {} s", PATIENCE.as_secs()))?
}

fn head(out: &mut String, url: &str, status: &Value) {
    let paint = style::Paint::for_stdout();
    let up = Duration::from_secs(status["uptime_s"].as_u64().unwrap_or(0));
    let line = format!(
        "llm-triage {} at {url}   {}   up {}   {} patterns",
        word(&status["version"]),
        word(&status["phase"]),
        style::span(up),
        style::count(status["patterns"].as_u64().unwrap_or(0)),
    );
    let _infallible = writeln!(out, "{}\n", paint.bold(&line));
}

/// Failed calls by provider and status, most of the last five minutes first.
fn rates(out: &mut String, windows: &Value) {
    let paint = style::Paint::for_stdout();
    let mut rows: BTreeMap<(&str, &str), [u64; 4]> = BTreeMap::new();
    let mut shares: BTreeMap<&str, f64> = BTreeMap::new();
    for it in windows["windows"].as_array().into_iter().flatten() {
        let Some(column) = WINDOWS.iter().position(|window| it["window"] == **window) else { continue };
        let provider = word(&it["provider"]);
        match it["status"].as_str() {
            Some(status) => rows.entry((provider, status)).or_default()[column] = it["errors"].as_u64().unwrap_or(0),
            None if column == 1 => {
                if let Some(ratio) = it["ratio"].as_f64() {
                    shares.insert(provider, ratio);
                }
            }
            None => {}
        }
    }
    let mut rows: Vec<_> = rows.into_iter().filter(|(_, counts)| counts.iter().any(|it| *it > 0)).collect();
    rows.sort_by_key(|(_, counts)| std::cmp::Reverse((counts[1], counts[3])));
    if rows.is_empty() {
        let _infallible = writeln!(out, "no failed call in the last hour\n");
        return;
    }
    let heading =
        format!("{:16} {:10} {:>7} {:>7} {:>7} {:>7}   failing", "provider", "status", "1 min", "5 min", "15 min", "1 h");
    let _infallible = writeln!(out, "{}", paint.dim(&heading));
    for ((provider, status), counts) in &rows {
        let share = shares.get(provider).map(|it| style::percent(*it)).unwrap_or_default();
        let [one, five, quarter, hour] = counts.map(style::count);
        let _infallible = writeln!(out, "{provider:16} {status:10} {one:>7} {five:>7} {quarter:>7} {hour:>7}   {share}");
    }
    out.push('\n');
}

fn firing(out: &mut String, alerts: &Value) {
    let paint = style::Paint::for_stdout();
    let mut some = false;
    for it in alerts["alerts"].as_array().into_iter().flatten() {
        let state = word(&it["state"]);
        if !matches!(state, "pending" | "firing") {
            continue;
        }
        some = true;
        let label = format!("{state:8} {:9} {:14} {}", word(&it["severity"]), word(&it["row"]), word(&it["provider"]));
        let label = if state == "firing" { paint.red(&label) } else { paint.yellow(&label) };
        let since = time(&it["since"]);
        let since = since.map(|at| format!("since {}", style::clock(at, false))).unwrap_or_default();
        let _infallible = writeln!(out, "{label}   {since}");
        for (key, name) in [("summary", "what"), ("fix", "fix"), ("next_step", "next")] {
            if let Some(text) = it[key].as_str().filter(|it| !it.is_empty()) {
                let _infallible = writeln!(out, "  {name:<5} {}", style::wrap(text, style::width() - 8, 8));
            }
        }
    }
    if !some {
        let _infallible = writeln!(out, "no alert");
    }
    let findings = alerts["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !findings.is_empty() {
        let _infallible = writeln!(out, "\n{}", paint.dim("what the calls show together"));
    }
    for it in findings.iter().take(5) {
        let _infallible = writeln!(out, "- {}", style::wrap(word(&it["text"]), style::width() - 2, 2));
    }
    out.push('\n');
}

fn sources(out: &mut String, status: &Value) {
    let paint = style::Paint::for_stdout();
    let now = Timestamp::from_system(SystemTime::now());
    let _infallible = writeln!(out, "{}", paint.dim(&format!("{:16} {:>6} {:>12}   last read", "source", "files", "unread")));
    for it in status["sources"].as_array().into_iter().flatten() {
        let last = time(&it["last_read"]);
        let last = last.map_or_else(|| "never".to_owned(), |at| format!("{} ago", style::span(now.since(at))));
        let files = it["files"].as_u64().map(style::count).unwrap_or_default();
        let lag = it["lag_bytes"].as_u64().map(style::bytes).unwrap_or_default();
        let _infallible = writeln!(out, "{:16} {files:>6} {lag:>12}   {last}", word(&it["name"]));
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn time(value: &Value) -> Option<Timestamp> {
    match Stamp::parse(value.as_str()?.as_bytes())? {
        Stamp::Utc(at) => Some(at),
        _ => None,
    }
}
