//! Generated logs for the measurements: the same seed gives the same bytes, and the expected counts are known.

use llm_triage::time::Timestamp;
use std::fmt::Write;
use std::time::Duration;

/// Appends to a `String`, which cannot fail.
macro_rules! put {
    ($out:expr, $($what:tt)+) => { write!($out, $($what)+).expect("a text takes everything") };
}

/// Like [`put!`], with a newline at the end.
macro_rules! putln {
    ($out:expr, $($what:tt)+) => { writeln!($out, $($what)+).expect("a text takes everything") };
}

/// A log and the counts that reading it must give.
pub(crate) struct Corpus {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) answer: Answer,
}

/// The contents of a log, as numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) lines: u64,
    pub(crate) events: u64,
    pub(crate) records: u64,
    /// Successful calls.
    pub(crate) successes: u64,
    /// Failed calls.
    pub(crate) errors: u64,
}

/// The kind of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// structlog records, 3 % errors: the log of the speed targets.
    Mixed,
    /// structlog records, errors only.
    Errors,
    /// The standard library's `logging`, with `httpx` lines and tracebacks.
    Stdlib,
    /// [`Shape::Mixed`] with the prefix of a container runtime.
    Cri,
    /// pino records of Node services.
    Pino,
    /// `key=value`.
    Logfmt,
    /// OTLP batches of twenty spans.
    Otlp,
    /// JSON records of other services, of sixty forms.
    Noise,
    /// [`Shape::Mixed`] with the prompt in each record: 8 KiB.
    Long,
}

impl Shape {
    pub(crate) const ALL: [Self; 9] =
        [Self::Mixed, Self::Errors, Self::Stdlib, Self::Cri, Self::Pino, Self::Logfmt, Self::Otlp, Self::Noise, Self::Long];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Mixed => "mixed",
            Self::Errors => "errors",
            Self::Stdlib => "stdlib",
            Self::Cri => "cri",
            Self::Pino => "pino",
            Self::Logfmt => "logfmt",
            Self::Otlp => "otlp",
            Self::Noise => "noise",
            Self::Long => "long",
        }
    }

    /// Whether the yardstick can read it.
    pub(crate) const fn is_structlog(self) -> bool {
        matches!(self, Self::Mixed | Self::Errors)
    }

    /// A log of this shape, at least this long.
    pub(crate) fn corpus(self, bytes: usize) -> Corpus {
        let mut writer = Writer::new(self);
        let mut text = String::with_capacity(bytes + (64 << 10));
        while text.len() < bytes {
            writer.entry(&mut text);
        }
        Corpus { name: self.name(), bytes: text.into_bytes(), answer: writer.answer }
    }
}

/// Writes the entries of a log in order.
pub(crate) struct Writer {
    shape: Shape,
    dice: Dice,
    at: Timestamp,
    answer: Answer,
}

/// One call, before it is formatted.
struct Call {
    vendor: &'static Vendor,
    model: &'static str,
    failure: Option<&'static Failure>,
    at: Timestamp,
    latency_ms: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
    service: &'static str,
}

/// The mean time between two calls, in microseconds: 200 calls a second, as in a busy service.
const BETWEEN_CALLS: u64 = 5_000;

impl Writer {
    pub(crate) fn new(shape: Shape) -> Self {
        let at = Timestamp::from_second(1_795_165_200);
        Self { shape, dice: Dice(0x5eed), at, answer: Answer::default() }
    }

    /// Appends the next entry, newline included.
    pub(crate) fn entry(&mut self, out: &mut String) {
        match self.shape {
            Shape::Mixed | Shape::Errors => {
                let call = self.call();
                self.structlog(&call, out);
                self.count(1, 1);
            }
            Shape::Cri => {
                let call = self.call();
                put!(out, "{}456Z stdout F ", call.at.to_string().trim_end_matches('Z'));
                self.structlog(&call, out);
                self.count(1, 1);
            }
            Shape::Stdlib => self.stdlib(out),
            Shape::Pino => self.pino(out),
            Shape::Logfmt => self.logfmt(out),
            Shape::Otlp => self.otlp(out),
            Shape::Noise => self.noise(out),
            Shape::Long => self.long(out),
        }
    }

