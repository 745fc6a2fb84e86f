//! The page of metrics as text: the classic format 0.0.4 and OpenMetrics 1.0, from one writer.
//!
//! Bucket bounds are written alike in both (`1.0`, as OpenMetrics demands), so that a scraper which changes its mind
//! does not make new series.

use super::definition::{Family, Kind};
use crate::time::Timestamp;
use std::fmt::Write;

/// The most characters of an exemplar's label, name and value together, that OpenMetrics allows.
const EXEMPLAR_CHARS: usize = 128;
const EXEMPLAR_LABEL: &str = "request_id";

/// The two text formats of Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// What everything that scrapes can read.
    Classic,
    /// With exemplars.
    OpenMetrics,
}

impl Format {
    /// The value of `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The format a peer likes best, by the q-values of its `Accept`. Where it does not say, or asks for what is not
    /// spoken here, it gets the classic text: a page is of more use to it than a refusal.
    pub fn negotiate(accept: Option<&str>) -> Self {
        let (mut classic, mut open) = (0.0, 0.0);
        for range in accept.unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default().to_ascii_lowercase();
            let (mut q, mut version) = (1.0, None);
            for (key, value) in parts.filter_map(|it| it.split_once('=')) {
                match key.trim() {
                    "q" => q = value.trim().parse::<f64>().ok().filter(|it| (0.0..=1.0).contains(it)).unwrap_or(0.0),
                    "version" => version = Some(value.trim().trim_matches('"')),
                    _ => {}
                }
            }
            match media.as_str() {
                "application/openmetrics-text" if matches!(version, None | Some("1.0.0" | "0.0.1")) => open = f64::max(open, q),
                "text/plain" if matches!(version, None | Some("0.0.4")) => classic = f64::max(classic, q),
                "text/*" | "*/*" => classic = f64::max(classic, q),
                _ => {}
            }
        }
        if open > 0.0 && open >= classic { Self::OpenMetrics } else { Self::Classic }
    }
}

/// One observation behind a counter: the request one would look up.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Exemplar {
    request_id: String,
    at: Timestamp,
}

impl Exemplar {
    /// `None` where the id is too long to be an exemplar, or holds what no provider's ids do: a quote in an exemplar is
    /// more than some parsers bear.
    pub(super) fn new(request_id: &str, at: Timestamp) -> Option<Self> {
        let is_plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\');
        let fits = !request_id.is_empty() && EXEMPLAR_LABEL.len() + request_id.len() <= EXEMPLAR_CHARS;
        (fits && request_id.bytes().all(is_plain)).then(|| Self { request_id: request_id.to_owned(), at })
    }
}

/// A page that is being written. The samples of one family must come in one go.
#[derive(Debug)]
pub(super) struct Page {
    text: String,
    format: Format,
    current: &'static str,
}

impl Page {
    pub(super) fn new(format: Format) -> Self {
        // The page of an idle daemon is about this long.
        Self { text: String::with_capacity(256 * 1024), format, current: "" }
    }

    /// One sample of a counter or gauge.
    pub(super) fn sample(&mut self, family: &'static Family, labels: &[(&str, &str)], value: f64) {
        self.exemplified(family, labels, value, None);
    }

    /// One sample with the request one would look up.
    pub(super) fn exemplified(
        &mut self,
        family: &'static Family,
        labels: &[(&str, &str)],
        value: f64,
        exemplar: Option<&Exemplar>,
    ) {
        self.head(family);
        self.text.push_str(family.name);
        self.labels(labels, None);
        self.value(value);
        if let Some(Exemplar { request_id, at }) = exemplar.filter(|_| self.format == Format::OpenMetrics) {
            self.text.push_str(" #");
            self.text.push(' ');
            self.labels(&[(EXEMPLAR_LABEL, request_id)], None);
            self.value(1.0);
            self.value(at.as_secs_f64());
        }
        self.text.push('\n');
    }

    /// One series of a histogram; `buckets` are cumulative, without the last (`+Inf`).
    pub(super) fn histogram(
        &mut self,
        family: &'static Family,
        labels: &[(&str, &str)],
        buckets: impl IntoIterator<Item = (f64, u64)>,
        count: u64,
        sum: f64,
    ) {
        self.head(family);
        for (bound, within) in buckets.into_iter().chain([(f64::INFINITY, count)]) {
            self.text.push_str(family.name);
            self.text.push_str("_bucket");
            self.labels(labels, Some(bound));
            self.value(within as f64);
            self.text.push('\n');
        }
        for (suffix, value) in [("_sum", sum), ("_count", count as f64)] {
            self.text.push_str(family.name);
            self.text.push_str(suffix);
            self.labels(labels, None);
            self.value(value);
            self.text.push('\n');
        }
    }

    /// The whole page.
    pub(super) fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }

    fn head(&mut self, family: &'static Family) {
        if self.current == family.name {
            return;
        }
        self.current = family.name;
        // In OpenMetrics a counter's family has no suffix; its samples have.
        let name = match (self.format, family.kind) {
            (Format::OpenMetrics, Kind::Counter) => family.name.trim_end_matches("_total"),
            _ => family.name,
        };
        write!(self.text, "# HELP {name} {}\n# TYPE {name} {}\n", family.help, family.kind).expect("a String takes any text");
    }

    fn labels(&mut self, labels: &[(&str, &str)], bound: Option<f64>) {
        if labels.is_empty() && bound.is_none() {
            return;
        }
        let mut before = '{';
        for (name, value) in labels {
            self.text.push(before);
            before = ',';
            self.text.push_str(name);
            self.text.push_str("=\"");
            escape(&mut self.text, value);
            self.text.push('"');
        }
        if let Some(bound) = bound {
            self.text.push(before);
            self.text.push_str("le=\"");
            let dot = if bound.fract() == 0.0 { ".0" } else { "" };
            match bound.is_finite() {
                true => write!(self.text, "{bound}{dot}").expect("a String takes any text"),
                false => self.text.push_str("+Inf"),
            }
            self.text.push('"');
        }
        self.text.push('}');
    }

    /// A blank and the value.
    fn value(&mut self, value: f64) {
        match value {
            v if v.is_nan() => self.text.push_str(" NaN"),
            f64::INFINITY => self.text.push_str(" +Inf"),
            f64::NEG_INFINITY => self.text.push_str(" -Inf"),
            v => write!(self.text, " {v}").expect("a String takes any text"),
        }
    }
}

fn escape(to: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '\\' => to.push_str("\\\\"),
            '"' => to.push_str("\\\""),
            '\n' => to.push_str("\\n"),
            c => to.push(c),
        }
    }
}
