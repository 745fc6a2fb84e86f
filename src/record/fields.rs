//! The field map: which keys of which loggers say what. Data first, then the small tree it is compiled into.
//!
//! A path matches nested objects and literal dotted keys alike: `gen_ai.request.model` is found in
//! `{"gen_ai.request.model":…}` and in `{"gen_ai":{"request":{"model":…}}}`. Within a field the earlier path wins. A path that begins with `*.` is
//! looked for in containers that no other path names, at most two levels deep.

use super::keys::Keys;

/// What a key can say. The order is that of the slots in a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum Field {
    Time,
    Level,
    Message,
    Event,
    Logger,
    Provider,
    Model,
    ModelServed,
    Service,
    Host,
    Url,
    Status,
    UpstreamStatus,
    StatusText,
    Success,
    ErrorType,
    ErrorCode,
    ErrorClass,
    RequestId,
    CallId,
    RetryAfter,
    Latency,
    InputTokens,
    OutputTokens,
    FinishReason,
    Choices,
    Method,
    Path,
    Attempt,
    Operation,
    KeyLabel,
    Ending,
    Kind,
    /// Envoy's word on how a request ended that got no answer.
    Flags,
    /// Looked into once something went wrong: bodies, details, headers. More than one may be.
    Context,
    /// Anything that is there only when something went wrong. More than one may be.
    Fault,
}

impl Field {
    pub(crate) const COUNT: usize = Self::Fault as usize + 1;

    /// The name under which `[record.fields]` of the configuration knows it.
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "time" | "timestamp" => Self::Time,
            "level" => Self::Level,
            "message" => Self::Message,
            "provider" => Self::Provider,
            "model" => Self::Model,
            "service" => Self::Service,
            "host" => Self::Host,
            "url" => Self::Url,
            "status" => Self::Status,
            "upstream_status" => Self::UpstreamStatus,
            "error" => Self::Fault,
            "error_type" => Self::ErrorType,
            "error_code" => Self::ErrorCode,
            "request_id" => Self::RequestId,
            "call_id" => Self::CallId,
            "retry_after" => Self::RetryAfter,
            "latency" => Self::Latency,
            "input_tokens" => Self::InputTokens,
            "output_tokens" => Self::OutputTokens,
            _ => return None,
        })
    }

    /// Whether an object under this field is kept whole instead of being walked.
    pub(crate) fn takes_objects(self) -> bool {
        matches!(self, Self::Fault | Self::Context)
    }

    /// Whether a `key=value` in the words of a JSON record's message is believed.
    pub(crate) fn may_stand_in_words(self) -> bool {
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

    /// The names [`Self::by_name`] knows.
    pub(crate) const NAMES: &'static [&'static str] = &[
        "time",
        "level",
        "message",
        "provider",
        "model",
        "service",
        "host",
        "url",
        "status",
        "upstream_status",
        "error",
        "error_type",
        "error_code",
        "request_id",
        "call_id",
        "retry_after",
        "latency",
        "input_tokens",
        "output_tokens",
    ];
}

