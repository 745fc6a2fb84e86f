//! The key of a lane.

use serde::{Deserialize, Serialize};

/// Identifies a lane of its stream: a hash of the parts of the prefixes that name it. Part of the checkpoint, so the hash is
/// the same in every version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LaneKey(u64);

impl LaneKey {
    /// The lane that `part` names within this one (FNV-1a).
    #[must_use]
    pub(super) fn within(self, part: &[u8]) -> Self {
        let start = if self.0 == 0 { 0xcbf2_9ce4_8422_2325 } else { self.0 ^ 0xff };
        let hash = part.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        Self(hash)
    }
}
