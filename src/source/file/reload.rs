//! Replaces the list of sources while files are followed.

use super::globs::{Globs, PatternError};
use super::{Options, Source, Tailer};
use crate::framing::StreamId;
use crate::source::ClockReading;
use std::collections::BTreeSet;

impl Tailer {
    /// Follows these sources from the next scan on. A source that keeps its name keeps its files. The files of a removed
    /// source are closed and their positions remembered.
    ///
    /// # Errors
    ///
    /// Invalid glob pattern. Nothing changes then.
    pub fn set_sources(&mut self, options: Vec<Options>, now: ClockReading) -> Result<(), PatternError> {
        let mut sources = Vec::new();
        for options in options {
            let globs = Globs::new(&options.paths, &options.exclude)?;
            let before = self.sources.iter().find(|source| *source.name == *options.name);
            let (first_ever, first_scan) = before.map_or_else(
                || (!self.known_sources.contains(&options.name), self.scans + 1),
                |source| (source.first_ever, source.first_scan),
            );
            self.known_sources.insert(options.name.clone());
            sources.push(Source {
                globs,
                name: options.name.as_str().into(),
                first_ever,
                first_scan,
                warned_too_many: false,
                warned_special: BTreeSet::new(),
                options,
            });
        }
        let new_index = |old: &Source| sources.iter().position(|source| source.name == old.name);
        let moved: Vec<Option<usize>> = self.sources.iter().map(new_index).collect();
        let removed: Vec<StreamId> =
            self.tails.values().filter(|tail| moved[tail.source].is_none()).map(|tail| tail.stream).collect();
        for stream in removed {
            self.close(stream, now);
        }
        self.publish(now);
        for tail in self.tails.values_mut() {
            tail.source = moved[tail.source].unwrap_or_default();
        }
        self.read_errors.clear();
        self.sources = sources;
        Ok(())
    }
}