/// Shipped paths, in the order in which they are believed.
#[rustfmt::skip]
const PATHS: &[(Field, &[&str])] = &[
    (Field::Time, &[
        "timeUnixNano", "observedTimeUnixNano", "record.time.timestamp", "timestamp", "@timestamp", "time", "ts", "asctime", "start_time",
        "startTime", "created_at", "started_at", "datetime", "date", "msec", "time_iso8601", "__REALTIME_TIMESTAMP", "end_time", "endTime",
        "*.timestamp",
    ]),
    (Field::Ending, &["end_time", "endTime", "endTimeUnixNano"]),
    (Field::Level, &[
        "severityText", "severityNumber", "level", "levelname", "severity", "record.level.name", "log.level", "lvl", "loglevel", "level_name",
        "PRIORITY", "at",
    ]),
    (Field::Message, &["record.message", "message", "msg", "body.stringValue", "statusMessage", "MESSAGE", "text", "log.message", "log"]),
    (Field::Event, &["event", "event.name", "eventName", "event_name", "name", "event.action", "subtype"]),
    (Field::Logger, &["logger", "component", "name", "logger_name", "record.name", "log.logger", "target", "module"]),
    (Field::Provider, &[
        "gen_ai.provider.name", "gen_ai.system", "custom_llm_provider", "error_information.llm_provider", "llm_provider", "api_provider",
        "ai.proxy.meta.provider_name", "llm.provider", "llm.system", "llm.vendor", "provider", "provider_name", "vendor", "model_provider", "upstream",
        "ls_provider", "backend", "ai.provider", "*.provider",
        "*.vendor", "*.provider_name", "*.llm_provider",
    ]),
    (Field::Model, &[
        "gen_ai.request.model", "model", "model_name", "requested_model", "model_group", "request_model", "modelId", "model_id",
        "ai.proxy.meta.request_model", "llm.model_name", "llm.model", "ls_model_name", "deployment", "ai.model.id", "*.model", "*.model_name", "*.modelId",
    ]),
    (Field::ModelServed, &["gen_ai.response.model", "response_model", "ai.proxy.meta.response_model", "litellm_model_name"]),
    (Field::Service, &[
        "service.name", "service", "service_name", "serviceName", "app", "app_name", "application",
        "kubernetes.labels.app", "_SYSTEMD_UNIT",
    ]),
    (Field::Host, &["host.name", "hostname", "host", "kubernetes.pod_name", "_HOSTNAME"]),
    (Field::Url, &[
        "url", "url.full", "api_base", "server.address", "base_url", "baseURL", "gen_ai.openai.api_base", ":authority", "request.url", "requestURL", "endpoint",
        "http.url", "upstream_host_name", "*.url", "*.base_url", "*.api_base",
    ]),
    (Field::Status, &[
        "http.response.status_code", "http.status_code", "status_code", "statusCode", "http_status", "httpStatus", "response_code",
        "response.status", "response.status_code", "httpRequest.status", "error_status", "exception_status", "status", "*.status_code", "*.statusCode", "*.status",
    ]),
    (Field::UpstreamStatus, &["upstream_status", "provider_status", "upstream_status_code"]),
    (Field::StatusText, &["status.status_code", "status.code", "outcome", "result", "event.outcome"]),
    (Field::Success, &["success", "ok", "is_error", "isError", "failed"]),
    (Field::ErrorType, &["error_type", "errorType", "error.type", "subtype"]),
    (Field::ErrorCode, &["error_code", "errorCode", "error.code", "code"]),
    (Field::ErrorClass, &[
        "error_class", "exc_type", "exception_class", "exception_type", "exception.type", "exceptionType", "error_name", "errorName",
    ]),
    (Field::RequestId, &[
        "error_information.error_provider_request_id", "request_id", "requestId", "requestID", "provider_request_id", "openai_request_id",
        "x-request-id", "request-id", "x_request_id", "req_id", "*.request_id",
    ]),
    (Field::CallId, &["litellm_call_id", "gen_ai.response.id", "call_id", "llm_call_id"]),
    (Field::RetryAfter, &["retry_after_ms", "retry_after_s", "retry_after", "retryAfter", "retry-after", "retry_delay_ms", "*.retry_after"]),
    (Field::Latency, &[
        "response_time", "latency_ms", "duration_ms", "durationMs", "latencyMs", "elapsed_ms", "ms", "latency_s", "latency_seconds", "duration_s",
        "duration_seconds", "elapsed_s", "elapsed_seconds", "gen_ai.client.operation.duration", "responseTimeMs", "total_duration_ms",
        "latency", "duration", "elapsed", "took", "*.latency_ms", "*.duration_ms", "*.ms", "*.latency", "*.durationMs",
    ]),
    (Field::InputTokens, &[
        "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "prompt_tokens", "input_tokens", "tokens_in", "inputTokens", "promptTokens", "llm.token_count.prompt",
        "est_prompt_tokens", "input_token_count", "tokens", "tokens_total", "*.prompt_tokens", "*.input_tokens", "*.input", "*.total_tokens", "*.promptTokens", "*.inputTokens",
        "*.promptTokenCount", "*.tokens_in", "*.tokens",
    ]),
    (Field::OutputTokens, &[
        "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "completion_tokens", "output_tokens", "tokens_out", "outputTokens",
        "completionTokens", "llm.token_count.completion", "*.completion_tokens", "*.output_tokens", "*.output", "*.completionTokens", "*.outputTokens",
        "*.candidatesTokenCount", "*.tokens_out",
    ]),
    (Field::FinishReason, &[
        "gen_ai.response.finish_reasons", "finish_reason", "finishReason", "stop_reason", "stopReason", "block_reason", "blockReason", "*.finish_reason",
        "*.finishReason", "*.stop_reason",
    ]),
    (Field::Choices, &["choices", "candidates"]),
    (Field::Method, &["method", "request.method", "httpRequest.requestMethod", "http.request.method"]),
    (Field::Path, &["path", "uri", "request.uri", "http.target", "url.path", "request"]),
    (Field::Attempt, &["attempt", "retry_count", "attempt_number", "retries"]),
    (Field::Operation, &["gen_ai.operation.name", "call_type", "operation", "operation_name"]),
    (Field::KeyLabel, &["api_key_hint", "key_hint", "api_key_last4", "key_last4", "key_alias", "key_name", "api_key_alias"]),
    (Field::Kind, &["type", "kind"]),
    (Field::Flags, &["response_flags"]),
    (Field::Context, &[
        "responseBody", "response_body", "body", "response", "response_text", "responseText", "error_body", "errorBody", "raw", "payload.response", "ai.proxy.payload.response", "data", "response.error", "events", "text", "detail", "details",
        "reason", "cause", "errors", "stack", "status.description", "status.message", "headers", "response_headers", "responseHeaders", "hidden_params", "requestOptions", "*.body",
        "*.response_body", "*.reason", "*.detail",
    ]),
    (Field::Fault, &[
        "error_information", "err", "error", "exception", "exc_info", "exc", "error_message", "errorMessage",
        "exception.message", "exception.stacktrace", "error_str", "record.exception", "failure", "stacktrace", "stack_trace", "error.stack_trace",
        "error.message", "data.error", "exception_message", "err.message", "lastError", "*.error", "*.err", "*.exception", "*.error_message", "*.exc_info",
    ]),
];

