//! How late an event arrives, compared with the evaluation.

/// An event closer to the present than this, in seconds, can still open a storm. A storm of an earlier event would be over.
const TOO_LATE_SECONDS: i64 = 900;

/// Where the second of an event lies, compared with the next second to be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::alert) enum Lateness {
    /// The second will be evaluated after this many others.
    OnTime(usize),
    /// The second was evaluated already: the event counts in the next one, with its own time.
    Late,
    /// The event is too old to open a storm.
    TooLate,
}

impl Lateness {
    /// Of an event in second `at`, while `next` is the next second to be evaluated.
    pub(in crate::alert) fn of(at: i64, next: i64) -> Self {
        let ahead = at - next;
        match usize::try_from(ahead) {
            Ok(ahead) => Self::OnTime(ahead),
            Err(_) if -ahead <= TOO_LATE_SECONDS => Self::Late,
            Err(_) => Self::TooLate,
        }
    }
}
