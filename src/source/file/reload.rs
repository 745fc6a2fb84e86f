//! Another list of sources while files are followed.

use super::discover::Globs;
use super::{Options, PatternError, Source, Tailer};
use crate::framing::StreamId;
use crate::source::ClockReading;

impl Tailer {
    /// Follows these sources from the next look on. One that goes on under its name keeps its files; those of one that is
    /// gone are let go, and their places remembered.
    ///
    /// # Errors
    ///
    /// Where a pattern is none; nothing changes then.
    pub fn set_sources(&mut self, options: Vec<Options>, now: ClockReading) -> Result<(), PatternError> {
        let mut sources = Vec::new();
        for options in options {
            let globs = Globs::new(&options.paths, &options.exclude)?;
            let before = self.sources.iter().find(|it| *it.name == *options.name);
            let (first_ever, born) =
                before.map_or_else(|| (!self.known.contains(&options.name), self.scans + 1), |it| (it.first_ever, it.born));
            self.known.insert(options.name.clone());
            sources.push(Source { globs, name: options.name.as_str().into(), first_ever, born, said_too_many: false, options });
        }
        let index = |old: &Source| sources.iter().position(|it| it.name == old.name);
        let moved: Vec<Option<usize>> = self.sources.iter().map(index).collect();
        let gone: Vec<StreamId> = self.tails.values().filter(|it| moved[it.source].is_none()).map(|it| it.stream).collect();
        gone.into_iter().for_each(|it| self.close(it, now));
        self.publish(now);
        for tail in self.tails.values_mut() {
            tail.source = moved[tail.source].unwrap_or_default();
        }
        self.troubles.clear();
        self.sources = sources;
        Ok(())
    }
}
