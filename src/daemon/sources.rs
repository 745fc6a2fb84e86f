//! The sources of the running daemon, and what a reload makes of them. A source keeps its number for the life of the process,
//! because events in the channel carry it; a removed source leaves its number unused.

use super::listening::Listening;
use super::peers::PeerSource;
use crate::config::{Source, SourceKind};
use crate::observation::SourceId;
use crate::source::file::Options;
use crate::source::{Gauges, Settings};
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The name and the gauges of a source.
type NamedGauges = (String, Arc<Gauges>);

/// Names and gauges of all sources, by [`SourceId`].
#[derive(Clone, Debug, Default)]
pub struct SourceList(Arc<Mutex<Vec<NamedGauges>>>);

impl SourceList {
    /// Names and gauges as of now.
    #[must_use]
    pub fn all(&self) -> Vec<NamedGauges> {
        self.lock().clone()
    }

    /// The gauges alone.
    pub(super) fn gauges(&self) -> Vec<Arc<Gauges>> {
        self.lock().iter().map(|(_, gauges)| Arc::clone(gauges)).collect()
    }

    /// Adds the sources that are not in the list yet.
    pub(super) fn extend(&self, sources: &[Source]) {
        let mut all = self.lock();
        for source in sources.iter().skip(all.len()) {
            all.push((source.name.clone(), Arc::default()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<NamedGauges>> {
        // The sections are short and hold no invariant that a panic could break.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sources with their numbers.
pub(super) fn numbered(sources: &[Source]) -> impl Iterator<Item = (SourceId, &Source)> {
    (0..).map(SourceId).zip(sources)
}

/// The options of the file sources.
pub(super) fn file_options(sources: &[Source], list: &SourceList) -> Vec<Options> {
    let mut all = Vec::new();
    for ((id, source), gauges) in numbered(sources).zip(list.gauges()) {
        if let SourceKind::File { paths, exclude, start_at } = &source.kind {
            let (name, paths, exclude) = (source.name.clone(), paths.clone(), exclude.clone());
            all.push(Options { source: id, name, paths, exclude, start_at: *start_at, gauges });
        }
    }
    all
}

/// The sources from now on, each at its number, and the changes that need a restart.
pub(super) fn merge(running: &[Source], wanted: &[Source]) -> (Vec<Source>, Vec<String>) {
    let mut merged: Vec<Source> = running.to_vec();
    let mut waiting = Vec::new();
    for source in &mut merged {
        let new = wanted.iter().find(|new| new.name == source.name);
        *source = match (new, &source.kind) {
            (Some(new), SourceKind::Stdin) => Source { kind: SourceKind::Stdin, ..new.clone() },
            (None, SourceKind::Stdin) => {
                waiting.push(format!("source {}", source.name));
                continue;
            }
            (Some(new), kind) => Source { kind: with_kept_address(kind, new, &mut waiting), ..new.clone() },
            (None, _) => Source { kind: SourceKind::Absent, ..source.clone() },
        };
    }
    for new in wanted.iter().filter(|new| running.iter().all(|source| source.name != new.name)) {
        match new.kind {
            SourceKind::Stdin => waiting.push(format!("source {}", new.name)),
            SourceKind::File { .. } | SourceKind::Tcp { .. } | SourceKind::Http { .. } | SourceKind::Absent => {
                merged.push(new.clone());
            }
        }
    }
    (merged, waiting)
}

/// The new kind of a source. A source that listens keeps its address and its protocol until a restart.
fn with_kept_address(running: &SourceKind, new: &Source, waiting: &mut Vec<String>) -> SourceKind {
    let mut kind = new.kind.clone();
    let (Some(old), Some(wanted)) = (Listening::of(running), Listening::of(&kind)) else { return kind };
    if old.protocol != wanted.protocol {
        waiting.push(format!("source {}: its kind", new.name));
        return running.clone();
    }
    if old.address != wanted.address {
        waiting.push(format!("source {}: listen", new.name));
        if let SourceKind::Tcp { listen, .. } | SourceKind::Http { listen, .. } = &mut kind {
            *listen = old.address;
        }
    }
    kind
}

/// The TCP and HTTP sources from now on. New addresses are bound here, so that an address in use refuses the whole reload.
///
/// # Errors
/// With every address that cannot be bound.
pub(super) fn peer_sources(
    running: &[Source],
    merged: &[Source],
    mut settings: BTreeMap<String, Settings>,
) -> Result<Vec<PeerSource>, Vec<String>> {
    let listens = |sources: &[Source], name: &str| {
        sources.iter().any(|source| source.name == name && Listening::of(&source.kind).is_some())
    };
    // The socket of a source that goes is handed to the new source with the same address.
    let becomes_free = |address: SocketAddr| {
        let at = |source: &Source| Listening::of(&source.kind).is_some_and(|listening| listening.address == address);
        running.iter().any(|source| at(source) && !listens(merged, &source.name))
    };
    let (mut peers, mut errors) = (Vec::new(), Vec::new());
    for (id, source) in numbered(merged) {
        let Some(Listening { address, protocol, .. }) = Listening::of(&source.kind) else { continue };
        let mut socket = None;
        if !listens(running, &source.name) && !becomes_free(address) {
            match TcpListener::bind(address) {
                Ok(bound) => socket = Some(bound),
                Err(error) => errors.push(format!("source {}: cannot listen on {address}: {error}", source.name)),
            }
        }
        let settings = settings.remove(&source.name).unwrap_or_default();
        peers.push(PeerSource { source: id, name: source.name.clone(), protocol, address, socket, settings });
    }
    if errors.is_empty() { Ok(peers) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Flags};

    fn sources(text: &str) -> Vec<Source> {
        Config::from_text(None, text, &Flags::default(), None).expect("a good configuration").sources
    }

    #[test]
    fn a_reload_adds_and_removes_sources_and_only_addresses_need_a_restart() {
        let running = sources(
            "[[source.file]]\nname = \"a\"\npaths = [\"/a\"]\n[[source.file]]\nname = \"b\"\npaths = [\"/b\"]\n\
             [[source.tcp]]\nname = \"t\"\nlisten = \"127.0.0.1:1\"\n",
        );
        let wanted = sources(
            "[[source.file]]\nname = \"c\"\npaths = [\"/c\"]\n[[source.file]]\nname = \"b\"\npaths = [\"/b\", \"/b2\"]\n\
             [[source.tcp]]\nname = \"t\"\nlisten = \"127.0.0.1:2\"\ngrain = \"call\"\n",
        );
        let (merged, waiting) = merge(&running, &wanted);
        let described: Vec<String> = merged
            .iter()
            .map(|source| match &source.kind {
                SourceKind::File { paths, .. } => format!("{} {}", source.name, paths.join(" ")),
                SourceKind::Tcp { listen, .. } => format!("{} {listen} {}", source.name, source.grain),
                SourceKind::Http { listen, .. } => format!("{} {listen}", source.name),
                SourceKind::Stdin => "stdin".to_owned(),
                SourceKind::Absent => format!("{} gone", source.name),
            })
            .collect();
        assert_eq!(described, ["a gone", "b /b /b2", "t 127.0.0.1:1 call", "c /c"]);
        assert_eq!(waiting, ["source t: listen"]);
        // A source that comes back gets its old number.
        let (again, _) = merge(&merged, &running);
        assert_eq!(again[0], running[0]);
    }
}
