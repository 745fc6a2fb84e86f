//! What the recorder writes and the page reads.

use super::family::FAMILIES;
use super::instruments::Instruments;
use super::published::PublishedSnapshot;
use super::text::Exemplar;
use crate::pipeline::ErrorKey;
use rustc_hash::FxHashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the recorder writes and the page reads.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) instruments: Instruments,
    published: Mutex<PublishedSnapshot>,
    exemplars: Mutex<FxHashMap<ErrorKey, Exemplar>>,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self { instruments: Instruments::new(FAMILIES), published: Mutex::default(), exemplars: Mutex::default() }
    }

    pub(super) fn publish(&self, snapshot: PublishedSnapshot) {
        *self.published.lock().unwrap_or_else(PoisonError::into_inner) = snapshot;
    }

    pub(super) fn published(&self) -> PublishedSnapshot {
        self.published.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn exemplars(&self) -> MutexGuard<'_, FxHashMap<ErrorKey, Exemplar>> {
        self.exemplars.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
