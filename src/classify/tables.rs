//! What the build script `patterns/embed.rs` wrote: the pattern files as JSON, and the tables that find their literals.

use super::automaton::Tables;
use std::borrow::Cow;

#[expect(clippy::unreadable_literal, reason = "generated")]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/shipped.rs"));
}

use generated::{FAIL, FIRST_CHILD, LABEL, LITERALS, SHORTER, WORD};
pub(super) use generated::{FILES, LINES};

/// The tables that find these literals, if they are the shipped ones in the shipped order.
pub(super) fn tables_of(literals: &[String]) -> Option<Tables> {
    let tables = Tables {
        label: Cow::Borrowed(LABEL),
        first_child: Cow::Borrowed(FIRST_CHILD),
        fail: Cow::Borrowed(FAIL),
        shorter: Cow::Borrowed(SHORTER),
        word: Cow::Borrowed(WORD),
    };
    (literals == LITERALS).then_some(tables)
}
