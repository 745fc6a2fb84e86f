//! Boxes that rich and its relatives draw around a message: `╭─ Error ─╮`, `│ … │`, `╰───╯`.

use super::shape::{Continuation, Section, Step};

/// Notes that the event begins with the upper edge of a box.
pub(super) fn open(shape: &mut Continuation, line: &[u8]) -> bool {
    let opens = begins_with(line, &["╭", "┌", "┏", "╔"]);
    if opens {
        shape.section = Section::Panel;
    }
    opens
}

pub(super) fn step(shape: &mut Continuation, line: &[u8], after_blank: bool) -> Step {
    if !line.starts_with(b"\xe2") {
        return Step::NotMine;
    }
    if shape.section == Section::Panel && begins_with(line, &["│", "┃", "║", "├", "┣", "┡", "╞", "┝"]) {
        return Step::Joins;
    }
    if shape.section == Section::Panel && begins_with(line, &["╰", "└", "┗", "╚"]) {
        shape.section = Section::None;
        shape.done |= !shape.headed;
        return Step::Joins;
    }
    if open(shape, line) {
        return if shape.headed && !shape.quiet && !after_blank { Step::Joins } else { Step::Ends };
    }
    Step::NotMine
}

fn begins_with(line: &[u8], starts: &[&str]) -> bool {
    starts.iter().any(|start| line.starts_with(start.as_bytes()))
}
