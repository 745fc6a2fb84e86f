//! `check --sources`: what is there to be read, what stands in the way, and what would be counted twice. Reads a little of
//! each source and touches nothing.

use super::style;
use crate::alert::AlertOptions;
use crate::config::{Config, Source, SourceKind};
use crate::daemon;
use crate::framing::StreamId;
use crate::observation::SourceId;
use crate::pipeline::{Chunk, Clock, Event, Options, Output, Pipeline, SourceOptions, StreamInfo};
use crate::source::file::{PathReport, path_report, remote_file_system};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// So much of the end of a file is enough to see whose calls it holds.
const SAMPLE: u64 = 256 * 1024;
/// So many files of a source.
const SAMPLES: usize = 10;
/// Descriptors that are needed beside one per followed file.
const OTHERS: u64 = 64;

/// What was found, and whether the daemon could work with it.
pub(super) struct Findings {
    pub(super) text: String,
    pub(super) good: bool,
}

/// Looks at all sources.
pub(super) fn look(config: &Config) -> Findings {
    let mut findings = Findings { text: String::new(), good: true };
    let mut dirs = BTreeSet::new();
    let mut files = 0;
    let mut samples: BTreeMap<usize, Vec<PathBuf>> = BTreeMap::new();
    findings.line("\nsources: what is there now");
    for (at, source) in config.sources.iter().enumerate() {
        match &source.kind {
            SourceKind::File { paths, exclude, .. } => {
                for pattern in paths {
                    let Ok(survey) = path_report(pattern, exclude) else { continue };
                    findings.pattern(source, pattern, &survey);
                    files += survey.readable.len() as u64;
                    samples.entry(at).or_default().extend(survey.readable.into_iter().map(|(path, _)| path));
                    dirs.extend(survey.dirs);
                }
            }
            SourceKind::Tcp { listen, .. } => {
                findings.line(&format!("  {:<14} {listen}: whoever connects", source.name));
                if !listen.ip().is_loopback() {
                    findings.line("                 anyone who reaches this address can write here; there is no password");
                }
            }
            SourceKind::Stdin => findings.line(&format!("  {:<14} standard input", source.name)),
            SourceKind::Absent => {}
        }
    }
    findings.state(&config.state_dir);
    findings.limits(files, dirs.len() as u64);
    findings.remote(&dirs);
    findings.twice(config, &samples);
    findings
}

impl Findings {
    fn line(&mut self, text: &str) {
        let _infallible = writeln!(self.text, "{text}");
    }

    fn fault(&mut self, text: &str) {
        self.good = false;
        self.line(&format!("  problem        {text}"));
    }

    fn warning(&mut self, text: &str) {
        self.line(&format!("  warning        {text}"));
    }

    fn pattern(&mut self, source: &Source, pattern: &str, survey: &PathReport) {
        let bytes = style::bytes(survey.readable.iter().map(|(_, size)| size).sum());
        let count = survey.readable.len();
        let what = match (count, &survey.missing) {
            (0, Some(dir)) => format!("nothing matches: there is no directory {}", dir.display()),
            (0, None) if survey.unreadable.is_empty() => {
                "nothing matches; a file that appears is read from its start".to_owned()
            }
            (0, None) => "nothing can be read".to_owned(),
            (1, _) => format!("1 file, {bytes}"),
            _ => format!("{count} files, {bytes}"),
        };
        self.line(&format!("  {:<14} {pattern}: {what}", source.name));
        for (path, error) in &survey.unreadable {
            let error = match error.kind() {
                io::ErrorKind::PermissionDenied => format!("{error}; {}", permission(path)),
                _ => error.to_string(),
            };
            self.fault(&format!("cannot read {}: {error}", path.display()));
        }
        if survey.too_many {
            self.fault(&format!("too many files match {pattern}; the last of them would not be read"));
        }
    }

    /// The state directory need not be there, but it must be possible to make it.
    fn state(&mut self, dir: &Path) {
        let there = dir.ancestors().find(|it| it.exists()).unwrap_or(Path::new("/"));
        match fs::metadata(there) {
            Ok(meta) if !meta.is_dir() => {
                self.fault(&format!("{} is no directory, so there is no place for state", there.display()));
            }
            Ok(meta) if meta.permissions().readonly() => {
                self.fault(&format!("{} cannot be written; a restart would not know where this one was", there.display()));
            }
            _ => {}
        }
    }

