//! Records that speak of an LLM call or of trouble, and of which nothing more was understood.

use super::template;
use crate::observation::SourceId;

/// Records of one [`template`] that were not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadView {
    /// How many there are.
    pub count: u64,
    /// The text of the first, redacted.
    pub example: String,
    /// Where the first is: its input and its line.
    pub place: (SourceId, u64),
}

/// Counts records that were not understood, with the first of each template.
#[derive(Clone, Debug, Default)]
pub struct Unread {
    count: u64,
    groups: Vec<(String, UnreadView)>,
}

impl Unread {
    /// The most templates; records of further ones are only counted.
    pub const LIMIT: usize = 20;

    /// Counts a record with this text, which is redacted.
    pub fn note(&mut self, text: &str, place: (SourceId, u64)) {
        self.count += 1;
        let template = template(text);
        if let Some((_, group)) = self.groups.iter_mut().find(|(known, _)| *known == template) {
            group.count += 1;
        } else if self.groups.len() < Self::LIMIT {
            self.groups.push((template, UnreadView { count: 1, example: text.to_owned(), place }));
        }
    }

    /// All such records.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// One example of each template, the most frequent first.
    #[must_use]
    pub fn views(&self) -> Vec<UnreadView> {
        let mut views: Vec<_> = self.groups.iter().map(|(_, view)| view.clone()).collect();
        views.sort_by(|a, b| b.count.cmp(&a.count).then(a.place.1.cmp(&b.place.1)));
        views
    }
}
