//! x
mod alert;
mod detect;
mod escalation;
mod window;
