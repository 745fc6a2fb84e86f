//! Alertmanager's webhook payload, version 4, so that every receiver that was written for it works.

use super::{Identity, News, annotations, labels};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How Alertmanager writes "not ended yet": Go's zero time.
const NOT_ENDED: &str = "0001-01-01T00:00:00Z";

pub(super) fn body(receiver: &str, news: &[News<'_>], from: &Identity) -> Value {
    let provider = news.first().map_or("", |it| it.alert.provider.as_str());
    let is_digest = news.iter().any(|it| it.alert.provider != provider);
    let (group_key, group_labels) = if is_digest {
        (format!("{{}}:{{instance={:?}}}", from.instance), json!({ "instance": from.instance }))
    } else {
        let key = format!("{{}}:{{instance={:?}, provider={provider:?}}}", from.instance);
        (key, json!({ "instance": from.instance, "provider": provider }))
    };
    let status = if news.iter().any(|it| it.ended_at.is_none()) { "firing" } else { "resolved" };
    let all_labels: Vec<_> = news.iter().map(|it| labels(it.alert, from)).collect();
    let all_annotations: Vec<_> = news.iter().map(|it| annotations(it.alert)).collect();
    let alerts: Value = news
        .iter()
        .zip(all_labels.iter().zip(&all_annotations))
        .map(|(it, (labels, annotations))| {
            json!({
                "status": it.status(),
                "labels": labels,
                "annotations": annotations,
                "startsAt": it.starts_at.to_string(),
                "endsAt": it.ended_at.map_or(NOT_ENDED.to_owned(), |at| at.to_string()),
                "generatorURL": from.url,
                "fingerprint": fingerprint(labels),
            })
        })
        .collect();
    json!({
        "version": "4",
        "groupKey": group_key,
        "truncatedAlerts": 0,
        "status": status,
        "receiver": receiver,
        "groupLabels": group_labels,
        "commonLabels": common(&all_labels),
        "commonAnnotations": common(&all_annotations),
        "externalURL": from.url,
        "alerts": alerts,
    })
}

/// What all of them have alike.
fn common<'a>(maps: &'a [BTreeMap<&'static str, String>]) -> BTreeMap<&'a str, &'a str> {
    let Some((first, rest)) = maps.split_first() else { return BTreeMap::new() };
    let alike = first.iter().filter(|(name, value)| rest.iter().all(|it| it.get(*name) == Some(value)));
    alike.map(|(name, value)| (*name, value.as_str())).collect()
}

/// FNV-1a over the sorted labels, as Prometheus computes it.
fn fingerprint(labels: &BTreeMap<&'static str, String>) -> String {
    const SEPARATOR: &[u8] = &[0xff];
    let parts = labels.iter().flat_map(|(name, value)| [name.as_bytes(), SEPARATOR, value.as_bytes(), SEPARATOR]);
    let hash = parts
        .flatten()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}
