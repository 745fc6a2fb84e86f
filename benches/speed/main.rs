//! How fast a line travels: every stage of the hot path and the whole of it, in MB/s and against a yardstick.
//!
//! ```text
//! cargo bench --bench speed                        all corpora
//! cargo bench --bench speed -- mixed errors        these
//! cargo bench --bench speed -- pipeline            one stage of each
//! cargo bench --bench speed -- --quick             the answers only, in a second; so does `cargo test`
//! cargo bench --bench speed -- --write mixed 1000  a corpus of 1000 MB on stdout
//! ```
//!
//! The yardstick is `serde_json::from_slice` of the lines of `mixed` (of `errors` for `errors`) into a struct with eight
//! fields. It runs in turns with what is measured; ratios are medians over pairs, in bytes per second, the yardstick at 1.

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

/// Enough for a median to settle on a machine that has other things to do.
const PAIRS: usize = 21;
/// Larger than the caches of one core.
const SIZE: usize = 32 << 20;
const QUICK_SIZE: usize = 1 << 20;

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = args.iter().position(|it| it == "--write") {
        return write(args.get(at + 1), args.get(at + 2));
    }
    // How `cargo nextest` asks for tests: the answers are one. It asks a second time for those that are ignored: none.
    if args.iter().any(|it| it == "--list") {
        if !args.iter().any(|it| it == "--ignored") {
            println!("answers: test");
        }
        return Ok(());
    }
    // `cargo bench` says `--bench`, `cargo test` does not.
    let quick = args.iter().any(|it| it == "--quick") || !args.iter().any(|it| it == "--bench");
    let shapes = named(&args, Shape::ALL, Shape::name);
    let stages = named(&args, STAGES, |it| it);
    let bench = Bench::new();
    let (size, pairs) = if quick { (QUICK_SIZE, 1) } else { (SIZE, PAIRS) };
    let mixed = Shape::Mixed.corpus(size);
    println!("{:8} {:10} {:>9} {:>9} {:>9}", "corpus", "stage", "MB/s", "ns/line", "ratio");
    for shape in shapes {
        let corpus = shape.corpus(size);
        let yard = if shape == Shape::Errors { &corpus } else { &mixed };
        for stage in stages.iter().filter(|it| shape.is_structlog() || matches!(**it, "framing" | "pipeline")) {
            measure(stage, &bench, &corpus, yard, pairs);
        }
    }
    Ok(())
}

const STAGES: [&str; 7] = ["yardstick", "framing", "record", "classify", "window", "pipeline", "naive"];

/// Those of `all` that the arguments name; all where they name none.
fn named<T: Copy>(args: &[String], all: impl IntoIterator<Item = T>, name: fn(T) -> &'static str) -> Vec<T> {
    let all: Vec<T> = all.into_iter().collect();
    let chosen: Vec<T> = all.iter().copied().filter(|it| args.iter().any(|arg| arg == name(*it))).collect();
    if chosen.is_empty() { all } else { chosen }
}

/// Measures one stage over one corpus and prints a line.
fn measure(stage: &str, bench: &Bench, corpus: &Corpus, yard: &Corpus, pairs: usize) {
    // Where the two differ in length, the yardstick is stretched to the corpus.
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
    assert_eq!(counted, wanted, "what the naive way finds in {}", corpus.name);
    took
}

/// Writes a corpus to stdout, however large, in little memory.
fn write(shape: Option<&String>, megabytes: Option<&String>) -> io::Result<()> {
    let bad = || io::Error::new(io::ErrorKind::InvalidInput, "usage: --write SHAPE MEGABYTES");
    let shape = Shape::ALL.into_iter().find(|it| Some(it.name()) == shape.map(String::as_str)).ok_or_else(bad)?;
    let bytes: u64 = megabytes.and_then(|it| it.parse::<u64>().ok()).ok_or_else(bad)? * 1_000_000;
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
