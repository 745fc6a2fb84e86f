//! From what was typed to what is in effect: flags over file over defaults, with every fault found.

use super::file::{Common, File, FileSource, Http, TcpSource};
use super::quantity::ByteSize;
use super::read::{At, fault};
use super::{Config, Flags, GroupBy, Output, Source, SourceKind};
use crate::classify::Traffic;
use crate::correlate::GrainRule;
use crate::source::{file::StartAt, file::check_patterns, tcp, tls::TlsFiles};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// Loopback: the status page shows what logs say, and there is no login.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 10_529);

/// Where systemd's `StateDirectory=llm-triage` lies.
const STATE_DIR: &str = "/var/lib/llm-triage";

/// An error with a whole prompt in it is rarely longer, and head and tail of a longer line are classified all the same.
const MAX_LINE: ByteSize = ByteSize(1 << 20);

/// Lines below and above are no log lines; each stream may hold one of this length.
const MAX_LINE_WITHIN: (ByteSize, ByteSize) = (ByteSize(1 << 10), ByteSize(64 << 20));

/// Keeps a page of metrics below about a megabyte.
const SERIES: usize = 2_000;

/// Beside it there is room for all else in the 64 MiB that a small host spares; a hundred peers have a long line each.
const TCP_BUFFER: ByteSize = ByteSize(32 << 20);

/// Below, not even one long line has room; above, it bounds nothing.
const TCP_BUFFER_WITHIN: (ByteSize, ByteSize) = (ByteSize(1 << 20), ByteSize(16 << 30));

/// Logs of everything that runs on a node.
const NODE_LOGS: [&str; 3] = ["/var/log/pods/", "/var/log/containers/", "/var/log/journal/"];

pub(super) fn resolve(typed: File, flags: &Flags, state_directory: Option<PathBuf>, faults: &mut Vec<String>) -> Config {
    let File {
        http: Http { listen, lifecycle, url },
        state_dir,
        files,
        tcp,
        fields,
        providers,
        pattern_dirs,
        max_line,
        series,
        tcp_buffer,
        by,
        escalation,
        receivers,
        runbook_url,
    } = typed;
    let Flags { config: _, stdin: _, file: _, tcp: _, listen: listen_flag, state_dir: dir_flag, patterns, output } = flags;
    let sources = Sources { faults, all: Vec::new(), names: BTreeSet::new() }.resolve(files, tcp, flags);
    let mut pattern_dirs = pattern_dirs.map_or_else(Vec::new, |it| it.value);
    pattern_dirs.extend(patterns.iter().cloned());
    Config {
        file: None,
        listen: listen_flag.or(listen.map(|it| it.value)).unwrap_or(LISTEN),
        lifecycle: lifecycle.is_some_and(|it| it.value),
        state_dir: dir_flag
            .clone()
            .or(state_dir.map(|it| it.value))
            .or(state_directory)
            .unwrap_or_else(|| PathBuf::from(STATE_DIR)),
        sources,
        fields: fields.map_or_else(Default::default, |it| it.value),
        providers: providers.into_iter().map(|it| it.value).collect(),
        pattern_dirs,
        max_line: checked_max_line(max_line, faults),
        series: checked_series(series, faults),
        tcp_buffer: checked_tcp_buffer(tcp_buffer, faults),
        by: checked_by(by, faults),
        escalation: escalation.into_iter().map(|it| (it.place, it.value)).collect(),
        receivers: receivers.into_iter().map(|(kind, it)| (kind.to_owned(), it.place, it.value)).collect(),
        runbook_url: checked_runbook_url(runbook_url, faults),
        url: checked_url("http.url", url, faults),
        output: output.as_deref().map(|it| if it == Path::new("-") { Output::Stdout } else { Output::File(it.to_owned()) }),
        flags: flags.clone(),
    }
}

fn checked_max_line(typed: Option<At<ByteSize>>, faults: &mut Vec<String>) -> ByteSize {
    let Some(At { value, place }) = typed else { return MAX_LINE };
    let (least, most) = MAX_LINE_WITHIN;
    if !(least..=most).contains(&value) {
        faults.push(fault(&place, format_args!("`limits.max_line` is {value}; it can be from {least} to {most}")));
    }
    value
}

