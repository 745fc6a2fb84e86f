//! The speed of each stage of the hot path and of the whole pipeline, in MB/s and relative to a yardstick.
//!
//! ```text
//! cargo bench --bench speed                        all corpora
//! cargo bench --bench speed -- mixed errors        these corpora
//! cargo bench --bench speed -- pipeline            one stage, all corpora
//! cargo bench --bench speed -- --quick             checks only the answers, in a second, like `cargo test`
//! cargo bench --bench speed -- --write mixed 1000  a corpus of 1000 MB on stdout
//! ```
//!
//! The yardstick is `serde_json::from_slice` of the lines of `mixed` (of `errors` for `errors`) into a struct with eight
//! fields. Runs of the yardstick and of the stage alternate; a ratio is the median over pairs, in bytes per second, with the

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod corpus;
mod measure;
mod rivals;
mod stages;

use corpus::{Corpus, Shape, Writer};
use measure::{Figure, in_turns, timed};
use rivals::{Counted, Naive, yardstick};
use stages::Bench;
use std::io::{self, Write};
use std::time::Duration;

/// Enough pairs for a stable median on a machine with other load.
const PAIRS: usize = 21;
/// Larger than the caches of one core.
const SIZE: usize = 32 << 20;
const QUICK_SIZE: usize = 1 << 20;

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = args.iter().position(|arg| arg == "--write") {
        return write(args.get(at + 1), args.get(at + 2));
    }
    // `cargo nextest` lists the tests with `--list`: the check of the answers is the only one. A second call asks for ignored
    // tests: there are none.
    if args.iter().any(|arg| arg == "--list") {
        if !args.iter().any(|arg| arg == "--ignored") {
            println!("answers: test");
        }
        return Ok(());
    }
    // `cargo bench` passes `--bench`, `cargo test` does not.
    let quick = args.iter().any(|arg| arg == "--quick") || !args.iter().any(|arg| arg == "--bench");
    let shapes = named(&args, Shape::ALL, Shape::name);
    let stages = named(&args, STAGES, |stage| stage);
    let bench = Bench::new();
    let (size, pairs) = if quick { (QUICK_SIZE, 1) } else { (SIZE, PAIRS) };
    let mixed = Shape::Mixed.corpus(size);
    println!("{:8} {:10} {:>9} {:>9} {:>9}", "corpus", "stage", "MB/s", "ns/line", "ratio");
    for shape in shapes {
        let corpus = shape.corpus(size);
        let yard = if shape == Shape::Errors { &corpus } else { &mixed };
        for stage in stages.iter().filter(|stage| shape.is_structlog() || matches!(**stage, "framing" | "pipeline")) {
            measure(stage, &bench, &corpus, yard, pairs);
        }
    }
    Ok(())
}

const STAGES: [&str; 7] = ["yardstick", "framing", "record", "classify", "window", "pipeline", "naive"];

/// The items of `all` that the arguments name, or all of them if the arguments name none.
fn named<T: Copy>(args: &[String], all: impl IntoIterator<Item = T>, name: fn(T) -> &'static str) -> Vec<T> {
    let all: Vec<T> = all.into_iter().collect();
    let chosen: Vec<T> = all.iter().copied().filter(|item| args.iter().any(|arg| arg == name(*item))).collect();
    if chosen.is_empty() { all } else { chosen }
}

/// Measures one stage on one corpus and prints a line.
fn measure(stage: &str, bench: &Bench, corpus: &Corpus, yard: &Corpus, pairs: usize) {
    // If the two differ in length, the time of the yardstick is scaled to the length of the corpus.
    let stretch = corpus.bytes.len() as f64 / yard.bytes.len() as f64;
    let yardstick = || {
        let (took, read) = timed(|| yardstick(&yard.bytes));
        assert_eq!(read, (yard.answer.lines, 0), "lines of {} that the yardstick reads", yard.name);
        took.mul_f64(stretch)
    };
    let Figure { took, ratio } = match stage {
        "yardstick" => in_turns(pairs, yardstick, yardstick),
        "framing" => in_turns(pairs, yardstick, || bench.framing(corpus)),
        "record" => in_turns(pairs, yardstick, || bench.record(corpus)),
        "classify" => in_turns(pairs, yardstick, || bench.classify(corpus)),
        "window" => {
            let calls = bench.calls(corpus);
            in_turns(pairs, yardstick, || bench.window(&calls))
        }
        "pipeline" => in_turns(pairs, yardstick, || bench.pipeline(corpus)),
        _ => {
            let naive = Naive::new();
            in_turns(pairs.min(5), yardstick, || run_naive(&naive, corpus))
        }
    };
    let (bytes, seconds) = (corpus.bytes.len() as f64, took.as_secs_f64());
    let (speed, per_line) = (bytes / 1e6 / seconds, seconds * 1e9 / corpus.answer.lines as f64);
    println!("{:8} {stage:10} {speed:9.0} {per_line:9.0} {ratio:9.3}", corpus.name);
}

fn run_naive(naive: &Naive, corpus: &Corpus) -> Duration {
    let (took, counted) = timed(|| naive.run(&corpus.bytes));
    let wanted = Counted { successes: corpus.answer.successes, errors: corpus.answer.errors };
    assert_eq!(counted, wanted, "calls that the naive way finds in {}", corpus.name);
    took
}

/// Writes a corpus of any size to stdout, with little memory.
fn write(shape: Option<&String>, megabytes: Option<&String>) -> io::Result<()> {
    let bad = || io::Error::new(io::ErrorKind::InvalidInput, "usage: --write SHAPE MEGABYTES");
    let shape = Shape::ALL.into_iter().find(|known| Some(known.name()) == shape.map(String::as_str)).ok_or_else(bad)?;
    let bytes: u64 = megabytes.and_then(|text| text.parse::<u64>().ok()).ok_or_else(bad)? * 1_000_000;
    let (mut writer, mut text, mut written) = (Writer::new(shape), String::new(), 0);
    let mut stdout = io::stdout().lock();
    while written < bytes {
        text.clear();
        while text.len() < 256 << 10 {
            writer.entry(&mut text);
        }
        written += text.len() as u64;
        stdout.write_all(text.as_bytes())?;
    }
    Ok(())
}
