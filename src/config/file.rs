//! The configuration as it was typed: nothing is filled in, nothing is checked beyond the kind of each value.

use super::GroupBy;
use super::quantity::{ByteSize, Span};
use super::read::{At, Section};
use crate::classify::Traffic;
use crate::correlate::GrainRule;
use crate::delivery::ReceiverOptions;
use crate::source::file::StartAt;
use crate::taxonomy::ProviderSpec;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The whole file.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) http: Http,
    pub(super) state_dir: Option<At<PathBuf>>,
    pub(super) files: Vec<FileSource>,
    pub(super) tcp: Vec<TcpSource>,
    pub(super) fields: Option<At<BTreeMap<String, Vec<String>>>>,
    pub(super) providers: Vec<At<ProviderSpec>>,
    pub(super) pattern_dirs: Option<At<Vec<PathBuf>>>,
    pub(super) max_line: Option<At<ByteSize>>,
    pub(super) series: Option<At<usize>>,
    pub(super) tcp_buffer: Option<At<ByteSize>>,
    pub(super) by: Option<At<Vec<GroupBy>>>,
    pub(super) escalation: Vec<At<toml::Table>>,
    /// Each with its kind.
    pub(super) receivers: Vec<(&'static str, At<toml::Table>)>,
    pub(super) runbook_url: Option<At<String>>,
}

#[derive(Debug, Default)]
pub(super) struct Http {
    pub(super) listen: Option<At<SocketAddr>>,
    pub(super) lifecycle: Option<At<bool>>,
    pub(super) url: Option<At<String>>,
}

/// What every kind of source has.
#[derive(Debug, Default)]
pub(super) struct Common {
    pub(super) place: String,
    pub(super) name: Option<At<String>>,
    pub(super) grain: Option<At<GrainRule>>,
    pub(super) traffic: Option<At<Traffic>>,
    pub(super) timezone: Option<At<String>>,
}

#[derive(Debug, Default)]
pub(super) struct FileSource {
    pub(super) common: Common,
    pub(super) paths: Option<At<Vec<String>>>,
    pub(super) exclude: Option<At<Vec<String>>>,
    pub(super) start_at: Option<At<StartAt>>,
}

#[derive(Debug, Default)]
pub(super) struct TcpSource {
    pub(super) common: Common,
    pub(super) listen: Option<At<SocketAddr>>,
    pub(super) max_connections: Option<At<usize>>,
    pub(super) idle: Option<At<Span>>,
    pub(super) cert_file: Option<At<PathBuf>>,
    pub(super) key_file: Option<At<PathBuf>>,
}

impl File {
    pub(super) fn read(root: &mut Section<'_, '_>) -> Self {
        let mut file = Self::default();
        root.table("http", |it| {
            file.http = Http { listen: it.key("listen"), lifecycle: it.key("lifecycle"), url: it.key("url") }
        });
        root.table("state", |it| file.state_dir = it.key("dir"));
        root.table("source", |it| {
            file.files = it.tables("file", FileSource::read);
            file.tcp = it.tables("tcp", TcpSource::read);
        });
        root.table("record", |it| file.fields = it.key("fields"));
        file.providers = root.foreign("provider");
        root.table("patterns", |it| file.pattern_dirs = it.key("dirs"));
        root.table("limits", |it| {
            file.max_line = it.key("max_line");
            file.series = it.key("series");
            file.tcp_buffer = it.key("tcp_buffer");
        });
        root.table("alerting", |it| {
            file.by = it.key("by");
            file.runbook_url = it.key("runbook_url");
        });
        file.escalation = root.foreign("escalation");
        root.table("receiver", |it| {
            for kind in ReceiverOptions::KINDS {
                file.receivers.extend(it.foreign(kind).into_iter().map(|table| (*kind, table)));
            }
        });
        file
    }
}

impl Common {
    fn read(section: &mut Section<'_, '_>, place: String) -> Self {
        Self {
            place,
            name: section.key("name"),
            grain: section.key("grain"),
            traffic: section.key("traffic"),
            timezone: section.key("timezone"),
        }
    }
}

impl FileSource {
    fn read(section: &mut Section<'_, '_>, place: String) -> Self {
        Self {
            common: Common::read(section, place),
            paths: section.key("paths"),
            exclude: section.key("exclude"),
            start_at: section.key("start_at"),
        }
    }
}

impl TcpSource {
    fn read(section: &mut Section<'_, '_>, place: String) -> Self {
        Self {
            common: Common::read(section, place),
            listen: section.key("listen"),
            max_connections: section.key("max_connections"),
            idle: section.key("idle"),
            cert_file: section.key("cert_file"),
            key_file: section.key("key_file"),
        }
    }
}