    fn limits(&mut self, files: u64, dirs: u64) {
        let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
        if let Some(limit) = number("/proc/sys/fs/inotify/max_user_watches").filter(|it| *it < dirs) {
            self.warning(&format!(
                "fs.inotify.max_user_watches is {limit} and {dirs} directories are to be watched; the rest is looked at once a second or less"
            ));
        }
        if let Some(limit) = number("/proc/sys/fs/inotify/max_user_instances").filter(|it| *it < 8) {
            self.warning(&format!("fs.inotify.max_user_instances is {limit}; other programs may have taken them all"));
        }
        if let Some(limit) = open_files().filter(|it| *it < (files + OTHERS).min(600)) {
            self.fault(&format!("at most {limit} files may be open (ulimit -n), and {files} are to be read"));
        }
    }

    fn remote(&mut self, dirs: &BTreeSet<PathBuf>) {
        let kinds: BTreeMap<String, &PathBuf> = dirs.iter().filter_map(|it| Some((remote_file_system(it)?, it))).collect();
        for (kind, dir) in kinds {
            self.warning(&format!(
                "{} is on {kind}: nobody tells of changes there, so it is looked at once a second",
                dir.display()
            ));
        }
    }

    /// A gateway's log and the logs of its clients tell of the same calls.
    fn twice(&mut self, config: &Config, samples: &BTreeMap<usize, Vec<PathBuf>>) {
        let Ok(calls) = calls_by_gateway(config, samples) else { return };
        for (gateway, sources) in calls.iter().filter(|(_, sources)| sources.len() > 1) {
            let names: Vec<_> = sources.iter().filter_map(|it| config.sources.get(*it)).map(|it| it.name.as_str()).collect();
            self.warning(&format!(
                "{} hold calls through {gateway}. If one is its own log and another that of its clients, each failure counts \
                 twice: read one of them, or set grain = \"attempt\" on the gateway's",
                names.join(" and ")
            ));
        }
    }
}

/// Whom to ask for what.
fn permission(path: &Path) -> String {
    use std::os::unix::fs::MetadataExt;
    match fs::metadata(path) {
        Ok(meta) => format!("it belongs to user {} and group {}, mode {:o}", meta.uid(), meta.gid(), meta.mode() & 0o7777),
        Err(_) => "a directory above it is closed".to_owned(),
    }
}

fn open_files() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find(|it| it.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

/// The sources that hold calls through each gateway, as far as the ends of their files tell.
fn calls_by_gateway(
    config: &Config,
    samples: &BTreeMap<usize, Vec<PathBuf>>,
) -> Result<BTreeMap<String, BTreeSet<usize>>, Vec<String>> {
    let mut by_gateway: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for (at, paths) in samples {
        let Some(source) = config.sources.get(*at) else { continue };
        // Each by itself: a call that another source has told of would not be counted again.
        for gateway in gateways_of(config, source, paths)? {
            by_gateway.entry(gateway).or_default().insert(*at);
        }
    }
    Ok(by_gateway)
}

fn gateways_of(config: &Config, source: &Source, paths: &[PathBuf]) -> Result<BTreeSet<String>, Vec<String>> {
    let options = SourceOptions { name: source.name.clone(), grain: source.grain, traffic: source.traffic, zone: None };
    let series = config.series;
    let options = Options { sources: vec![options], clock: Clock::Replay, alerts: AlertOptions::default(), series };
    let mut pipeline = Pipeline::new(daemon::rules(config)?, options);
    let mut out = Output { keep_calls: true, ..Output::default() };
    for (number, path) in (0..).zip(paths.iter().take(SAMPLES)) {
        let Ok(bytes) = end_of(path) else { continue };
        let stream = StreamId(number);
        let path = Some(path.display().to_string());
        let info = StreamInfo { source: SourceId(0), path, at_offset: 0, first_line: 1 };
        pipeline.handle(Event::Open(stream, info), &mut out);
        let chunk = Chunk { stream, offset: 0, bytes: bytes.into(), arrived: Timestamp::default() };
        pipeline.handle(Event::Chunk(chunk), &mut out);
        pipeline.handle(Event::Close(stream), &mut out);
    }
    let gateways = out.calls.iter().filter_map(|(call, _)| call.gateway);
    Ok(gateways.map(|it| pipeline.catalog().providers().id(it).to_owned()).collect())
}

/// Whole lines from the end of a file.
fn end_of(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let from = size.saturating_sub(SAMPLE);
    let mut bytes = vec![0; (size - from) as usize];
    let got = file.read_at(&mut bytes, from)?;
    bytes.truncate(got);
    let torn = if from == 0 { 0 } else { memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |it| it + 1) };
    Ok(bytes.split_off(torn))
}
