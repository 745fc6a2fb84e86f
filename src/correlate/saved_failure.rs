//! A failure as plain values, for the checkpoint: its texts are hashes, its observation is redacted.

use super::failures::Failure;
use super::saved::SavedObservation;
use super::told::{Ids, Teller, Told};
use crate::classify::{Catalog, Layer, Standing};
use crate::observation::{Name, SourceId};
use crate::taxonomy::StatusLabel;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SavedFailure {
    number: u64,
    at: Timestamp,
    timed: bool,
    teller: Teller,
    status: Option<String>,
    model: String,
    provider: Option<String>,
    ids: Ids,
    heads: Vec<u64>,
    layers: Vec<Layer>,
    standing: Standing,
    due: Timestamp,
    held: Option<SavedObservation>,
}

impl SavedFailure {
    pub(super) fn new(from: &Failure, catalog: &Catalog) -> Self {
        let Failure { number, told, heads, layers, standing, due, held } = from;
        let Told { at, timed, teller, head: _, layer: _, status, model, provider, ids } = told;
        Self {
            number: *number,
            at: *at,
            timed: *timed,
            teller: *teller,
            status: status.map(|status| status.label().to_string()),
            model: model.as_str().to_owned(),
            provider: provider.map(|provider| catalog.providers().id(provider).to_owned()),
            ids: *ids,
            heads: heads.clone(),
            layers: layers.iter().map(|layer| Layer::clone(layer)).collect(),
            standing: *standing,
            due: *due,
            held: held.as_ref().map(|held| SavedObservation::new(held, catalog)),
        }
    }

    pub(super) fn resolve(self, catalog: &Catalog, source: SourceId) -> Failure {
        let Self { number, at, timed, teller, status, model, provider, ids, heads, layers, standing, due, held } = self;
        let status = status.and_then(|text| StatusLabel::from_text(&text)).and_then(|label| label.0);
        let provider = provider.and_then(|id| catalog.providers().by_name(&id));
        let head = heads.first().copied().unwrap_or_default();
        Failure {
            number,
            told: Told { at, timed, teller, head, layer: None, status, model: Name::new(&model), provider, ids },
            heads,
            layers: layers.into_iter().map(Arc::new).collect(),
            standing,
            due,
            held: held.map(|held| held.resolve(catalog, source)),
        }
    }
}
