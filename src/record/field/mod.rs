//! Which key says what: the fields, the shipped paths (`patterns/fields.toml`), and the tree they are compiled into.

mod key_table;
mod map;
mod name;
mod shipped;

pub(super) use map::{Entry, FieldMap};
pub(super) use name::Field;
