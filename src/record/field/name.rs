//! The facts that a key of a record can say.

#![expect(unreachable_pub, reason = "`string_enum!` declares public items")]

use crate::taxonomy::string_enum;

string_enum! {
    /// What a key can say. The spelling is that of `patterns/fields.toml`.
    #[repr(u8)]
    Field {
        Time = "time",
        Level = "level",
        Message = "message",
        /// The name of the event; the message if there is no other.
        Event = "event",
        Logger = "logger",
        Provider = "provider",
        /// The model that was asked for.
        Model = "model",
        /// The model that answered.
        ModelServed = "model_served",
        /// Who called.
        Service = "service",
        /// The machine that wrote the line.
        Host = "host",
        Url = "url",
        Status = "status",
        /// What a gateway says its upstream answered.
        UpstreamStatus = "upstream_status",
        /// Success or failure in words, such as `ok`.
        StatusText = "status_text",
        /// Success or failure as a boolean.
        Success = "success",
        ErrorType = "error_type",
        ErrorCode = "error_code",
        /// The class of an exception.
        ErrorClass = "error_class",
        RequestId = "request_id",
        CallId = "call_id",
        TraceId = "trace_id",
        /// The span that the record is, or in which it was written.
        SpanId = "span_id",
        /// The span above it.
        ParentId = "parent_id",
        RetryAfter = "retry_after",
        Latency = "latency",
        /// The time until the first token of the answer came.
        FirstToken = "first_token",
        InputTokens = "input_tokens",
        OutputTokens = "output_tokens",
        FinishReason = "finish_reason",
        /// The answers of a completion; an empty list is an error.
        Choices = "choices",
        /// The method of an HTTP request.
        Method = "method",
        Path = "path",
        Operation = "operation",
        /// The label or the last characters of the API key.
        KeyLabel = "key_label",
        /// The end of a span.
        EndTime = "end_time",
        Kind = "kind",
        /// Envoy's reason for a request that got no answer.
        ResponseFlags = "response_flags",
        /// The name and version of the client's software.
        UserAgent = "user_agent",
        /// Read only once something went wrong: bodies, details, headers. A record can have several.
        ErrorContext = "error_context",
        /// Exists only when something went wrong. A record can have several.
        Error = "error",
    }
}

/// The fields that can have paths of the user's own, in the order of the documentation.
const CONFIGURABLE: [Field; 19] = [
    Field::Time,
    Field::Level,
    Field::Message,
    Field::Provider,
    Field::Model,
    Field::Service,
    Field::Host,
    Field::Url,
    Field::Status,
    Field::UpstreamStatus,
    Field::Error,
    Field::ErrorType,
    Field::ErrorCode,
    Field::RequestId,
    Field::CallId,
    Field::RetryAfter,
    Field::Latency,
    Field::InputTokens,
    Field::OutputTokens,
];

impl Field {
    pub(crate) const COUNT: usize = Self::ALL.len();

    /// The field that `[record.fields]` of the configuration calls `name`.
    pub(crate) fn configurable(name: &str) -> Option<Self> {
        let name = if name == "timestamp" { "time" } else { name };
        CONFIGURABLE.into_iter().find(|field| field.as_str() == name)
    }

    /// The names that [`Self::configurable`] knows.
    pub(crate) fn configurable_names() -> Vec<&'static str> {
        CONFIGURABLE.iter().map(|field| field.as_str()).collect()
    }

    /// Whether an object under this field is kept whole instead of being walked.
    pub(crate) fn takes_objects(self) -> bool {
        matches!(self, Self::Error | Self::ErrorContext)
    }

    /// Whether a `key=value` pair in the message of a JSON record can fill this field.
    pub(crate) fn may_be_in_words(self) -> bool {
        matches!(
            self,
            Self::Provider
                | Self::Model
                | Self::Status
                | Self::Latency
                | Self::InputTokens
                | Self::OutputTokens
                | Self::RequestId
        )
    }
}
