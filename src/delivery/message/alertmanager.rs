//! Alertmanager API v2: `POST /api/v2/alerts`.

use super::{Identity, News, annotations, labels};
use crate::time::Timestamp;
use serde_json::{Value, json};

pub(super) fn body(news: &[News<'_>], from: &Identity, expires_at: Timestamp) -> Value {
    news.iter()
        .map(|it| {
            // An end in the past is what resolves; one before the start would be refused.
            let ends_at = it.ended_at.unwrap_or(expires_at).max(it.starts_at);
            json!({
                "labels": labels(it.alert, from),
                "annotations": annotations(it.alert),
                "startsAt": it.starts_at.to_string(),
                "endsAt": ends_at.to_string(),
                "generatorURL": from.url,
            })
        })
        .collect()
}