fn checked_tcp_buffer(typed: Option<At<ByteSize>>, faults: &mut Vec<String>) -> ByteSize {
    let Some(At { value, place }) = typed else { return TCP_BUFFER };
    let (least, most) = TCP_BUFFER_WITHIN;
    if !(least..=most).contains(&value) {
        faults.push(fault(&place, format_args!("`limits.tcp_buffer` is {value}; it can be from {least} to {most}")));
    }
    value
}

fn checked_series(typed: Option<At<usize>>, faults: &mut Vec<String>) -> usize {
    let Some(At { value, place }) = typed else { return SERIES };
    if !(1..=1_000_000).contains(&value) {
        faults.push(fault(&place, format_args!("`limits.series` is {value}; it can be from 1 to 1000000")));
    }
    value
}

fn checked_by(typed: Option<At<Vec<GroupBy>>>, faults: &mut Vec<String>) -> Vec<GroupBy> {
    let Some(At { value, place }) = typed else { return vec![GroupBy::Provider] };
    if value != [GroupBy::Provider] && value != [GroupBy::Provider, GroupBy::Service] {
        let what = "`alerting.by` is [\"provider\"] or [\"provider\", \"service\"]";
        faults.push(fault(&place, what));
    }
    value
}

/// An address that a browser opens, ended by a `/`.
fn checked_url(key: &str, typed: Option<At<String>>, faults: &mut Vec<String>) -> Option<String> {
    let At { value, place } = typed?;
    if !is_web_address(&value) {
        faults.push(fault(&place, format_args!("`{key}` is {value:?}; write an address that begins with http:// or https://")));
    }
    Some(if value.ends_with('/') { value } else { value + "/" })
}

fn checked_runbook_url(typed: Option<At<String>>, faults: &mut Vec<String>) -> Option<String> {
    let At { value, place } = typed?;
    if !is_web_address(&value) || !value.contains("{row}") {
        let example = "\"https://wiki.example/llm/{row}\"";
        let what =
            format!("`alerting.runbook_url` is {value:?}; write an address with {{row}} for the row's id, like {example}");
        faults.push(fault(&place, what));
    }
    Some(value)
}

fn is_web_address(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://")) && !text.contains(char::is_whitespace)
}

/// Collects sources, each under a name of its own.
struct Sources<'a> {
    faults: &'a mut Vec<String>,
    all: Vec<Source>,
    names: BTreeSet<String>,
}

