//! Rows of the escalation table as written in TOML: every key is optional, and only types and key names are checked.

use crate::taxonomy::{Severity, string_enum};
use crate::time::Span;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{
    Deserializer, Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer, value::SeqAccessDeserializer,
};
use std::borrow::Cow;
use std::fmt;

string_enum! {
    /// The events that a row counts.
    Kind {
        /// Failed calls that match its `match`.
        Errors = "errors",
        /// All failed calls of a provider.
        Outage = "outage",
        /// Failed attempts of calls that succeed in the end, by a retry or a fallback.
        Absorbed = "absorbed",
        /// Answers that are cut at the output limit.
        Truncated = "truncated",
        /// Calls that take much longer than before.
        Slow = "slow",
        /// Steady calls that stop.
        Silence = "silence",
        /// Lines that arrive but in which no call is recognised.
        Blind = "blind",
        /// Faults of this process itself.
        SelfCheck = "self",
    }
}

impl Kind {
    /// Whether it counts failures of calls or attempts, and not a symptom.
    pub(in crate::alert) const fn counts_failures(self) -> bool {
        matches!(self, Self::Errors | Self::Outage | Self::Absorbed)
    }
}

/// One `[[escalation]]` table. In the configuration, it changes the shipped row with this id or adds a new row.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["id"]))]
pub struct RowSpec {
    /// The id of a shipped row to change, or of a new row. Kebab-case and unique; never renamed, because alerts carry it as a
    /// label.
    pub id: String,
    /// What the row watches. Own rows have the kind `errors`.
    pub kind: Option<Kind>,
    /// `false`: failed calls still belong to the row, but it raises no alert.
    pub enabled: Option<bool>,
    /// Selects the failed calls that belong to the row.
    #[serde(rename = "match")]
    pub conditions: Option<Conditions>,
    /// The length of a storm that fires; `0s` fires at the first failure.
    #[schemars(with = "Option<Span>")]
    pub sustained: Option<String>,
    /// Used instead of `sustained`: the time within which `failures` calls must fail.
    #[schemars(with = "Option<Span>")]
    pub within: Option<String>,
    /// The minimum number of failed calls in a storm that fires.
    #[schemars(range(min = 1))]
    pub failures: Option<u32>,
    /// The minimum share (0 to 1) of the provider's calls that must fail to make a storm.
    #[schemars(range(max = 1), extend("exclusiveMinimum" = 0))]
    pub share: Option<f64>,
    /// How long the storm must be over before the alert resolves.
    #[schemars(with = "Option<Span>")]
    pub keep_firing: Option<String>,
    /// The urgency of its alerts.
    pub severity: Option<Severity>,
    /// What is wrong, in a few words that complete the summary "`provider`: …".
    pub title: Option<String>,
    /// What to do first, in one sentence.
    pub action: Option<String>,
    /// What to do, or whom to call, if the action did not help.
    pub escalate_to: Option<String>,
    /// How to fix it; used if no pattern gives a fix.
    pub fix: Option<String>,
}

impl RowSpec {
    /// This row, with every key that `change` sets replaced by its value.
    pub(super) fn changed_by(self, change: &Self) -> Self {
        let Self {
            id,
            kind,
            enabled,
            conditions,
            sustained,
            within,
            failures,
            share,
            keep_firing,
            severity,
            title,
            action,
            escalate_to,
            fix,
        } = change.clone();
        // `sustained` and `within` exclude each other: setting one removes the other.
        let keeps_trigger = sustained.is_none() && within.is_none();
        Self {
            id,
            kind: kind.or(self.kind),
            enabled: enabled.or(self.enabled),
            conditions: conditions.or(self.conditions),
            sustained: if keeps_trigger { self.sustained } else { sustained },
            within: if keeps_trigger { self.within } else { within },
            failures: failures.or(self.failures),
            share: share.or(self.share),
            keep_firing: keep_firing.or(self.keep_firing),
            severity: severity.or(self.severity),
            title: title.or(self.title),
            action: action.or(self.action),
            escalate_to: escalate_to.or(self.escalate_to),
            fix: fix.or(self.fix),
        }
    }
}

