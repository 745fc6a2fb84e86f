//! Resolves the sources: those of the flags, else those of the file, each with a name of its own.

use super::defaults::{CONNECTIONS_WITHIN, NODE_LOGS};
use super::error::{fault, with_causes};
use super::file::{Common, FileSource, HttpSource, SourceTables, TcpSource};
use super::flags::Flags;
use super::read::{At, Flat};
use super::resolved::{Source, SourceKind};
use crate::classify::Traffic;
use crate::correlate::GrainRule;
use crate::source::{Limits, file::StartAt, file::check_patterns, push, tls::TlsFiles};
use crate::time::Span;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Resolves the sources. Adds to `faults` everything that is wrong with them.
pub(super) fn resolve_sources(typed: SourceTables, flags: &Flags, faults: &mut Vec<String>) -> Vec<Source> {
    let mut resolver = Resolver { faults, all: Vec::new(), names: BTreeSet::new() };
    if flags.stdin || !flags.file.is_empty() || !flags.tcp.is_empty() || !flags.http.is_empty() {
        resolver.flags(flags);
    } else {
        typed.file.into_iter().for_each(|source| resolver.file(source));
        typed.tcp.into_iter().for_each(|source| resolver.tcp(source));
        typed.http.into_iter().for_each(|source| resolver.http(source));
    }
    if resolver.all.is_empty() && resolver.faults.is_empty() {
        let what =
            "nothing to read: add a [[source.file]] with `paths` to the configuration, or use --file, --tcp, --http or --stdin";
        resolver.faults.push(what.to_owned());
    }
    resolver.all
}

struct Resolver<'a> {
    faults: &'a mut Vec<String>,
    all: Vec<Source>,
    names: BTreeSet<String>,
}

