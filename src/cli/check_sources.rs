//! `check --sources`: what each source would read now, what prevents reading, and calls that two sources would count twice.
//!
//! Reads the ends of a few files of each source and changes nothing.

use super::format;
use crate::alert::AlertOptions;
use crate::config::{Config, Source, SourceKind};
use crate::daemon;
use crate::framing::{Encoding, StreamId};
use crate::observation::SourceId;
use crate::pipeline::{Chunk, Clock, Event, Options, Output, Pipeline, Snapshot, SourceOptions, StreamInfo, UnreadView};
use crate::redact::clean_lines;
use crate::source::file::{PathReport, path_report, remote_file_system};
use crate::taxonomy::Outcome;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// This many bytes from the end of a file show which gateways it names.
const SAMPLE_BYTES: usize = 256 * 1024;
/// The most characters of a record that is shown.
const EXAMPLE_CHARS: usize = 160;
/// The most files of a source that are read.
const SAMPLED_FILES: usize = 10;
/// File descriptors that the daemon needs beside one per file.
const OTHER_DESCRIPTORS: u64 = 64;
/// The daemon never needs a higher limit of open files than this.
const DESCRIPTORS_NEEDED: u64 = 600;

/// The report, and whether a problem would keep the daemon from reading.
pub(super) struct Findings {
    pub(super) text: String,
    pub(super) has_problems: bool,
}

/// Inspects all sources.
pub(super) fn inspect(config: &Config) -> Findings {
    let mut findings = Findings { text: String::new(), has_problems: false };
    let mut dirs = BTreeSet::new();
    let mut files = 0;
    let mut samples: BTreeMap<usize, Vec<PathBuf>> = BTreeMap::new();
    findings.line("\nsources: what each would read now");
    for (index, source) in config.sources.iter().enumerate() {
        match &source.kind {
            SourceKind::File { paths, exclude, .. } => {
                for pattern in paths {
                    let Ok(report) = path_report(pattern, exclude) else { continue };
                    findings.path(source, pattern, &report);
                    files += report.readable.len() as u64;
                    samples.entry(index).or_default().extend(report.readable.into_iter().map(|(path, _)| path));
                    dirs.extend(report.dirs);
                }
            }
            SourceKind::Tcp { listen, .. } => {
                findings.line(&format!("  {:<14} {listen}: every peer that connects", source.name));
                if !listen.ip().is_loopback() {
                    findings.line("                 every host that reaches this address can write here without a password");
                }
            }
            SourceKind::Http { listen, token, .. } => {
                findings.line(&format!("  {:<14} {listen}: every peer that sends requests", source.name));
                if token.is_none() && !listen.ip().is_loopback() {
                    findings.line("                 every host that reaches this address can write here without a token");
                }
            }
            SourceKind::Stdin => findings.line(&format!("  {:<14} standard input", source.name)),
            SourceKind::Absent => {}
        }
    }
    findings.state_dir(&config.state_dir);
    findings.limits(files, dirs.len() as u64);
    findings.remote_file_systems(&dirs);
    findings.samples(config, &samples);
    findings
}

/// What the ends of the files of a source show.
struct Sample {
    /// The gateways that they name.
    gateways: BTreeSet<String>,
    /// Records that are calls or attempts.
    understood: u64,
    unread_records: u64,
    unread: Vec<UnreadView>,
}

impl Findings {
    fn line(&mut self, text: &str) {
        // The creator of a file chooses its name, so the name may hold anything.
        let _infallible = writeln!(self.text, "{}", clean_lines(text));
    }

    fn problem(&mut self, text: &str) {
        self.has_problems = true;
        self.line(&format!("  problem        {text}"));
    }

    fn warning(&mut self, text: &str) {
        self.line(&format!("  warning        {text}"));
    }

    fn path(&mut self, source: &Source, pattern: &str, report: &PathReport) {
        let bytes = format::bytes(report.readable.iter().map(|(_, size)| size).sum());
        let count = report.readable.len();
        let found = match (count, &report.missing) {
            (0, Some(dir)) => format!("no file matches: the directory {} does not exist", dir.display()),
            (0, None) if report.unreadable.is_empty() => {
                "no file matches; a file that appears later is read from its start".to_owned()
            }
            (0, None) => "no file can be read".to_owned(),
            (1, _) => format!("1 file, {bytes}"),
            _ => format!("{count} files, {bytes}"),
        };
        self.line(&format!("  {:<14} {pattern}: {found}", source.name));
        for (path, error) in &report.unreadable {
            let error = match error.kind() {
                io::ErrorKind::PermissionDenied => format!("{error}; {}", permissions(path)),
                _ => error.to_string(),
            };
            self.problem(&format!("cannot read {}: {error}", path.display()));
        }
        if report.too_many {
            self.problem(&format!("too many files match {pattern}; the daemon would not read all of them"));
        }
    }

