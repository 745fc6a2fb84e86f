//! The forms of JSON lines: a logger writes the same keys in the same order again and again, so what stands between two values of one
//! line stands there in the next.
//!
//! A form is learned as a chain of nodes. A node is the text between two values (commas, keys, braces) and what the value after
//! it fills. A line of which all texts are those of known nodes is read without a look at its keys: [`Forms::walk`] finds its values,
//! and a [`Walk`] gives them to a record. Any other line is read by [`Record::scan`](super::record::Record::scan), and then learned.
//! Both give the same record, and what was learned only saves time; `tests/it/forms.rs` compares them.
//!
//! The values that are not the line's own are a key: lines with the same key get the same verdict (`classify/known_lines.rs`).

mod findings;
mod learned;
mod lesson;
mod node;
mod walk;

pub use learned::Forms;
pub(in crate::record) use walk::Known;
pub use walk::{OwnPlaces, Walk};
