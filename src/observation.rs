//! What one record comes to: small, owned, and all that the stages after `classify` look at.

use crate::taxonomy::{Category, Confidence, Grain, Outcome, Owner, Provider, Retry, Status, StatusLabel};
use crate::time::Timestamp;
use std::fmt;
use std::hash::{Hash, Hasher};

/// The longest wait, in seconds, that counts as a back-off. A longer one says when a limit refills: it is a date.
pub const MAX_RETRY_AFTER_S: f64 = 3_600.0;

/// A short text kept inline, so that a successful line allocates nothing. Longer texts are cut at a character.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    bytes: [u8; Name::CAPACITY],
    len: u8,
}

/// Names are keys of many maps: only the words that hold text are hashed.
impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The last seven bytes are no whole word: names that long differ before.
        for word in self.bytes.chunks_exact(8).take(usize::from(self.len).div_ceil(8)) {
            state.write_u64(word.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)));
        }
        state.write_u8(self.len);
    }
}

impl Name {
    /// The most bytes it holds.
    pub const CAPACITY: usize = 63;
    /// No name.
    pub const EMPTY: Self = Self { bytes: [0; Self::CAPACITY], len: 0 };

    /// The text, cut to [`Self::CAPACITY`] bytes at a character; control characters become blanks.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut this = Self::EMPTY;
        let text = &text.as_bytes()[..text.floor_char_boundary(Self::CAPACITY)];
        // Looked for where it is read: what was written a moment ago is slow to read again.
        let odd = text.iter().fold(false, |found, it| found | it.is_ascii_control());
        this.len = text.len() as u8;
        let bytes = &mut this.bytes[..text.len()];
        bytes.copy_from_slice(text);
        if odd {
            bytes.iter_mut().filter(|it| it.is_ascii_control()).for_each(|it| *it = b' ');
        }
        this
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }

    /// Whether there is no text.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The text, `None` where it is empty.
    #[must_use]
    pub fn get(&self) -> Option<&str> {
        (!self.is_empty()).then(|| self.as_str())
    }
}

impl Default for Name {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A pattern of the catalogue that is in force, as an index into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PatternId(pub u16);

/// A configured source, as an index into the list of sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u16);

/// One record, understood: what windows, detections and alerts see.
#[derive(Clone, Debug)]
pub struct Observation {
    /// Event time (the record's own, checked against arrival).
    pub at: Timestamp,
    /// Whether the call worked.
    pub outcome: Outcome,
    /// Call, attempt, or a further line of a failure.
    pub grain: Grain,
    /// Whose service was called.
    pub provider: Provider,
    /// The relay in between.
    pub gateway: Option<Provider>,
    /// What the application saw.
    pub status: Option<Status>,
    /// What the provider's own body says, where it differs.
    pub upstream_status: Option<Status>,
    /// The pattern that won.
    pub pattern: Option<PatternId>,
    /// Kind of error; [`Category::Unknown`] on a success too.
    pub category: Category,
    /// Who can settle it.
    pub owner: Owner,
    /// Whether to retry.
    pub retry: Retry,
    /// What decided.
    pub confidence: Confidence,
    /// A wait the provider named, in seconds.
    pub retry_after_s: Option<f64>,
    /// How long the call took, in seconds.
    pub latency_s: Option<f64>,
    /// Tokens sent, where the log tells (counted or estimated by the client).
    pub input_tokens: Option<u64>,
    /// The model asked for.
    pub model: Name,
    /// Who called.
    pub service: Name,
    /// Where the line came from.
    pub source: SourceId,
    /// Only of errors.
    pub evidence: Option<Box<Evidence>>,
}

/// What an alert shows of one failure. Redacted already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The error's own words, at most 512 bytes.
    pub message: String,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// The machine that wrote the line.
    pub host: Option<String>,
    /// The last four characters of the key, where the log shows them.
    pub key_hint: Option<String>,
    /// A far date at which a limit refills.
    pub resets_at: Option<Timestamp>,
}

impl Observation {
    /// An observation that says nothing yet.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        Self {
            at,
            outcome: Outcome::Other,
            grain: Grain::Call,
            provider: Provider::UNKNOWN,
            gateway: None,
            status: None,
            upstream_status: None,
            pattern: None,
            category: Category::Unknown,
            owner: Owner::Unknown,
            retry: Retry::Depends,
            confidence: Confidence::None,
            retry_after_s: None,
            latency_s: None,
            input_tokens: None,
            model: Name::EMPTY,
            service: Name::EMPTY,
            source: SourceId::default(),
            evidence: None,
        }
    }

    /// The provider's own status where it is known, else what the application saw.
    #[must_use]
    pub fn effective_status(&self) -> Option<Status> {
        self.upstream_status.or(self.status)
    }

    /// The value of the label `status`.
    #[must_use]
    pub fn status_label(&self) -> StatusLabel {
        StatusLabel(self.effective_status())
    }

    /// Whether it counts as a call that failed.
    #[must_use]
    pub fn is_failed_call(&self) -> bool {
        self.outcome == Outcome::Error && self.grain == Grain::Call
    }

    /// Whether it counts as a call that worked.
    #[must_use]
    pub fn is_good_call(&self) -> bool {
        self.outcome == Outcome::Success && self.grain == Grain::Call
    }
}
