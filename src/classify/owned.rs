//! A verdict that outlives its record. Its texts are appended to one buffer, which many verdicts share: keeping a success allocates nothing.

use super::verdict::{Judgement, Texts, Verdict};
use std::borrow::Cow;
use std::ops::Range;

/// A verdict with its texts in a buffer that the caller keeps.
#[derive(Clone, Debug)]
pub struct OwnedVerdict {
    /// Byte ranges of the buffer.
    texts: Texts<Range<u32>>,
    judgement: Judgement,
}

impl Verdict<'_> {
    /// Appends the texts of this verdict to `buffer`.
    pub fn keep(self, buffer: &mut String) -> OwnedVerdict {
        let texts = self.texts.map(|text| {
            let start = u32::try_from(buffer.len()).ok();
            buffer.push_str(&text);
            Some(start?..u32::try_from(buffer.len()).ok()?)
        });
        OwnedVerdict { texts, judgement: self.judgement }
    }
}

impl OwnedVerdict {
    /// The verdict, with its texts borrowed from the buffer that [`Verdict::keep`] appended them to.
    pub fn open(self, buffer: &str) -> Verdict<'_> {
        let texts = self.texts.map(|range| buffer.get(range.start as usize..range.end as usize).map(Cow::Borrowed));
        Verdict { texts, judgement: self.judgement }
    }
}
