//! The closed vocabulary: outcome, grain, status, category, owner, retry, severity, and the providers.

mod provider;
pub mod provider_id;

pub use provider::{Provider, ProviderError, ProviderSpec, Providers};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// An enum whose values are spelled in logs, metrics and files; one spelling each, listed in `ALL`.
macro_rules! string_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The one spelling of this value.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The value with this spelling.
            pub fn from_text(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(from)?;
                Self::from_text(&text).ok_or_else(|| serde::de::Error::unknown_variant(&text, &[$($text),+]))
            }
        }

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": [$($text),+] })
            }
        }
    };
}

pub(crate) use string_enum;

string_enum! {
    /// What a record says of an LLM call.
    Outcome {
        /// An LLM call that worked.
        Success = "success",
        /// An LLM call that failed.
        Error = "error",
        /// Anything else.
        Other = "other",
    }
}

string_enum! {
    /// Which level of a call a record speaks of.
    Grain {
        /// How a logical call ended, as the application saw it.
        Call = "call",
        /// One try inside a call.
        Attempt = "attempt",
        /// A further line about a failure that is counted elsewhere.
        Detail = "detail",
    }
}

string_enum! {
    /// What kind of error it is.
    Category {
        /// Prompt or answer refused, filtered, blocked, flagged.
        ContentPolicy = "content-policy",
        /// Tools, functions, their schemas, ids, calls and results.
        ToolUse = "tool-use",
        /// Images, audio, video, documents.
        Media = "media",
        /// Money, plan, spend caps, account state, region, verification.
        BillingAccount = "billing-account",
        /// Limits that refill by themselves, and overload.
        RateLimitCapacity = "rate-limit-capacity",
        /// Key, token, header, organisation, permission, model access.
        Auth = "auth",
        /// Unknown or retired model, context window, output limit, missing ability.
        Model = "model",
        /// Rules of one provider.
        ProviderQuirk = "provider-quirk",
        /// Body, fields, types, JSON, roles, paths, byte limits.
        RequestFormat = "request-format",
        /// What breaks after the 200.
        Streaming = "streaming",
        /// DNS, TLS, connect, reset, proxy, timeouts, 5xx.
        NetworkInfrastructure = "network-infrastructure",
        /// Cursor, Windsurf, Cline, an SDK or framework, a gateway's own configuration.
        ClientTool = "client-tool",
        /// An error that no pattern knows.
        Unknown = "unknown",
    }
}

string_enum! {
    /// Who can settle the error.
    Owner {
        /// Our code or request.
        Caller = "caller",
        /// A console: key, billing, quota, limit, permission.
        Account = "account",
        /// The vendor whose service failed.
        Provider = "provider",
        /// A relay between us and the vendor.
        Gateway = "gateway",
        /// The way between.
        Network = "network",
        /// Cursor, Windsurf, Cline and their like.
        Tool = "tool",
        /// Nothing tells.
        Unknown = "unknown",
    }
}

string_enum! {
    /// Whether the same request can succeed later.
    Retry {
        /// Back off and retry.
        Yes = "yes",
        /// Retrying cannot help.
        No = "no",
        /// The fix says on what.
        Depends = "depends",
    }
}

string_enum! {
    /// How urgent an alert is.
    Severity {
        /// A signal.
        Info = "info",
        /// Somebody should look today.
        Warning = "warning",
        /// Nothing works until a person acts.
        Critical = "critical",
    }
}

string_enum! {
    /// What decided a verdict.
    Confidence {
        /// A code, type or exception class.
        Typed = "typed",
        /// Wording.
        Message = "message",
        /// Only the status.
        Status = "status",
        /// Nothing.
        None = "none",
    }
}

/// How a call ended on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// An HTTP status, 100 to 599.
    Http(u16),
    /// No answer in time.
    Timeout,
    /// No connection, or one that broke.
    Connection,
}

impl Status {
    /// From a number in a log; `None` when it is no HTTP status.
    pub fn from_number(number: i64) -> Option<Self> {
        u16::try_from(number).ok().filter(|it| (100..=599).contains(it)).map(Self::Http)
    }

    /// The HTTP status, where there was an answer.
    #[must_use]
    pub const fn http(self) -> Option<u16> {
        match self {
            Self::Http(code) => Some(code),
            Self::Timeout | Self::Connection => None,
        }
    }

    /// `429`, `timeout` or `connection`.
    #[must_use]
    pub fn label(self) -> StatusLabel {
        StatusLabel(Some(self))
    }
}

/// A status as a metric label: `429`, `timeout`, `connection`, or `none` where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusLabel(pub Option<Status>);

impl StatusLabel {
    /// The status that was written as [`fmt::Display`] writes it.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Some(Self(match text {
            "none" => None,
            "timeout" => Some(Status::Timeout),
            "connection" => Some(Status::Connection),
            number => Some(Status::from_number(number.parse().ok()?)?),
        }))
    }
}

impl fmt::Display for StatusLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(Status::Http(code)) => code.fmt(f),
            Some(Status::Timeout) => f.pad("timeout"),
            Some(Status::Connection) => f.pad("connection"),
            None => f.pad("none"),
        }
    }
}

/// A number, `"timeout"` or `"connection"`.
impl Serialize for Status {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Http(code) => to.serialize_u16(*code),
            Self::Timeout => to.serialize_str("timeout"),
            Self::Connection => to.serialize_str("connection"),
        }
    }
}

impl JsonSchema for Status {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Status".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [{"type": "integer", "minimum": 100, "maximum": 599}, {"enum": ["timeout", "connection"]}]})
    }
}