/// Containers that hold what people typed or what a model wrote. Nothing in them is ever read.
const DENIED: &[&str] = &[
    "messages",
    "prompt",
    "prompts",
    "input",
    "inputs",
    "output",
    "outputs",
    "requestBodyValues",
    "request_body",
    "requestBody",
    "json_data",
    "locals",
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.prompt",
    "gen_ai.completion",
    "input.value",
    "output.value",
    "completion",
    "system",
    "tools",
    "functions",
    "headers",
    "response_headers",
    "request_headers",
    "options",
    "model_parameters",
    "optional_params",
    "content",
    "user_input",
    "query",
    "question",
    "answer",
    "documents",
    "context",
    "kwargs",
    "args",
    "llm.input_messages",
    "llm.output_messages",
    "request.messages",
];

/// Containers whose members mean what they would mean at the top level.
const TRANSPARENT: &[&str] = &[
    "attributes",
    "resource.attributes",
    "fields",
    "extra",
    "record.extra",
    "span",
    "labels",
    "metadata",
    "log_fields",
    "data_fields",
    "ctx",
    "standard_logging_object",
    "standard_logging_payload",
];

/// Where a key of a nested object leads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    /// The fields that a value here fills, with the rank of the path (lower wins).
    pub(crate) fields: Vec<(Field, u8)>,
    /// The node to go on with inside an object.
    pub(crate) node: Option<u16>,
    /// Nothing below is read.
    pub(crate) denied: bool,
}

/// The compiled map.
#[derive(Clone, Debug)]
pub(crate) struct FieldMap {
    nodes: Vec<Keys<Entry>>,
}

