//! Turns the typed configuration into the one in effect: flags before file before defaults. Reports every error.

use super::defaults::{
    DEFAULT_LISTEN, MAX_LINE, MAX_LINE_WITHIN, SERIES, SERIES_WITHIN, STATE_DIR, TCP_BUFFER, TCP_BUFFER_WITHIN,
};
use super::error::fault;
use super::file::{Alerting, File, Http, Limits, Patterns, Record, State};
use super::flags::Flags;
use super::read::At;
use super::resolved::{Config, GroupBy, Output};
use super::sources::resolve_sources;
use crate::record::Reader;
use crate::taxonomy::{ProviderSpec, Providers};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

pub(super) fn resolve(typed: File, flags: &Flags, state_directory: Option<PathBuf>, faults: &mut Vec<String>) -> Config {
    let File { http, state, source, record, provider, patterns, limits, alerting, escalation, receiver } = typed;
    let Http { listen, lifecycle, hosts, url } = http;
    let State { dir } = state;
    let Record { fields } = record;
    let Patterns { dirs } = patterns;
    let Limits { max_line, tcp_buffer, series } = limits;
    let Alerting { by, runbook_url } = alerting;
    let Flags { listen: listen_flag, state_dir: dir_flag, patterns: patterns_flag, output, .. } = flags;
    let sources = resolve_sources(source, flags, faults);
    let dirs = dirs.filter(|dirs| !dirs.value.is_empty());
    let (mut pattern_dirs, patterns_place) = dirs.map_or_else(Default::default, |dirs| (dirs.value, Some(dirs.place)));
    pattern_dirs.extend(patterns_flag.iter().cloned());
    Config {
        file: None,
        listen: listen_flag.or(listen.map(|listen| listen.value)).unwrap_or(DEFAULT_LISTEN),
        lifecycle: lifecycle.is_some_and(|lifecycle| lifecycle.value),
        hosts: checked_hosts(hosts, faults),
        state_dir: dir_flag
            .clone()
            .or(dir.map(|dir| dir.value))
            .or(state_directory)
            .unwrap_or_else(|| PathBuf::from(STATE_DIR)),
        sources,
        fields: checked_fields(fields, faults),
        providers: checked_providers(provider.0, faults),
        pattern_dirs,
        patterns_place,
        max_line: within("limits.max_line", max_line, MAX_LINE, MAX_LINE_WITHIN, faults),
        series: within("limits.series", series, SERIES, SERIES_WITHIN, faults),
        tcp_buffer: within("limits.tcp_buffer", tcp_buffer, TCP_BUFFER, TCP_BUFFER_WITHIN, faults),
        by: checked_by(by, faults),
        escalation: escalation.0.into_iter().map(|row| (row.place, row.value)).collect(),
        receivers: receiver.0.into_iter().map(|(kind, table)| (kind.to_owned(), table.place, table.value)).collect(),
        runbook_url: checked_runbook_url(runbook_url, faults),
        url: checked_url("http.url", url, faults),
        output: output.as_deref().map(output_of),
        flags: flags.clone(),
    }
}

fn output_of(path: &Path) -> Output {
    if path == Path::new("-") { Output::Stdout } else { Output::File(path.to_owned()) }
}

/// The typed value, else the default. A value out of range is an error.
fn within<T: PartialOrd + Display>(
    key: &str,
    typed: Option<At<T>>,
    default: T,
    range: RangeInclusive<T>,
    faults: &mut Vec<String>,
) -> T {
    let Some(At { value, place }) = typed else { return default };
    if !range.contains(&value) {
        let (least, most) = range.into_inner();
        faults.push(fault(&place, format_args!("`{key}` is {value}; it must be from {least} to {most}")));
    }
    value
}

fn checked_fields(typed: Option<At<BTreeMap<String, Vec<String>>>>, faults: &mut Vec<String>) -> BTreeMap<String, Vec<String>> {
    let Some(At { mut value, place }) = typed else { return BTreeMap::new() };
    value.retain(|name, paths| {
        let checked = Reader::new([(name.as_str(), paths.clone())]);
        faults.extend(checked.as_ref().err().map(|error| fault(&place, error)));
        checked.is_ok()
    });
    value
}

fn checked_providers(typed: Vec<At<ProviderSpec>>, faults: &mut Vec<String>) -> Vec<ProviderSpec> {
    let mut all = Vec::new();
    for At { value, place } in typed {
        match Providers::new([value.clone()]) {
            Ok(_) => all.push(value),
            Err(error) => faults.push(fault(&place, error)),
        }
    }
    all
}

fn checked_by(typed: Option<At<Vec<GroupBy>>>, faults: &mut Vec<String>) -> Vec<GroupBy> {
    let Some(At { value, place }) = typed else { return vec![GroupBy::Provider] };
    if value != [GroupBy::Provider] && value != [GroupBy::Provider, GroupBy::Service] {
        let what = "`alerting.by` must be [\"provider\"] or [\"provider\", \"service\"]";
        faults.push(fault(&place, what));
    }
    value
}

/// A web address, with a `/` at the end.
fn checked_url(key: &str, typed: Option<At<String>>, faults: &mut Vec<String>) -> Option<String> {
    let At { value, place } = typed?;
    if !is_web_address(&value) {
        faults.push(fault(&place, format_args!("`{key}` is {value:?}; it must begin with http:// or https://")));
    }
    Some(if value.ends_with('/') { value } else { value + "/" })
}

fn checked_hosts(typed: Option<At<Vec<String>>>, faults: &mut Vec<String>) -> Vec<String> {
    let Some(At { value, place }) = typed else { return Vec::new() };
    let is_name = |host: &String| !host.is_empty() && !host.contains(['/', ' ', '*']);
    if let Some(host) = value.iter().find(|host| !is_name(host)) {
        let what = format!("`http.hosts` contains {host:?}; write a host name, like \"triage.example\"");
        faults.push(fault(&place, what));
    }
    value
}

fn checked_runbook_url(typed: Option<At<String>>, faults: &mut Vec<String>) -> Option<String> {
    let At { value, place } = typed?;
    if !is_web_address(&value) || !value.contains("{row}") {
        let what = format!(
            "`alerting.runbook_url` is {value:?}; it must be a web address with {{row}} in place of the row, like \"https://wiki.example/llm/{{row}}\""
        );
        faults.push(fault(&place, what));
    }
    Some(value)
}

fn is_web_address(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://")) && !text.contains(char::is_whitespace)
}