impl Resolver<'_> {
    fn flags(&mut self, flags: &Flags) {
        for glob in &flags.file {
            let paths = Some(At::flag("--file", vec![glob.clone()]));
            self.file(At::flag("--file", FileSource { paths, ..FileSource::default() }));
        }
        for address in &flags.tcp {
            let listen = Some(At::flag("--tcp", *address));
            self.tcp(At::flag("--tcp", TcpSource { listen, ..TcpSource::default() }));
        }
        for address in &flags.http {
            let listen = Some(At::flag("--http", *address));
            self.http(At::flag("--http", HttpSource { listen, ..HttpSource::default() }));
        }
        if flags.stdin {
            self.add(At::flag("--stdin", Common::default()), "stdin", SourceKind::Stdin, Traffic::Llm);
        }
    }

    fn file(&mut self, source: At<FileSource>) {
        let At { value: FileSource { common: Flat(common), paths, exclude, start_at }, place: table } = source;
        let Some(At { value: paths, place }) = paths.filter(|paths| !paths.value.is_empty()) else {
            self.fault(&table, "a file source needs `paths`, like [\"/var/log/llm/*.jsonl\"]");
            return;
        };
        let At { value: exclude, place: exclude_place } =
            exclude.unwrap_or_else(|| At { value: Vec::new(), place: String::new() });
        self.check_globs(&place, &paths, &[]);
        self.check_globs(&exclude_place, &[], &exclude);
        let traffic = if paths.iter().all(|path| is_node_log(path)) { Traffic::Mixed } else { Traffic::Llm };
        let start_at = start_at.map_or(StartAt::End, |start_at| start_at.value);
        let kind = SourceKind::File { paths, exclude, start_at };
        self.add(At { value: common, place: table }, "file", kind, traffic);
    }

    fn check_globs(&mut self, place: &str, paths: &[String], exclude: &[String]) {
        if let Err(error) = check_patterns(paths, exclude) {
            self.fault(place, &with_causes(&error));
        }
    }

    fn tcp(&mut self, source: At<TcpSource>) {
        let At { value, place: table } = source;
        let TcpSource { common: Flat(common), listen, max_connections, idle, cert_file, key_file } = value;
        let Some(At { value: listen, .. }) = listen else {
            self.fault(&table, "a TCP source needs `listen`, like \"127.0.0.1:10530\"");
            return;
        };
        let limits = self.limits(Limits::default(), max_connections, idle);
        let tls = self.tls(cert_file, key_file);
        let kind = SourceKind::Tcp { listen, limits, tls };
        self.add(At { value: common, place: table }, "tcp", kind, Traffic::Llm);
    }

    fn http(&mut self, source: At<HttpSource>) {
        let At { value, place: table } = source;
        let HttpSource { common: Flat(common), listen, max_connections, idle, cert_file, key_file, token_file } = value;
        let Some(At { value: listen, .. }) = listen else {
            self.fault(&table, "an HTTP source needs `listen`, like \"127.0.0.1:4318\"");
            return;
        };
        let limits = self.limits(push::LIMITS, max_connections, idle);
        let tls = self.tls(cert_file, key_file);
        let kind = SourceKind::Http { listen, limits, tls, token: token_file.map(|file| file.value) };
        self.add(At { value: common, place: table }, "http", kind, Traffic::Llm);
    }

    fn limits(&mut self, mut limits: Limits, max_connections: Option<At<usize>>, idle: Option<At<Span>>) -> Limits {
        if let Some(At { value, place }) = max_connections {
            limits.connections = value;
            if !CONNECTIONS_WITHIN.contains(&value) {
                let (least, most) = CONNECTIONS_WITHIN.into_inner();
                self.fault(&place, &format!("`max_connections` is {value}; it must be from {least} to {most}"));
            }
        }
        if let Some(At { value, place }) = idle {
            limits.idle = value.0;
            if value.0.is_zero() {
                self.fault(
                    &place,
                    "`idle` is 0s, which would close every connection immediately; use a longer time, like \"10m\"",
                );
            }
        }
        limits
    }

    fn tls(&mut self, cert_file: Option<At<PathBuf>>, key_file: Option<At<PathBuf>>) -> Option<TlsFiles> {
        match (cert_file, key_file) {
            (Some(cert), Some(key)) => Some(TlsFiles { cert: cert.value, key: key.value }),
            (None, None) => None,
            (Some(At { place, .. }), None) => {
                self.fault(&place, "`cert_file` needs a `key_file` beside it");
                None
            }
            (None, Some(At { place, .. })) => {
                self.fault(&place, "`key_file` needs a `cert_file` beside it");
                None
            }
        }
    }

    fn add(&mut self, common: At<Common>, kind_name: &str, kind: SourceKind, default_traffic: Traffic) {
        let At { value: Common { name, grain, traffic, timezone }, place } = common;
        let name = name.unwrap_or_else(|| At { value: self.free_name(kind_name), place });
        let is_label = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        if name.value.is_empty() || name.value.len() > 63 || !name.value.chars().all(is_label) {
            let what =
                format!("`name` is {:?}; use up to 63 letters, digits, `-`, `_` and `.`: it is a metric label", name.value);
            self.fault(&name.place, &what);
        }
        if !self.names.insert(name.value.clone()) {
            self.fault(&name.place, &format!("two sources are named `{}`; give each its own name", name.value));
        }
        if let Some(At { value, place }) = &timezone
            && jiff::tz::TimeZone::get(value).is_err()
        {
            self.fault(place, &format!("`timezone` is {value:?}; use a name of the IANA database, like \"Asia/Tokyo\""));
        }
        self.all.push(Source {
            name: name.value,
            kind,
            grain: grain.map_or(GrainRule::Auto, |grain| grain.value),
            traffic: traffic.map_or(default_traffic, |traffic| traffic.value),
            timezone: timezone.map(|timezone| timezone.value),
        });
    }

    /// The name of the kind, with a number from the second source on.
    fn free_name(&self, kind: &str) -> String {
        let numbered = (2..).map(|number| format!("{kind}-{number}"));
        let mut names = std::iter::once(kind.to_owned()).chain(numbered);
        names.find(|name| !self.names.contains(name)).unwrap_or_default()
    }

    fn fault(&mut self, place: &str, what: &str) {
        self.faults.push(fault(place, what));
    }
}

fn is_node_log(path: &str) -> bool {
    NODE_LOGS.iter().any(|dir| path.starts_with(dir))
}