impl Sources<'_> {
    fn resolve(mut self, files: Vec<FileSource>, tcp: Vec<TcpSource>, flags: &Flags) -> Vec<Source> {
        if flags.stdin || !flags.file.is_empty() || !flags.tcp.is_empty() {
            self.typed_as_flags(flags);
        } else {
            files.into_iter().for_each(|it| self.file(it));
            tcp.into_iter().for_each(|it| self.tcp(it));
        }
        if self.all.is_empty() && self.faults.is_empty() {
            self.faults.push(
                "nothing to read: add a [[source.file]] with paths to the configuration, or give --file, --tcp or --stdin"
                    .to_owned(),
            );
        }
        self.all
    }

    fn typed_as_flags(&mut self, flags: &Flags) {
        for glob in &flags.file {
            let paths = Some(At::flag("--file", vec![glob.clone()]));
            self.file(FileSource { common: flag_source("--file"), paths, ..FileSource::default() });
        }
        for address in &flags.tcp {
            let listen = Some(At::flag("--tcp", *address));
            self.tcp(TcpSource { common: flag_source("--tcp"), listen, ..TcpSource::default() });
        }
        if flags.stdin {
            self.add(flag_source("--stdin"), "stdin", SourceKind::Stdin, Traffic::Llm);
        }
    }

    fn file(&mut self, FileSource { common, paths, exclude, start_at }: FileSource) {
        let Some(At { value: paths, place }) = paths.filter(|it| !it.value.is_empty()) else {
            self.fault(&common.place, "a source of files needs `paths`, like [\"/var/log/llm/*.jsonl\"]");
            return;
        };
        let exclude_place = exclude.as_ref().map_or(String::new(), |it| it.place.clone());
        let exclude = exclude.map_or_else(Vec::new, |it| it.value);
        self.check_globs(&place, &paths, &[]);
        self.check_globs(&exclude_place, &[], &exclude);
        let traffic = if paths.iter().all(|it| is_node_log(it)) { Traffic::Mixed } else { Traffic::Llm };
        let start_at = start_at.map_or(StartAt::End, |it| it.value);
        self.add(common, "file", SourceKind::File { paths, exclude, start_at }, traffic);
    }

    fn check_globs(&mut self, place: &str, paths: &[String], exclude: &[String]) {
        if let Err(error) = check_patterns(paths, exclude) {
            let why = std::error::Error::source(&error).map_or_else(String::new, |it| format!(": {it}"));
            self.fault(place, &format!("{error}{why}"));
        }
    }

    fn tcp(&mut self, TcpSource { common, listen, max_connections, idle, cert_file, key_file }: TcpSource) {
        let Some(At { value: listen, .. }) = listen else {
            self.fault(&common.place, "a source of TCP lines needs `listen`, like \"127.0.0.1:10530\"");
            return;
        };
        let mut limits = tcp::Limits::default();
        if let Some(At { value, place }) = max_connections {
            limits.connections = value;
            if !(1..=10_000).contains(&value) {
                self.fault(&place, &format!("`max_connections` is {value}; it can be from 1 to 10000"));
            }
        }
        if let Some(At { value, place }) = idle {
            limits.idle = value.0;
            if value.0.is_zero() {
                self.fault(&place, "`idle` is 0s: every peer would be let go at once");
            }
        }
        let tls = match (cert_file, key_file) {
            (Some(cert), Some(key)) => Some(TlsFiles { cert: cert.value, key: key.value }),
            (None, None) => None,
            (Some(At { place, .. }), None) => {
                self.fault(&place, "TLS needs `key_file` beside `cert_file`");
                None
            }
            (None, Some(At { place, .. })) => {
                self.fault(&place, "TLS needs `cert_file` beside `key_file`");
                None
            }
        };
        self.add(common, "tcp", SourceKind::Tcp { listen, limits, tls }, Traffic::Llm);
    }

    fn add(&mut self, common: Common, kind_name: &str, kind: SourceKind, default_traffic: Traffic) {
        let Common { place, name, grain, traffic, timezone } = common;
        let name = name.unwrap_or_else(|| At { value: self.free_name(kind_name), place });
        let is_label = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.');
        if name.value.is_empty() || name.value.len() > 63 || !name.value.chars().all(is_label) {
            let what =
                format!("`name` is {:?}; use up to 63 letters, digits, `-`, `_` and `.`: it is a metric label", name.value);
            self.fault(&name.place, &what);
        }
        if !self.names.insert(name.value.clone()) {
            self.fault(&name.place, &format!("there are two sources named `{}`; give each its own name", name.value));
        }
        if let Some(At { value, place }) = &timezone
            && jiff::tz::TimeZone::get(value).is_err()
        {
            self.fault(place, &format!("`timezone` is {value:?}; use a name of the IANA database, like \"Asia/Tokyo\""));
        }
        self.all.push(Source {
            name: name.value,
            kind,
            grain: grain.map_or(GrainRule::Auto, |it| it.value),
            traffic: traffic.map_or(default_traffic, |it| it.value),
            timezone: timezone.map(|it| it.value),
        });
    }

    /// The kind's name, with a number from the second one on.
    fn free_name(&self, kind: &str) -> String {
        let numbered = (2..).map(|number| format!("{kind}-{number}"));
        let mut names = std::iter::once(kind.to_owned()).chain(numbered);
        names.find(|it| !self.names.contains(it)).unwrap_or_default()
    }

    fn fault(&mut self, place: &str, what: &str) {
        self.faults.push(fault(place, what));
    }
}

fn flag_source(flag: &str) -> Common {
    Common { place: flag.to_owned(), ..Common::default() }
}

fn is_node_log(path: &str) -> bool {
    NODE_LOGS.iter().any(|it| path.starts_with(it))
}
