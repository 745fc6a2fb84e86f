//! x
mod window;