impl FieldMap {
    /// The node of the top level.
    pub(crate) const ROOT: u16 = 0;
    /// The node of containers that no path names.
    pub(crate) const ANYWHERE: u16 = 1;

    /// The shipped map with `own` paths in front of it.
    pub(crate) fn new(own: &[(Field, Vec<String>)]) -> Self {
        let mut this = Self { nodes: vec![Keys::default(), Keys::default()] };
        for path in TRANSPARENT {
            this.insert(path, |entry| entry.node = Some(Self::ROOT));
        }
        for (field, paths) in PATHS {
            let own = own.iter().filter(|(it, _)| it == field).flat_map(|(_, paths)| paths.iter().map(String::as_str));
            for (rank, path) in own.chain(paths.iter().copied()).enumerate() {
                this.insert(path, |entry| entry.fields.push((*field, rank.min(255) as u8)));
            }
        }
        for path in DENIED {
            this.insert(path, |entry| entry.denied = true);
            if !path.contains('.') {
                this.insert(&format!("*.{path}"), |entry| {
                    entry.denied = true;
                    entry.fields.retain(|(field, _)| matches!(field, Field::InputTokens | Field::OutputTokens));
                });
            }
        }
        this
    }

    fn insert(&mut self, path: &str, set: impl FnOnce(&mut Entry)) {
        let (mut node, path) = match path.strip_prefix("*.") {
            Some(rest) => (Self::ANYWHERE, rest),
            None => (Self::ROOT, path),
        };
        let mut parts = path.split('.').peekable();
        while let Some(part) = parts.next() {
            let fresh = self.nodes.len() as u16;
            let entry = self.nodes[usize::from(node)].entry(part.as_bytes());
            if parts.peek().is_none() {
                return set(entry);
            }
            node = *entry.node.get_or_insert(fresh);
            if node == fresh {
                self.nodes.push(Keys::default());
            }
        }
    }

    /// The entry of `key` below `node`; a dotted key is followed part by part.
    #[inline]
    pub(crate) fn get(&self, node: u16, key: &[u8]) -> Option<&Entry> {
        match self.nodes.get(usize::from(node))?.get_or_dotted(key) {
            Ok(entry) => Some(entry),
            Err(true) => self.dotted(node, key),
            Err(false) => None,
        }
    }

    fn dotted(&self, node: u16, key: &[u8]) -> Option<&Entry> {
        let mut node = node;
        let mut parts = key.split(|b| *b == b'.').peekable();
        while let Some(part) = parts.next() {
            let entry = self.nodes.get(usize::from(node))?.get(part)?;
            if parts.peek().is_none() {
                return Some(entry);
            }
            node = entry.node?;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(map: &FieldMap, node: u16, key: &str) -> Vec<Field> {
        map.get(node, key.as_bytes()).map(|it| it.fields.iter().map(|(field, _)| *field).collect()).unwrap_or_default()
    }

    #[test]
    fn dotted_keys_and_nested_objects_lead_to_the_same_field() {
        let map = FieldMap::new(&[]);
        assert_eq!(fields(&map, FieldMap::ROOT, "gen_ai.request.model"), [Field::Model]);
        let outer = map.get(FieldMap::ROOT, b"gen_ai").and_then(|it| it.node).expect("a container");
        assert_eq!(fields(&map, outer, "request.model"), [Field::Model]);
    }

    #[test]
    fn own_paths_stand_in_front() {
        let map = FieldMap::new(&[(Field::Provider, vec!["upstream.vendor".to_owned()])]);
        assert_eq!(map.get(FieldMap::ROOT, b"upstream.vendor").map(|it| it.fields.clone()), Some(vec![(Field::Provider, 0)]));
    }

    #[test]
    fn prompts_are_denied() {
        let map = FieldMap::new(&[]);
        assert!(map.get(FieldMap::ROOT, b"messages").is_some_and(|it| it.denied));
        assert!(map.get(FieldMap::ANYWHERE, b"requestBodyValues").is_some_and(|it| it.denied));
    }
}