    /// The state directory need not exist, but the daemon must be able to create it.
    fn state_dir(&mut self, dir: &Path) {
        let existing = dir.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("/"));
        match fs::metadata(existing) {
            Ok(metadata) if !metadata.is_dir() => {
                self.problem(&format!("{} is not a directory, so the daemon cannot keep its state there", existing.display()));
            }
            Ok(metadata) if metadata.permissions().readonly() => {
                self.problem(&format!(
                    "{} is not writable, so a restart would not know what was read before",
                    existing.display()
                ));
            }
            _ => {}
        }
    }

    fn limits(&mut self, files: u64, dirs: u64) {
        let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
        if let Some(limit) = number("/proc/sys/fs/inotify/max_user_watches").filter(|limit| *limit < dirs) {
            self.warning(&format!(
                "fs.inotify.max_user_watches is {limit} for {dirs} directories; the others are polled at most once per second"
            ));
        }
        if let Some(limit) = number("/proc/sys/fs/inotify/max_user_instances").filter(|limit| *limit < 8) {
            self.warning(&format!("fs.inotify.max_user_instances is {limit}; other programs may use all of them"));
        }
        let needed = (files + OTHER_DESCRIPTORS).min(DESCRIPTORS_NEEDED);
        if let Some(limit) = max_open_files().filter(|limit| *limit < needed) {
            self.problem(&format!("the limit of open files is {limit} (ulimit -n), but {files} files are to be read"));
        }
    }

    fn remote_file_systems(&mut self, dirs: &BTreeSet<PathBuf>) {
        let kinds: BTreeMap<String, &PathBuf> = dirs.iter().filter_map(|dir| Some((remote_file_system(dir)?, dir))).collect();
        for (kind, dir) in kinds {
            self.warning(&format!(
                "{} is on {kind}, which sends no change events; the directory is polled once per second",
                dir.display()
            ));
        }
    }

    /// Reads the ends of files of each source.
    fn samples(&mut self, config: &Config, paths: &BTreeMap<usize, Vec<PathBuf>>) {
        let mut by_gateway: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for (index, paths) in paths {
            // One pipeline per source: a shared one would drop a call that it has seen in another source.
            let Some(source) = config.sources.get(*index) else { continue };
            let Ok(sample) = sample_of(config, source, paths) else { return };
            self.unread(source, &sample);
            for gateway in sample.gateways {
                by_gateway.entry(gateway).or_default().insert(*index);
            }
        }
        self.double_counting(config, &by_gateway);
    }

    /// Says which records of a source speak of an LLM call or of trouble and are not understood.
    fn unread(&mut self, source: &Source, sample: &Sample) {
        let Sample { understood, unread_records, unread, .. } = sample;
        let Some(first) = unread.first() else { return };
        self.warning(&format!(
            "{}: {} of {} records that speak of an LLM call or of trouble are not understood, such as: {}; if calls are among them, name \
             their fields in [record.fields] or add an entry to patterns/events",
            source.name,
            format::count(*unread_records),
            format::count(understood + unread_records),
            format::shortened(&first.example, EXAMPLE_CHARS),
        ));
    }

    /// Warns where several sources hold calls through the same gateway: its own log and the logs of its clients would count
    /// each failure twice.
    fn double_counting(&mut self, config: &Config, sources_of: &BTreeMap<String, BTreeSet<usize>>) {
        for (gateway, sources) in sources_of.iter().filter(|(_, sources)| sources.len() > 1) {
            let names: Vec<_> = sources.iter().filter_map(|index| config.sources.get(*index)).collect();
            let names: Vec<_> = names.iter().map(|source| source.name.as_str()).collect();
            self.warning(&format!(
                "{} hold calls through {gateway}. If one is the log of {gateway} and another the log of its clients, each \
                 failure counts twice: read only one of them, or set grain = \"attempt\" for the log of {gateway}",
                names.join(" and ")
            ));
        }
    }
}

/// Who may read the file, as a hint for an operator.
fn permissions(path: &Path) -> String {
    use std::os::unix::fs::MetadataExt;
    match fs::metadata(path) {
        Ok(metadata) => {
            let mode = metadata.mode() & 0o7777;
            format!("its owner is user {}, group {}, mode {mode:o}", metadata.uid(), metadata.gid())
        }
        Err(_) => "a parent directory cannot be entered".to_owned(),
    }
}

fn max_open_files() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

fn sample_of(config: &Config, source: &Source, paths: &[PathBuf]) -> Result<Sample, Vec<String>> {
    let options = SourceOptions { name: source.name.clone(), grain: source.grain, traffic: source.traffic, zone: None };
    let series = config.series;
    let options = Options { sources: vec![options], clock: Clock::Replay, alerts: AlertOptions::default(), series };
    let mut pipeline = Pipeline::new(daemon::rules(config)?, options);
    let mut out = Output { keep_calls: true, ..Output::default() };
    for (number, path) in (0..).zip(paths.iter().take(SAMPLED_FILES)) {
        let Ok(bytes) = last_lines(path) else { continue };
        let stream = StreamId(number);
        let path = Some(path.display().to_string());
        let info = StreamInfo { source: SourceId(0), path, at_offset: 0, first_line: 1, encoding: Encoding::Utf8 };
        pipeline.handle(Event::Open(stream, info), &mut out);
        let chunk = Chunk { stream, offset: 0, bytes: bytes.into(), arrived: Timestamp::default() };
        pipeline.handle(Event::Chunk(chunk), &mut out);
        pipeline.handle(Event::Close(stream), &mut out);
    }
    let gateways = out.calls.iter().filter_map(|(call, _)| call.gateway);
    let gateways = gateways.map(|gateway| pipeline.catalog().providers().id(gateway).to_owned()).collect();
    let records = &pipeline.tally().records;
    let understood = records.iter().filter(|((_, outcome), _)| *outcome != Outcome::Other).map(|(_, count)| count).sum();
    let Snapshot { unread_records, unread, .. } = pipeline.snapshot();
    Ok(Sample { gateways, understood, unread_records, unread })
}

/// Whole lines from the end of a file, at most [`SAMPLE_BYTES`].
fn last_lines(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let start = size.saturating_sub(SAMPLE_BYTES as u64);
    let mut bytes = vec![0; SAMPLE_BYTES];
    let count = file.read_at(&mut bytes, start)?;
    bytes.truncate(count);
    let partial = if start == 0 { 0 } else { memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |newline| newline + 1) };
    Ok(bytes.split_off(partial))
}
