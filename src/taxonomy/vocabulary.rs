//! What a verdict consists of: closed sets of values.

use super::macros::string_enum;

/// The error code of an answer without choices. Patterns match it under `code`.
pub const EMPTY_CHOICES: &str = "empty_choices";

impl Ending {
    /// Whether such an answer is a failed call.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Refused | Self::Filtered | Self::Empty)
    }
}

string_enum! {
    /// What a record says about an LLM call.
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
    /// Which part of a call a record is about.
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
    /// How an answer ended.
    Ending {
        /// The model finished.
        Complete = "complete",
        /// The model calls tools.
        ToolCalls = "tool_calls",
        /// A limit cut the text.
        Truncated = "truncated",
        /// The model or a classifier of the vendor declined.
        Refused = "refused",
        /// A filter stopped the prompt or the answer.
        Filtered = "filtered",
        /// Neither text nor tool call where text was due.
        Empty = "empty",
    }
}

string_enum! {
    /// Kind of error.
    Category {
        /// Prompt or answer refused, filtered, blocked, flagged.
        ContentPolicy = "content-policy",
        /// Tools, functions, their schemas, ids, calls and results.
        ToolUse = "tool-use",
        /// Images, audio, video, documents.
        Media = "media",
        /// Money, plan, spend caps, account state, region, verification.
        BillingAccount = "billing-account",
        /// Limits that refill over time, and overload.
        RateLimitCapacity = "rate-limit-capacity",
        /// Key, token, header, organisation, permission, model access.
        Auth = "auth",
        /// Unknown or retired model, context window, output limit, missing ability.
        Model = "model",
        /// Rules of one provider.
        ProviderQuirk = "provider-quirk",
        /// Body, fields, types, JSON, roles, paths, byte limits.
        RequestFormat = "request-format",
        /// Answers that break after the 200.
        Streaming = "streaming",
        /// DNS, TLS, connect, reset, proxy, timeouts, 5xx.
        NetworkInfrastructure = "network-infrastructure",
        /// Cursor, Windsurf, Cline, an SDK or framework, a gateway's own configuration.
        ClientTool = "client-tool",
        /// An error that no pattern matches.
        Unknown = "unknown",
    }
}

string_enum! {
    /// Who can fix the error.
    Owner {
        /// The caller's code or request.
        Caller = "caller",
        /// A console: key, billing, quota, limit, permission.
        Account = "account",
        /// The vendor whose service failed.
        Provider = "provider",
        /// A relay between the caller and the vendor.
        Gateway = "gateway",
        /// The network between them.
        Network = "network",
        /// A tool such as Cursor, Windsurf or Cline.
        Tool = "tool",
        /// The log does not say.
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
        /// It depends on the cause; the pattern's fix says how.
        Depends = "depends",
    }
}

string_enum! {
    /// How urgent an alert is.
    Severity {
        /// A signal.
        Info = "info",
        /// An operator should look today.
        Warning = "warning",
        /// Nothing works until an operator acts.
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
