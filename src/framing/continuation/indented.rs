//! Indented lines, and the frames of a traceback that are set apart by a box instead.

use super::opening;
use super::shape::{Continuation, Step, Traceback};
use super::traceback::is_boxed_frame;

pub(super) fn step(shape: &mut Continuation, line: &[u8], _after_blank: bool) -> Step {
    let in_frames = shape.traceback == Traceback::Frames;
    if !(matches!(line.first(), Some(b' ' | b'\t')) || in_frames && is_boxed_frame(line)) {
        return Step::NotMine;
    }
    if !in_frames {
        opening::note(shape, line);
        // Frames without the line above them: Ray prints the class of the task's error instead, or the log begins among them.
        let has_no_title = shape.is_failure() || shape.calm && !shape.headed;
        if shape.traceback == Traceback::None && has_no_title && line.starts_with(b"  File \"") {
            (shape.traceback, shape.brace) = (Traceback::Frames, false);
        }
    }
    Step::Joins
}
