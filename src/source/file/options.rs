//! What the configuration and the last checkpoint set for the file sources.

use super::file_position::Position;
use super::globs::{Globs, PatternError};
use crate::observation::SourceId;
use crate::source::Gauges;
use crate::taxonomy::string_enum;
use std::collections::BTreeSet;
use std::sync::Arc;

string_enum! {
    /// Where to start in a file that exists when its source is followed for the first time ever.
    StartAt {
        /// At the first line.
        Beginning = "beginning",
        /// At the end: only lines that are written from now on.
        End = "end",
    }
}

/// One source of files.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its index among all sources.
    pub source: SourceId,
    /// The configured name, also its metric label.
    pub name: String,
    /// Glob patterns of files to read.
    pub paths: Vec<String>,
    /// Glob patterns of files to leave out.
    pub exclude: Vec<String>,
    /// Applies only to files that exist at the first start ever. A file that appears later is read from its first byte.
    pub start_at: StartAt,
    /// The metrics of this source.
    pub gauges: Arc<Gauges>,
}

/// Checks glob patterns of a configuration.
///
/// # Errors
///
/// The first invalid pattern.
pub fn check_patterns(paths: &[String], exclude: &[String]) -> Result<(), PatternError> {
    Globs::new(paths, exclude).map(drop)
}

/// What the last process left in its checkpoint.
#[derive(Debug, Default)]
pub struct ResumeState {
    /// The position in each file.
    pub positions: Vec<Position>,
    /// Names of the sources that were followed. For any other source this is the first start ever.
    pub sources: BTreeSet<String>,
    /// Skip to the end of every known file and count the skipped bytes: the backlog ended the process three times.
    pub skip_backlog: bool,
}
