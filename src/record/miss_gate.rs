//! When a search in what was learned is worth its cost.

/// Closes for most of what comes after many searches in a row that found nothing: with `AFTER` misses, one of `SHARE` is searched for.
#[derive(Debug, Default)]
pub struct MissGate<const AFTER: u32, const SHARE: u32> {
    misses: u32,
}

impl<const AFTER: u32, const SHARE: u32> MissGate<AFTER, SHARE> {
    /// Whether to search now; [`Self::note`] takes the result.
    #[must_use]
    pub fn opens(&mut self) -> bool {
        let is_closed = self.misses >= AFTER && !self.misses.is_multiple_of(SHARE);
        if is_closed {
            self.note(false);
        }
        !is_closed
    }

    /// Notes the result of a search.
    pub fn note(&mut self, is_found: bool) {
        self.misses = match self.misses.checked_add(1) {
            _ if is_found => 0,
            Some(misses) => misses,
            None => AFTER,
        };
    }
}
