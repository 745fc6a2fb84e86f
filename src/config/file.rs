//! The configuration as typed: no defaults are filled in, and only the type of each value is checked.
//!
//! A key is one line here: its name, its type, and what it does. The comments on keys are for users: they are the
//! descriptions in the JSON Schema (`llm-triage schema config`). To add a key, add it here, in `resolve`, in the options of the
//! module that uses it, in `deploy/config.toml` and in the documentation.

use super::defaults::{CONNECTIONS_WITHIN, DEFAULT_LISTEN, MAX_LINE, SERIES, SERIES_WITHIN, STATE_DIR, TCP_BUFFER};
use super::quantity::ByteSize;
use super::read::{At, Flat, Foreign, Key, Section, Table};
use super::resolved::GroupBy;
use crate::alert::RowSpec;
use crate::classify::Traffic;
use crate::correlate::GrainRule;
use crate::delivery::ReceiverOptions;
use crate::source::{self, file::StartAt, push};
use crate::taxonomy::ProviderSpec;
use crate::time::Span;
use schemars::JsonSchema;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Declares tables of the file: each field is a key of the same name, and is read by its type.
macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident { $($(#[$key_doc:meta])* $key:ident: $type:ty,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Default, JsonSchema)]
        #[schemars(default, deny_unknown_fields)]
        pub(super) struct $name {
            $($(#[$key_doc])* pub(super) $key: $type,)+
        }

        impl Table for $name {
            fn read(section: &mut Section<'_, '_>) -> Self {
                Self { $($key: Key::read(section, stringify!($key)),)+ }
            }
        }
    )+};
}

tables! {
    /// Every key is optional; an unknown key is an error.
    File {
        /// The HTTP server: metrics, status page and API.
        http: Http,
        /// What is kept over a restart.
        state: State,
        /// What is read.
        source: SourceTables,
        /// How records are read.
        record: Record,
        /// Own providers, and additions to shipped ones.
        #[schemars(with = "Vec<ProviderSpec>")]
        provider: Foreign<ProviderSpec>,
        /// The catalogue of patterns.
        patterns: Patterns,
        /// Limits on memory.
        limits: Limits,
        /// What all alerts have in common.
        alerting: Alerting,
        /// Changes of shipped rows of the escalation table, and own rows, which come before the shipped ones.
        #[schemars(with = "Vec<RowSpec>")]
        escalation: Foreign<RowSpec>,
        /// Who is notified of alerts.
        #[schemars(with = "ReceiverOptions")]
        receiver: ReceiverTables,
    }

    /// The HTTP server: metrics, status page and API.
    Http {
        /// Address and port. The pages show parts of logs and have no login.
        #[schemars(extend("default" = DEFAULT_LISTEN.to_string()))]
        listen: Option<At<SocketAddr>>,
        /// Whether other hosts may request a reload, not only this one.
        #[schemars(extend("default" = false))]
        lifecycle: Option<At<bool>>,
        /// Host names that are answered beside addresses, `localhost`, the name of this host and the host of `url`; a request to another
        /// name gets 421.
        hosts: Option<At<Vec<String>>>,
        /// The address of this server for others, for links in alerts. Default: `http://` and the address of `listen`.
        url: Option<At<String>>,
    }

    /// What is kept over a restart.
    State {
        /// The directory of the checkpoint: positions in files, windows, alerts.
        #[schemars(extend("default" = STATE_DIR))]
        dir: Option<At<PathBuf>>,
    }

    /// What is read.
    SourceTables {
        /// Files that match globs.
        file: Vec<At<FileSource>>,
        /// Lines over TCP, each ended by a newline.
        tcp: Vec<At<TcpSource>>,
        /// Requests over HTTP: OTLP, the push API of Loki, lines.
        http: Vec<At<HttpSource>>,
    }

    /// Files that match globs.
    FileSource {
        #[schemars(flatten)]
        common: Flat<Common>,
        /// Globs of the files, with `*`, `**` and `?`. Required.
        paths: Option<At<Vec<String>>>,
        /// Globs of files that are left out.
        exclude: Option<At<Vec<String>>>,
        /// Where to begin in files that exist at the very first start.
        #[schemars(extend("default" = "end"))]
        start_at: Option<At<StartAt>>,
    }

    /// Lines over TCP, each ended by a newline.
    TcpSource {
        #[schemars(flatten)]
        common: Flat<Common>,
        /// Address and port to listen on. Required.
        listen: Option<At<SocketAddr>>,
        /// Maximum number of connections at the same time.
        #[schemars(range(min = *CONNECTIONS_WITHIN.start(), max = *CONNECTIONS_WITHIN.end()))]
        #[schemars(extend("default" = source::Limits::default().connections))]
        max_connections: Option<At<usize>>,
        /// A connection that sends nothing for this long is closed.
        #[schemars(extend("default" = Span(source::Limits::default().idle).to_string()))]
        idle: Option<At<Span>>,
        /// A certificate in PEM; with it, peers must use TLS. A relative path begins in the credentials directory of the
        /// service, else in the directory of this file.
        cert_file: Option<At<PathBuf>>,
        /// The private key of the certificate, in PEM.
        key_file: Option<At<PathBuf>>,
    }

    /// Requests over HTTP: OTLP, the push API of Loki, lines.
    HttpSource {
        #[schemars(flatten)]
        common: Flat<Common>,
        /// Address and port to listen on, like 127.0.0.1:4318. Required.
        listen: Option<At<SocketAddr>>,
        /// Maximum number of connections at the same time.
        #[schemars(range(min = *CONNECTIONS_WITHIN.start(), max = *CONNECTIONS_WITHIN.end()))]
        #[schemars(extend("default" = push::LIMITS.connections))]
        max_connections: Option<At<usize>>,
        /// A connection that sends no request, or does not read an answer, for this long is closed.
        #[schemars(extend("default" = Span(push::LIMITS.idle).to_string()))]
        idle: Option<At<Span>>,
        /// A certificate in PEM; with it, peers must use TLS. A relative path begins in the credentials directory of the
        /// service, else in the directory of this file.
        cert_file: Option<At<PathBuf>>,
        /// The private key of the certificate, in PEM.
        key_file: Option<At<PathBuf>>,
        /// A file with a token that every request must show: `Authorization: Bearer TOKEN`.
        token_file: Option<At<PathBuf>>,
    }

    /// The keys that every source has.
    Common {
        /// The metric label `source`: up to 63 letters, digits, `-`, `_` and `.`. Default: the kind of the source, with a
        /// number from the second on.
        name: Option<At<String>>,
        /// Whether a record counts as a call or as an attempt within a call; `auto` decides by the form of the record.
        #[schemars(extend("default" = "auto"))]
        grain: Option<At<GrainRule>>,
        /// Whether only LLM clients write to this source. Default: `mixed` for the logs of a whole node, else `llm`.
        traffic: Option<At<Traffic>>,
        /// The zone of time stamps without one: a name of the IANA database, like Asia/Tokyo. Default: inferred from arrival
        /// times.
        timezone: Option<At<String>>,
    }

    /// How records are read.
    Record {
        /// Own field names by what they hold; they are tried before the shipped ones.
        fields: Option<At<BTreeMap<String, Vec<String>>>>,
    }

    /// The catalogue of patterns.
    Patterns {
        /// Directories with own patterns, which take precedence over the shipped ones.
        dirs: Option<At<Vec<PathBuf>>>,
    }

    /// Limits on memory.
    Limits {
        /// The longest line that is kept whole; of a longer line, the head and the tail are read.
        #[schemars(extend("default" = MAX_LINE.to_string()))]
        max_line: Option<At<ByteSize>>,
        /// Memory for the bytes of all TCP and HTTP peers that are not handled yet; when it is used up, peers wait. A request
        /// may have an eighth of it.
        #[schemars(extend("default" = TCP_BUFFER.to_string()))]
        tcp_buffer: Option<At<ByteSize>>,
        /// Maximum number of series per metric family, beyond those of the shipped providers.
        #[schemars(range(min = *SERIES_WITHIN.start(), max = *SERIES_WITHIN.end()), extend("default" = SERIES))]
        series: Option<At<usize>>,
    }

    /// What all alerts have in common.
    Alerting {
        /// What alerts are grouped by: `["provider"]`, or `["provider", "service"]`.
        #[schemars(extend("default" = ["provider"]))]
        by: Option<At<Vec<GroupBy>>>,
        /// The page that alerts link to, with `{row}` in place of the row. Default: `/runbooks/{row}` of this server.
        runbook_url: Option<At<String>>,
    }
}

/// The tables `[[receiver.…]]`, each with its kind. `delivery` owns the kinds and their keys.
#[derive(Debug, Default)]
pub(super) struct ReceiverTables(pub(super) Vec<(&'static str, At<toml::Table>)>);

impl Table for ReceiverTables {
    fn read(section: &mut Section<'_, '_>) -> Self {
        let mut all = Vec::new();
        for kind in ReceiverOptions::KINDS {
            let tables = section.checked::<ReceiverOptions>(kind);
            all.extend(tables.into_iter().map(|table| (*kind, table)));
        }
        Self(all)
    }
}
