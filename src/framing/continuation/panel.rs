//! Boxes that rich and its relatives draw around a message: `╭─ Error ─╮`, `│ … │`, `╰───╯`. A copied one may lack its upper edge.

use super::shape::{Continuation, Section, Step};
use crate::line::contains;

/// Notes that the event begins with the upper edge of a box, or with a line inside one.
pub(super) fn open(shape: &mut Continuation, line: &[u8]) -> bool {
    let opens = is_edge(line) || is_inside(line);
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
    if is_edge(line) {
        shape.section = Section::Panel;
        return if shape.headed && !shape.quiet && !after_blank { Step::Joins } else { Step::Ends };
    }
    Step::NotMine
}

fn is_edge(line: &[u8]) -> bool {
    begins_with(line, &["╭", "┌", "┏", "╔"])
}

/// `│ text │`: a line between both sides of a box, and not one of a table.
fn is_inside(line: &[u8]) -> bool {
    ["│", "┃", "║"].iter().any(|side| {
        let inner = line.strip_prefix(side.as_bytes()).and_then(|line| line.trim_ascii_end().strip_suffix(side.as_bytes()));
        inner.is_some_and(|inner| inner.starts_with(b" ") && !contains(inner, side))
    })
}

fn begins_with(line: &[u8], starts: &[&str]) -> bool {
    starts.iter().any(|start| line.starts_with(start.as_bytes()))
}
