//! Ctrl-C ends reading instead of the process, so that the report on what was read is printed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

static PRESSED: AtomicBool = AtomicBool::new(false);

/// Whether Ctrl-C was pressed since [`watch`].
pub(super) fn is_pressed() -> bool {
    PRESSED.load(Ordering::Relaxed)
}

/// Takes over the handling of Ctrl-C.
pub(super) fn watch() {
    thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if let Ok(runtime) = runtime
            && runtime.block_on(tokio::signal::ctrl_c()).is_ok()
        {
            PRESSED.store(true, Ordering::Relaxed);
        }
    });
}