/// A `match`: a call matches if one of the conditions holds. An empty list matches every failed call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conditions(pub Vec<Condition>);

/// One condition on a failed call: every key that is set must match.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    /// Provider ids.
    pub provider: Values,
    /// Provider ids of the gateway in between.
    pub gateway: Values,
    /// Names of calling services; `*` matches any text.
    pub service: Values,
    /// Model names; `*` matches any text.
    pub model: Values,
    /// Effective statuses, such as `429`, `5xx`, `timeout`, `connection`, `none`.
    pub status: Values,
    /// Category ids; as in every key, `!` before a value excludes it.
    pub category: Values,
    /// Pattern ids; `*` matches any text.
    pub pattern: Values,
    /// Tags of patterns.
    pub tag: Values,
    /// Owner ids.
    pub owner: Values,
    /// `yes`, `no` or `depends`.
    pub retry: Values,
    /// How the answer ended: `empty`, `filtered`, `refused`, `truncated`.
    pub ending: Values,
    /// Source names; `*` matches any text.
    pub source: Values,
    /// `true`: the relay itself refused the call.
    pub relay: bool,
}

impl Condition {
    /// Whether no key is set: every failed call matches.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The values of one key: one of them must match, and no value with a leading `!` may match. A single value needs no list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values(pub Vec<String>);

impl JsonSchema for Conditions {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Conditions".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        one_or_many(&Condition::json_schema(generator))
    }
}

impl JsonSchema for Values {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Values".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        one_or_many(&json_schema!({"type": ["integer", "string"]}))
    }
}

fn one_or_many(value: &Schema) -> Schema {
    json_schema!({"anyOf": [value, {"type": "array", "items": value}]})
}

impl fmt::Display for Conditions {
    /// `category rate-limit-capacity, status not 503; or owner network`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("any other failed call");
        }
        self.0.iter().enumerate().try_for_each(|(position, condition)| {
            if position > 0 {
                f.write_str("; or ")?;
            }
            write!(f, "{condition}")
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { provider, gateway, service, model, status, category, pattern, tag, owner, retry, ending, source, relay } =
            self;
        let all = [
            ("provider", provider),
            ("gateway", gateway),
            ("service", service),
            ("model", model),
            ("status", status),
            ("category", category),
            ("pattern", pattern),
            ("tag", tag),
            ("owner", owner),
            ("retry", retry),
            ("ending", ending),
            ("source", source),
        ];
        let mut parts: Vec<_> =
            all.iter().filter(|(_, values)| !values.0.is_empty()).map(|(key, values)| format!("{key} {values}")).collect();
        if *relay {
            parts.push("refused by a relay itself".to_owned());
        }
        f.write_str(&parts.join(", "))
    }
}

impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (excluded, included): (Vec<&str>, Vec<&str>) =
            self.0.iter().map(String::as_str).partition(|value| value.starts_with('!'));
        let excluded: Vec<_> = excluded.iter().map(|value| format!("not {}", value.trim_start_matches('!'))).collect();
        let words = [included.join(" or "), excluded.join(", ")];
        f.write_str(&words.iter().filter(|text| !text.is_empty()).map(String::as_str).collect::<Vec<_>>().join(", "))
    }
}

impl<'de> Deserialize<'de> for Conditions {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Conditions;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of keys, or a list of such tables")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Conditions, A::Error> {
                Ok(Conditions(vec![Condition::deserialize(MapAccessDeserializer::new(map))?]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Conditions, A::Error> {
                Ok(Conditions(Vec::deserialize(SeqAccessDeserializer::new(seq))?))
            }
        }
        from.deserialize_any(OneOrMany)
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Values;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a number, or a list of them")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Values, E> {
                Ok(Values(vec![text.to_owned()]))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Values, E> {
                Ok(Values(vec![number.to_string()]))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Values, E> {
                Ok(Values(vec![number.to_string()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Values, A::Error> {
                let mut all = Vec::new();
                while let Some(Values(more)) = seq.next_element()? {
                    all.extend(more);
                }
                Ok(Values(all))
            }
        }
        from.deserialize_any(OneOrMany)
    }
}
