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
        // Frames without the line above them: Ray prints the class of the task's error instead.
        if shape.traceback == Traceback::None && shape.is_failure() && line.starts_with(b"  File \"") {
            shape.traceback = Traceback::Frames;
        }
    }
    Step::Joins
}