    fn count(&mut self, lines: u64, records: u64) {
        self.answer.lines += lines;
        self.answer.events += 1;
        self.answer.records += records;
    }

    fn call(&mut self) -> Call {
        self.at = self.at.plus(Duration::from_micros(self.dice.below(2 * BETWEEN_CALLS)));
        let failed = self.shape == Shape::Errors || self.dice.below(100) < 3;
        let vendor = self.dice.pick(&VENDORS);
        if failed {
            self.answer.errors += 1;
        } else {
            self.answer.successes += 1;
        }
        Call {
            vendor,
            model: self.dice.pick(vendor.models),
            failure: failed.then(|| self.dice.pick(vendor.failures)),
            at: self.at,
            latency_ms: 180 + self.dice.below(4_000),
            prompt_tokens: 100 + self.dice.below(9_000),
            completion_tokens: 10 + self.dice.below(900),
            service: self.dice.pick(&SERVICES),
        }
    }

    /// A record with the fields that the guides recommend, and those that services add.
    fn structlog(&mut self, call: &Call, out: &mut String) {
        let Call { vendor, model, at, latency_ms, prompt_tokens, completion_tokens, service, .. } = call;
        put!(out, r#"{{"provider":"{}","model":"{model}""#, vendor.id);
        let status = call.failure.map_or(Some(200), |failure| failure.status);
        if let Some(status) = status {
            put!(out, r#","status_code":{status}"#);
        }
        put!(out, r#","latency_ms":{latency_ms},"request_id":"req_{:016x}{:08x}""#, self.dice.next(), self.dice.next() as u32);
        match call.failure {
            None => {
                let total = prompt_tokens + completion_tokens;
                let cached = prompt_tokens / 3;
                put!(
                    out,
                    r#","prompt_tokens":{prompt_tokens},"completion_tokens":{completion_tokens},"total_tokens":{total},"cached_tokens":{cached},"finish_reason":"stop","stream":true"#
                );
            }
            Some(failure) => self.error(failure, out),
        }
        put!(
            out,
            r#","service":"{service}","region":"ap-northeast-1","host":"{service}-7d9f8b6c4-{:05x}","version":"2026.11.{}","route":"/v1/{}","user":"{} {}","user_id":"u_{:08x}","tenant":"{}","session_id":"{:08x}","trace_id":"{:016x}{:016x}","span_id":"{:016x}","attempt":1"#,
            self.dice.below(1 << 20),
            self.dice.below(20),
            self.dice.pick(&ROUTES),
            self.dice.pick(&["Aiko", "Jonas", "Mar\\u00eda", "Chidi", "Noor", "李"]),
            self.dice.pick(&["Tanaka", "Weber", "García", "Okafor", "Haddad", "Smith"]),
            self.dice.next() as u32,
            self.dice.pick(&["acme", "globex", "initech", "umbrella"]),
            self.dice.next(),
            self.dice.next(),
            self.dice.next(),
            self.dice.next(),
        );
        let (event, level) = if call.failure.is_some() { ("llm_api_error", "error") } else { ("llm_api_call", "info") };
        putln!(out, r#","event":"{event}","level":"{level}","timestamp":"{at}"}}"#);
    }

    /// The message, the text of the exception, or the provider's object; some with a traceback.
    fn error(&mut self, failure: &Failure, out: &mut String) {
        let Failure { message, kind, code, class, status } = failure;
        let quoted = serde_json::to_string(message).expect("a string is JSON");
        match self.dice.below(4) {
            0 | 1 => {
                put!(out, r#","error":{quoted},"error_type":"{class}""#);
            }
            2 => {
                put!(out, r#","error":{{"message":{quoted},"type":"{kind}","param":null,"code":"{code}"}}"#);
            }
            _ => {
                let told = match status {
                    Some(status) => {
                        format!(
                            "Error code: {status} - {{'error': {{'message': {message:?}, 'type': '{kind}', 'param': None, 'code': '{code}'}}}}"
                        )
                    }
                    None => (*message).to_owned(),
                };
                let quoted = serde_json::to_string(&told).expect("a string is JSON");
                put!(out, r#","error":{quoted},"error_type":"{class}""#);
            }
        }
    }

    fn stdlib(&mut self, out: &mut String) {
        let call = self.call();
        let Call { vendor, model, latency_ms, prompt_tokens, completion_tokens, .. } = call;
        let stamp = call.at.to_string().replace('T', " ").replace('.', ",");
        let stamp = stamp.trim_end_matches('Z');
        let url = vendor.url;
        let Some(Failure { status, message, kind, code, class }) = call.failure else {
            putln!(out, "{stamp} INFO httpx: HTTP Request: POST {url} \"HTTP/1.1 200 OK\"");
            putln!(
                out,
                "{stamp} INFO app.llm: completion ok provider={} model={model} prompt_tokens={prompt_tokens} completion_tokens={completion_tokens} latency_ms={latency_ms}",
                vendor.id
            );
            self.count(1, 1);
            return self.count(1, 1);
        };
        putln!(out, "{stamp} ERROR app.llm: chat completion failed for model {model} after {latency_ms} ms");
        putln!(out, "Traceback (most recent call last):");
        for (file, line, function, code) in FRAMES {
            putln!(out, "  File \"/app/{file}\", line {line}, in {function}\n    {code}");
        }
        let namespace = vendor.namespace;
        match status {
            Some(status) => putln!(
                out,
                "{namespace}.{class}: Error code: {status} - {{'error': {{'message': {message:?}, 'type': '{kind}', 'param': None, 'code': '{code}'}}}}"
            ),
            None => putln!(out, "{namespace}.{class}: {message}"),
        };
        self.count(3 + 2 * FRAMES.len() as u64, 1);
    }

    fn pino(&mut self, out: &mut String) {
        let call = self.call();
        let Call { vendor, model, latency_ms, prompt_tokens, completion_tokens, service, .. } = call;
        let micros = call.at.as_micros();
        let level = if call.failure.is_some() { 50 } else { 30 };
        put!(out, r#"{{"level":{level},"time":{},"pid":7766,"hostname":"web-1","name":"{service}","#, micros / 1_000);
        match call.failure {
            None => putln!(
                out,
                r#""provider":"{}","model":"{model}","usage":{{"input":{prompt_tokens},"output":{completion_tokens}}},"ms":{latency_ms},"requestId":"req_{:016x}","msg":"llm call ok"}}"#,
                vendor.id,
                self.dice.next()
            ),
            Some(Failure { status, message, kind, code, class }) => {
                let message = serde_json::to_string(message).expect("a string is JSON");
                let status = status.map_or("null".to_owned(), |status| status.to_string());
                putln!(
                    out,
                    r#""err":{{"type":"{class}","message":{message},"stack":"Error\n    at APIError.generate (file:///app/node_modules/openai/core/error.mjs:41:20)\n    at async file:///app/index.mjs:88:17","status":{status},"headers":{{}},"requestID":"req_{:016x}","error":{{"type":"{kind}","message":{message},"code":"{code}"}}}},"provider":"{}","model":"{model}","ms":{latency_ms},"msg":"llm call failed"}}"#,
                    self.dice.next(),
                    vendor.id
                )
            }
        };
        self.count(1, 1);
    }

    fn logfmt(&mut self, out: &mut String) {
        let call = self.call();
        let Call { vendor, model, latency_ms, prompt_tokens, completion_tokens, service, at, .. } = call;
        let provider = vendor.id;
        match call.failure {
            None => putln!(
                out,
                "at=INFO ts={at} logger=llm msg=completion provider={provider} model={model} status=200 prompt_tokens={prompt_tokens} completion_tokens={completion_tokens} ms={latency_ms} service={service} request_id=req_{:016x}",
                self.dice.next()
            ),
            Some(Failure { status, message, .. }) => {
                let message = serde_json::to_string(message).expect("a string is JSON");
                let status = status.map_or("-".to_owned(), |status| status.to_string());
                putln!(
                    out,
                    "at=ERROR ts={at} logger=llm msg=\"completion failed\" provider={provider} model={model} status={status} err={message} ms={latency_ms} service={service}"
                )
            }
        };
        self.count(1, 1);
    }

    /// A record of one of sixty services: its form, which is its keys and their order, is always the same.
    fn noise(&mut self, out: &mut String) {
        self.at = self.at.plus(Duration::from_micros(self.dice.below(2 * BETWEEN_CALLS)));
        let form = self.dice.below(60);
        let mut keys = Dice(form);
        let level = self.dice.pick(&["info", "info", "info", "debug"]);
        put!(out, r#"{{"ts":"{}","level":"{level}","app":"svc-{form}","msg":"{}""#, self.at, keys.pick(&MESSAGES));
        for number in 0..9 + keys.below(6) {
            let name = keys.pick(&NAMES);
            match keys.below(4) {
                0 => put!(out, r#","{name}_{number}":{}"#, self.dice.below(100_000)),
                1 => put!(out, r#","{name}_{number}":"{:016x}""#, self.dice.next()),
                2 => put!(out, r#","{name}":{{"id":{},"ok":true}}"#, self.dice.below(9_000)),
                _ => put!(out, r#","{name}_{number}":"{} of {}""#, self.dice.pick(&NAMES), self.dice.pick(&SERVICES)),
            }
        }
        putln!(out, "}}");
        self.count(1, 1);
    }

    /// A call with its prompt.
    fn long(&mut self, out: &mut String) {
        const PROMPT_BYTES: usize = 8 << 10;
        let call = self.call();
        put!(out, r#"{{"prompt":""#);
        let end = out.len() + PROMPT_BYTES;
        while out.len() < end {
            put!(
                out,
                "{} the {} of {}.\\n",
                self.dice.pick(&["Summarise", "List", "Say \\\"no\\\" to"]),
                self.dice.pick(&NAMES),
                self.dice.pick(&SERVICES)
            );
        }
        put!(out, r#"","#);
        let start = out.len();
        self.structlog(&call, out);
        out.remove(start);
        self.count(1, 1);
    }

    fn otlp(&mut self, out: &mut String) {
        const SPANS: u64 = 20;
        out.push_str(r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"checkout"}},{"key":"telemetry.sdk.language","value":{"stringValue":"python"}}]},"scopeSpans":[{"scope":{"name":"opentelemetry.instrumentation.openai"},"spans":["#);
        for span in 0..SPANS {
            let call = self.call();
            let (model, start) = (call.model, call.at.as_micros() * 1_000);
            let end = start + call.latency_ms as i64 * 1_000_000;
            if span > 0 {
                out.push(',');
            }
            put!(
                out,
                r#"{{"traceId":"{:016x}{:016x}","spanId":"{:016x}","name":"chat {model}","kind":3,"startTimeUnixNano":"{start}","endTimeUnixNano":"{end}","attributes":["#,
                self.dice.next(),
                self.dice.next(),
                self.dice.next()
            );
            let text = |out: &mut String, key: &str, value: &str| {
                put!(out, r#"{{"key":"{key}","value":{{"stringValue":"{value}"}}}},"#);
            };
            text(out, "gen_ai.operation.name", "chat");
            text(out, "gen_ai.provider.name", call.vendor.id);
            text(out, "gen_ai.request.model", model);
            match call.failure {
                None => {
                    put!(
                        out,
                        r#"{{"key":"gen_ai.usage.input_tokens","value":{{"intValue":"{}"}}}},{{"key":"gen_ai.usage.output_tokens","value":{{"intValue":"{}"}}}}],"status":{{}}}}"#,
                        call.prompt_tokens,
                        call.completion_tokens
                    );
                }
                Some(failure) => {
                    let message = serde_json::to_string(failure.message).expect("a string is JSON");
                    let status = failure.status.unwrap_or(500);
                    put!(
                        out,
                        r#"{{"key":"http.response.status_code","value":{{"intValue":"{status}"}}}},{{"key":"error.type","value":{{"stringValue":"{}"}}}}],"status":{{"code":2,"message":{message}}}}}"#,
                        failure.class
                    );
                }
            }
        }
        out.push_str("]}]}]}\n");
        self.count(1, SPANS);
    }
}

/// SplitMix64: a small generator with the same results on every machine.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

struct Vendor {
    id: &'static str,
    url: &'static str,
    namespace: &'static str,
    models: &'static [&'static str],
    failures: &'static [&'static Failure],
}

struct Failure {
    /// The status of the provider's answer; `None` if there was no answer.
    status: Option<u16>,
    message: &'static str,
    kind: &'static str,
    code: &'static str,
    /// The exception that the SDK raises.
    class: &'static str,
}

const fn failure(status: u16, class: &'static str, kind: &'static str, code: &'static str, message: &'static str) -> Failure {
    let status = if status == 0 { None } else { Some(status) };
    Failure { status, message, kind, code, class }
}

const SERVICES: [&str; 6] = ["checkout", "support-chat", "search-summaries", "invoice-reader", "agents", "moderation"];
const ROUTES: [&str; 5] = ["tickets/summarise", "chat", "documents/extract", "search/answer", "agents/run"];

/// Messages and names of fields of other services.
const MESSAGES: [&str; 8] = [
    "request finished",
    "order placed",
    "cache refreshed",
    "job picked up",
    "session opened",
    "page rendered",
    "row written",
    "message acknowledged",
];
const NAMES: [&str; 16] = [
    "order", "basket", "customer", "region", "shard", "queue", "worker", "page", "cursor", "batch", "invoice", "carrier",
    "zone", "bucket", "replica", "ticket",
];

const FRAMES: [(&str, u16, &str, &str); 6] = [
    ("harness.py", 255, "run", "res = call(item)"),
    ("capture.py", 103, "<lambda>", "cap.run(plan, lambda i: fn(i, st), ok, bad)"),
    ("adapters.py", 86, "call_openai", "r = c.chat.completions.create(model=m, messages=msgs, **kw)"),
    (".venv/lib/python3.11/site-packages/openai/_utils/_utils.py", 298, "wrapper", "return func(*args, **kwargs)"),
    (
        ".venv/lib/python3.11/site-packages/openai/_base_client.py",
        1375,
        "post",
        "return cast(ResponseT, self.request(cast_to, opts))",
    ),
    (
        ".venv/lib/python3.11/site-packages/openai/_base_client.py",
        1148,
        "request",
        "raise self._make_status_error_from_response(err.response) from None",
    ),
];

/// Real texts of the providers.
const VENDORS: [&Vendor; 5] = [
    &Vendor {
        id: "openai",
        url: "https://api.openai.com/v1/chat/completions",
        namespace: "openai",
        models: &["gpt-5", "gpt-5-mini", "gpt-4.1"],
        failures: &[
            &failure(
                429,
                "RateLimitError",
                "requests",
                "rate_limit_exceeded",
                "Rate limit reached for gpt-5-mini in organization org-fdCcBaWCZc5dLA362EyaJkX2 on requests per min (RPM): Limit 500, Used 500, Requested 1. Please try again in 120ms. Visit https://platform.openai.com/account/rate-limits to learn more.",
            ),
            &failure(
                429,
                "RateLimitError",
                "insufficient_quota",
                "insufficient_quota",
                "You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
            ),
            &failure(
                401,
                "AuthenticationError",
                "invalid_request_error",
                "invalid_api_key",
                "Incorrect API key provided: sk-proj-****************4qzA. You can find your API key at https://platform.openai.com/account/api-keys.",
            ),
            &failure(
                400,
                "BadRequestError",
                "invalid_request_error",
                "context_length_exceeded",
                "This model's maximum context length is 272000 tokens. However, your messages resulted in 375170 tokens. Please reduce the length of the messages.",
            ),
            &failure(
                500,
                "InternalServerError",
                "server_error",
                "server_error",
                "The server had an error while processing your request. Sorry about that! You can retry your request, or contact us through our help center at help.openai.com if the error persists.",
            ),
            &failure(0, "APITimeoutError", "timeout", "timeout", "Request timed out."),
        ],
    },
    &Vendor {
        id: "anthropic",
        url: "https://api.anthropic.com/v1/messages",
        namespace: "anthropic",
        models: &["claude-opus-4-6", "claude-sonnet-4-6", "claude-haiku-4-5"],
        failures: &[
            &failure(529, "OverloadedError", "overloaded_error", "overloaded_error", "Overloaded"),
            &failure(
                429,
                "RateLimitError",
                "rate_limit_error",
                "rate_limit_error",
                "This request would exceed your organization's rate limit of 40,000 input tokens per minute. For details, refer to: https://docs.claude.com/en/api/rate-limits.",
            ),
            &failure(
                400,
                "BadRequestError",
                "invalid_request_error",
                "invalid_request_error",
                "prompt is too long: 204918 tokens > 200000 maximum",
            ),
            &failure(
                400,
                "BadRequestError",
                "invalid_request_error",
                "invalid_request_error",
                "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
            ),
        ],
    },
    &Vendor {
        id: "gemini",
        url: "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-pro:generateContent",
        namespace: "google.genai.errors",
        models: &["gemini-2.5-pro", "gemini-2.5-flash"],
        failures: &[
            &failure(503, "ServerError", "UNAVAILABLE", "UNAVAILABLE", "The model is overloaded. Please try again later."),
            &failure(
                429,
                "ClientError",
                "RESOURCE_EXHAUSTED",
                "RESOURCE_EXHAUSTED",
                "You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.",
            ),
            &failure(
                400,
                "ClientError",
                "INVALID_ARGUMENT",
                "INVALID_ARGUMENT",
                "API key not valid. Please pass a valid API key.",
            ),
        ],
    },
    &Vendor {
        id: "deepseek",
        url: "https://api.deepseek.com/chat/completions",
        namespace: "openai",
        models: &["deepseek-chat", "deepseek-reasoner"],
        failures: &[
            &failure(402, "APIStatusError", "unknown_error", "invalid_request_error", "Insufficient Balance"),
            &failure(
                429,
                "RateLimitError",
                "rate_limit",
                "rate_limit_reached",
                "Rate limit reached. Please pace your requests reasonably.",
            ),
            &failure(400, "BadRequestError", "invalid_request_error", "invalid_request_error", "Model Not Exist"),
        ],
    },
    &Vendor {
        id: "moonshot",
        url: "https://api.moonshot.ai/v1/chat/completions",
        namespace: "openai",
        models: &["kimi-k2-0905-preview", "kimi-k2-turbo-preview"],
        failures: &[
            &failure(
                429,
                "RateLimitError",
                "engine_overloaded_error",
                "engine_overloaded_error",
                "The engine is currently overloaded, please try again later",
            ),
            &failure(
                401,
                "AuthenticationError",
                "invalid_authentication_error",
                "invalid_authentication_error",
                "Invalid Authentication",
            ),
            &failure(
                404,
                "NotFoundError",
                "resource_not_found_error",
                "resource_not_found_error",
                "Not found the model kimi-k3-turbo or Permission denied",
            ),
        ],
    },
];
