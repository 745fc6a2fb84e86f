//! The inode that a file had before it was replaced. Its writer may not have noticed, so it is checked for new bytes.

use crate::framing::StreamId;
use std::fs::File;
use std::time::Instant;

/// An inode that has no name any more, or no name that is followed.
#[derive(Debug)]
pub(super) struct OldInode {
    /// The stream that continues in the new file.
    pub(super) stream: StreamId,
    pub(super) file: File,
    /// Its size when it was replaced. All bytes before it are in the new file too.
    pub(super) size: u64,
    pub(super) since: Instant,
}
