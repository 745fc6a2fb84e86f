//! One judged record as the stages after `classify` see it: small, owned, and without reference to the log line.
//!
//! [`Name`] keeps names inline, so the observation of a successful call allocates nothing.
//!
//! Tests: every test of `correlate`, `window`, `detect` and `alert` builds observations; `tests/it/properties.rs`.

use crate::taxonomy::{Category, Confidence, Ending, Grain, Outcome, Owner, Provider, Retry, Status, StatusLabel};
use crate::time::Timestamp;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A short text, stored inline. Longer texts are cut at a character.
#[derive(Clone, Copy)]
pub struct Name {
    bytes: [u8; Name::CAPACITY],
    len: u8,
    /// Names are keys of many maps, so the hash is taken once.
    hash: u64,
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl Name {
    /// The longest name, in bytes.
    pub const CAPACITY: usize = 63;
    /// The absent name.
    pub const EMPTY: Self = Self { bytes: [0; Self::CAPACITY], len: 0, hash: 0 };

    /// The text, cut at a character to [`Self::CAPACITY`] bytes; control characters become spaces.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the text was cut to 63 bytes")]
    pub fn new(text: &str) -> Self {
        let mut this = Self::EMPTY;
        let text = &text.as_bytes()[..text.floor_char_boundary(Self::CAPACITY)];
        // Scan the source, not the copy: reading bytes that were just stored stalls on store forwarding.
        let has_control = text.iter().fold(false, |found, byte| found | byte.is_ascii_control());
        this.len = text.len() as u8;
        let bytes = &mut this.bytes[..text.len()];
        bytes.copy_from_slice(text);
        if has_control {
            bytes.iter_mut().filter(|byte| byte.is_ascii_control()).for_each(|byte| *byte = b' ');
            this.hash = hash_of(bytes);
        } else {
            this.hash = hash_of(text);
        }
        this
    }

    /// The text as bytes: a comparison or a hash needs no more.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The text, as it was cut by [`Self::new`].
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
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

/// The hash of no bytes is 0.
fn hash_of(bytes: &[u8]) -> u64 {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash ^ word).wrapping_mul(MIX).rotate_left(29);
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(bytes.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    rest.iter().fold(hash, |hash, byte| mix(hash, u64::from(*byte)))
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

/// A pattern of the catalogue in force, as an index into its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PatternId(pub u16);

impl PatternId {
    /// The pattern at this position of the catalogue.
    ///
    /// # Panics
    /// If the position is more than 65,535, which no catalogue reaches.
    #[must_use]
    pub fn from_index(index: usize) -> Self {
        Self(u16::try_from(index).expect("a catalogue has a limit of 20,000 patterns"))
    }

    /// The position in the catalogue.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A longer wait, in seconds, is not a back-off but the date at which a limit refills ([`Evidence::resets_at`]).
pub const MAX_RETRY_AFTER_S: f64 = 3_600.0;

/// A configured source, as an index into the list of sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u16);

/// One judged record: what windows, detections and alerts see.
#[derive(Clone, Debug)]
pub struct Observation {
    /// Event time: the record's own stamp, checked against the arrival time.
    pub at: Timestamp,
    /// Success or error; [`Outcome::Other`] is not counted.
    pub outcome: Outcome,
    /// Call, attempt, or a further line about a failure.
    pub grain: Grain,
    /// The provider that was called.
    pub provider: Provider,
    /// The relay between caller and provider.
    pub gateway: Option<Provider>,
    /// The status that the application saw.
    pub status: Option<Status>,
    /// The status in the provider's own body, where it differs.
    pub upstream_status: Option<Status>,
    /// The pattern that won; `None` if no pattern matches or the call worked.
    pub pattern: Option<PatternId>,
    /// Kind of error; [`Category::Unknown`] on a success too.
    pub category: Category,
    /// Who can fix the cause.
    pub owner: Owner,
    /// Whether the same request can succeed later.
    pub retry: Retry,
    /// The kind of evidence that decided on the pattern.
    pub confidence: Confidence,
    /// The wait that the provider asks for, in seconds; at most [`MAX_RETRY_AFTER_S`] if the record has a time stamp.
    pub retry_after_s: Option<f64>,
    /// How long the call took, in seconds.
    pub latency_s: Option<f64>,
    /// Tokens sent, as the client counted or estimated them.
    pub input_tokens: Option<u64>,
    /// Tokens of the answer.
    pub output_tokens: Option<u64>,
    /// The time until the first token of the answer came, in seconds.
    pub first_token_s: Option<f64>,
    /// How the answer ended, where the record tells it.
    pub ending: Option<Ending>,
    /// The requested model, cut to the length of a [`Name`].
    pub model: Name,
    /// The calling service.
    pub service: Name,
    /// The source of the line.
    pub source: SourceId,
    /// Only errors have it.
    pub evidence: Option<Box<Evidence>>,
}

/// What an alert shows of one failure. Already redacted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The error's own text, at most 512 bytes.
    pub message: String,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// The machine that wrote the line.
    pub host: Option<String>,
    /// The last four characters of the key, where the log shows them.
    pub key_hint: Option<String>,
    /// The time at which a limit refills, where the wait is longer than [`MAX_RETRY_AFTER_S`].
    pub resets_at: Option<Timestamp>,
    /// The first line of the event in its source, counted from 1; 0 after a restart, which does not keep it.
    pub line: u64,
}

impl Observation {
    /// An observation of a record that is not a call.
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
            output_tokens: None,
            first_token_s: None,
            ending: None,
            model: Name::EMPTY,
            service: Name::EMPTY,
            source: SourceId::default(),
            evidence: None,
        }
    }

    /// The provider's own status where it is known, else the status that the application saw.
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
