//! What a reload takes over of the sources. A source keeps its number for the life of the process, for events on their way
//! bear it; so one that is gone leaves its place empty.

use super::PeerSource;
use crate::config::{Source, SourceKind};
use crate::observation::SourceId;
use crate::source::Gauges;
use crate::source::tcp::Settings;
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A source's name and gauges.
type Named = (String, Arc<Gauges>);

/// Names and gauges of all sources, by their number.
#[derive(Clone, Debug, Default)]
pub struct SourceList(Arc<Mutex<Vec<Named>>>);

impl SourceList {
    /// All of them as they are now.
    #[must_use]
    pub fn all(&self) -> Vec<Named> {
        self.lock().clone()
    }

    /// Adds those that are new.
    pub(super) fn extend(&self, sources: &[Source]) {
        let mut all = self.lock();
        for it in sources.iter().skip(all.len()) {
            all.push((it.name.clone(), Arc::default()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Named>> {
        // The sections are short and hold no invariant that a panic could break.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sources that are to run from now on, each in its place, and the changes that wait for a restart.
pub(super) fn merge(running: &[Source], wanted: &[Source]) -> (Vec<Source>, Vec<String>) {
    let mut merged: Vec<Source> = running.to_vec();
    let mut waiting = Vec::new();
    for it in &mut merged {
        let new = wanted.iter().find(|new| new.name == it.name);
        *it = match (new, &it.kind) {
            (Some(new), SourceKind::Stdin) => Source { kind: SourceKind::Stdin, ..new.clone() },
            (None, SourceKind::Stdin) => {
                waiting.push(format!("source {}", it.name));
                continue;
            }
            (Some(new), kind) => Source { kind: kept_address(kind, new, &mut waiting), ..new.clone() },
            (None, _) => Source { kind: SourceKind::Absent, ..it.clone() },
        };
    }
    for new in wanted.iter().filter(|new| running.iter().all(|it| it.name != new.name)) {
        match new.kind {
            SourceKind::Stdin => waiting.push(format!("source {}", new.name)),
            SourceKind::File { .. } | SourceKind::Tcp { .. } | SourceKind::Absent => merged.push(new.clone()),
        }
    }
    (merged, waiting)
}

/// What a source is from now on. One that listens goes on where it does.
fn kept_address(running: &SourceKind, new: &Source, waiting: &mut Vec<String>) -> SourceKind {
    let mut kind = new.kind.clone();
    if let (SourceKind::Tcp { listen: old, .. }, SourceKind::Tcp { listen, .. }) = (running, &mut kind)
        && old != listen
    {
        waiting.push(format!("source {}: listen", new.name));
        *listen = *old;
    }
    kind
}

/// What those that listen are to be, by their number. New ones are bound here: an address that is taken refuses the whole.
///
/// # Errors
/// With everything that is wrong.
pub(super) fn peers(
    running: &[Source],
    merged: &[Source],
    mut settings: BTreeMap<String, Settings>,
) -> Result<Vec<PeerSource>, Vec<String>> {
    let listens =
        |sources: &[Source], name: &str| sources.iter().any(|it| it.name == name && matches!(it.kind, SourceKind::Tcp { .. }));
    let is_left = |address: SocketAddr| {
        running
            .iter()
            .any(|it| matches!(&it.kind, SourceKind::Tcp { listen, .. } if *listen == address && !listens(merged, &it.name)))
    };
    let (mut peers, mut faults) = (Vec::new(), Vec::new());
    for (source, it) in (0..).map(SourceId).zip(merged) {
        let SourceKind::Tcp { listen: address, .. } = it.kind else { continue };
        let mut socket = None;
        if !listens(running, &it.name) && !is_left(address) {
            match TcpListener::bind(address) {
                Ok(bound) => socket = Some(bound),
                Err(error) => faults.push(format!("source {}: cannot listen on {address}: {error}", it.name)),
            }
        }
        let settings = settings.remove(&it.name).unwrap_or_default();
        peers.push(PeerSource { source, name: it.name.clone(), address, socket, settings });
    }
    if faults.is_empty() { Ok(peers) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Flags};

    fn sources(text: &str) -> Vec<Source> {
        Config::from_text(None, text, &Flags::default(), None).expect("a good configuration").sources
    }

    #[test]
    fn sources_come_and_go_and_only_addresses_wait() {
        let running = sources(
            "[[source.file]]\nname = \"a\"\npaths = [\"/a\"]\n[[source.file]]\nname = \"b\"\npaths = [\"/b\"]\n\
             [[source.tcp]]\nname = \"t\"\nlisten = \"127.0.0.1:1\"\n",
        );
        let wanted = sources(
            "[[source.file]]\nname = \"c\"\npaths = [\"/c\"]\n[[source.file]]\nname = \"b\"\npaths = [\"/b\", \"/b2\"]\n\
             [[source.tcp]]\nname = \"t\"\nlisten = \"127.0.0.1:2\"\ngrain = \"call\"\n",
        );
        let (merged, waiting) = merge(&running, &wanted);
        let said: Vec<String> = merged
            .iter()
            .map(|it| match &it.kind {
                SourceKind::File { paths, .. } => format!("{} {}", it.name, paths.join(" ")),
                SourceKind::Tcp { listen, .. } => format!("{} {listen} {}", it.name, it.grain),
                SourceKind::Stdin => "stdin".to_owned(),
                SourceKind::Absent => format!("{} gone", it.name),
            })
            .collect();
        assert_eq!(said, ["a gone", "b /b /b2", "t 127.0.0.1:1 call", "c /c"]);
        assert_eq!(waiting, ["source t: listen"]);
        // What is back has its old place.
        let (again, _) = merge(&merged, &running);
        assert_eq!(again[0], running[0]);
    }
}
