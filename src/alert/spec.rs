//! Rows of the escalation table as they are written: every key optional, nothing checked yet but the shape.

use crate::taxonomy::{Severity, string_enum};
use serde::Deserialize;
use serde::de::{
    Deserializer, Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer, value::SeqAccessDeserializer,
};
use std::fmt;

string_enum! {
    /// What a row watches.
    Kind {
        /// Failed calls that fit its `match`.
        Errors = "errors",
        /// All failed calls of a provider.
        Outage = "outage",
        /// Failed attempts of calls that succeed in the end.
        Absorbed = "absorbed",
        /// Calls that stop coming.
        Silence = "silence",
        /// Lines that flow and are not understood.
        Blind = "blind",
        /// This process itself.
        Ourselves = "self",
    }
}

/// One `[[escalation]]` table. In the configuration: changes to the shipped row of this id, or a new row.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RowSpec {
    /// Stable, kebab-case, unique.
    pub id: String,
    /// What it watches; failed calls where nothing is said.
    pub kind: Option<Kind>,
    /// `false`: failed calls still belong to it, but it raises no alert.
    pub enabled: Option<bool>,
    /// Which failed calls belong to it.
    #[serde(rename = "match")]
    pub conditions: Option<Conditions>,
    /// How long a storm must be; `0s`: fires at the first failure.
    pub sustained: Option<String>,
    /// Instead of `sustained`: the time within which `failures` calls must fail.
    pub within: Option<String>,
    /// The fewest failed calls of a storm that fires.
    pub failures: Option<u32>,
    /// The share of the provider's calls from which on failures make a storm.
    pub share: Option<f64>,
    /// How long it must be over before the alert resolves.
    pub keep_firing: Option<String>,
    /// How urgent it is.
    pub severity: Option<Severity>,
    /// A few words that finish the sentence "`provider`: …".
    pub title: Option<String>,
    /// What to do first.
    pub action: Option<String>,
    /// What to do, or whom to call, when that did not help.
    pub escalate_to: Option<String>,
    /// What mends it, where no pattern says more.
    pub fix: Option<String>,
}

impl RowSpec {
    /// This row with the keys that `change` gives put in their place.
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
        // `sustained` and `within` exclude each other: to give one takes the other back.
        let neither = sustained.is_none() && within.is_none();
        Self {
            id,
            kind: kind.or(self.kind),
            enabled: enabled.or(self.enabled),
            conditions: conditions.or(self.conditions),
            sustained: if neither { self.sustained } else { sustained },
            within: if neither { self.within } else { within },
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

/// A `match`: one condition, or several of which one is enough.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conditions(pub Vec<Condition>);

/// What a failed call must be like: all keys that are given must hold.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    /// Ids of providers.
    pub provider: Values,
    /// Ids of gateways.
    pub gateway: Values,
    /// Who called; `*` stands for any text.
    pub service: Values,
    /// Models; `*` stands for any text.
    pub model: Values,
    /// Effective statuses: `429`, `5xx`, `timeout`, `connection`, `none`.
    pub status: Values,
    /// Categories.
    pub category: Values,
    /// Ids of patterns; `*` stands for any text.
    pub pattern: Values,
    /// Tags of patterns.
    pub tag: Values,
    /// Owners.
    pub owner: Values,
    /// `yes`, `no` or `depends`.
    pub retry: Values,
    /// Names of sources; `*` stands for any text.
    pub source: Values,
    /// A relay itself refused.
    pub relay: bool,
}

/// The values of one key, one of which must fit; a value with `!` in front must not. A single value needs no list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values(pub Vec<String>);

impl fmt::Display for Conditions {
    /// `category rate-limit-capacity, status not 503; or owner network`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("any other failed call");
        }
        self.0.iter().enumerate().try_for_each(|(n, it)| {
            if n > 0 {
                f.write_str("; or ")?;
            }
            write!(f, "{it}")
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { provider, gateway, service, model, status, category, pattern, tag, owner, retry, source, relay } = self;
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
            ("source", source),
        ];
        let mut parts: Vec<_> = all.iter().filter(|(_, it)| !it.0.is_empty()).map(|(key, it)| format!("{key} {it}")).collect();
        if *relay {
            parts.push("refused by a relay itself".to_owned());
        }
        f.write_str(&parts.join(", "))
    }
}

impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (not, of): (Vec<&str>, Vec<&str>) = self.0.iter().map(String::as_str).partition(|it| it.starts_with('!'));
        let not: Vec<_> = not.iter().map(|it| format!("not {}", it.trim_start_matches('!'))).collect();
        let words = [of.join(" or "), not.join(", ")];
        f.write_str(&words.iter().filter(|it| !it.is_empty()).map(String::as_str).collect::<Vec<_>>().join(", "))
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
