//! What a reload takes over of the sources. A source keeps its number for the life of the process, for events on their way
//! bear it; so one that is gone leaves its place empty.

use crate::config::{Source, SourceKind};
use crate::source::Gauges;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A source's name and gauges.
type Named = (String, Arc<Gauges>);

/// Names and gauges of all sources, by their number.
#[derive(Clone, Debug, Default)]
pub struct SourceList(Arc<Mutex<Vec<Named>>>);

impl SourceList {
    /// All of them as they are now.
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
        match (wanted.iter().find(|new| new.name == it.name), &it.kind) {
            (Some(new), SourceKind::File { .. }) if matches!(new.kind, SourceKind::File { .. }) => *it = new.clone(),
            (Some(new), kind) => {
                if new.kind != *kind {
                    waiting.push(format!("source {}", it.name));
                }
                *it = Source { kind: kind.clone(), ..new.clone() };
            }
            (None, SourceKind::File { .. }) => *it = without_files(it),
            (None, _) => waiting.push(format!("source {}", it.name)),
        }
    }
    for new in wanted.iter().filter(|new| running.iter().all(|it| it.name != new.name)) {
        match new.kind {
            SourceKind::File { .. } => merged.push(new.clone()),
            SourceKind::Tcp { .. } | SourceKind::Stdin => waiting.push(format!("source {}", new.name)),
        }
    }
    (merged, waiting)
}

fn without_files(source: &Source) -> Source {
    let SourceKind::File { start_at, .. } = &source.kind else { return source.clone() };
    let kind = SourceKind::File { paths: Vec::new(), exclude: Vec::new(), start_at: *start_at };
    Source { kind, ..source.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Flags};

    fn sources(text: &str) -> Vec<Source> {
        Config::from_text(None, text, &Flags::default(), None).expect("a good configuration").sources
    }

    #[test]
    fn files_come_and_go_and_peers_wait() {
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
            })
            .collect();
        assert_eq!(said, ["a ", "b /b /b2", "t 127.0.0.1:1 call", "c /c"]);
        assert_eq!(waiting, ["source t"]);
        // What is back has its old place.
        let (again, _) = merge(&merged, &running);
        assert_eq!(again[0], running[0]);
    }
}
