//! Escalation: the table, storms, and the alert state machine.

mod view;

pub use view::{Alert, Reason, State, Transition};

/// A row of the escalation table that is in force, as an index into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId(pub u16);
