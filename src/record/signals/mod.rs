//! What went wrong, wherever a record says it: the provider's own body as an object, as JSON in a string, as a Python
//! literal or a `util.inspect` dump; the exception of a traceback with its causes; the words around them.
//!
//! Bodies are inside texts and texts inside bodies: `body` reads objects, `text` reads texts, and each calls the other up to
//! a limit of depth.

mod body;
mod collect;
mod exception;
mod extract;
mod frames;
mod lists;
mod mention;
mod noise;
mod python;
mod reflow;
mod status_name;
mod text;
mod traceback;

pub use lists::Signals;
pub(crate) use traceback::reports_exception;
