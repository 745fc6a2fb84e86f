//! Secrets and prompts are removed, and everything else stays.

use llm_triage::redact::Redactor;

/// Every line that only looks like it holds a secret.
const NEAR_MISSES: &str = include_str!("../data/redact/near-misses.txt");

#[test]
fn texts_without_a_secret_stay_the_same() {
    let redactor = Redactor::default();
    let lines: Vec<_> = NEAR_MISSES.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(lines.len() >= 200, "{}", lines.len());
    let changed: Vec<_> = lines.iter().map(|line| (line, redactor.redact(line))).filter(|(_, (_, count))| *count > 0).collect();
    assert!(changed.is_empty(), "{changed:#?}");
}

/// (text, what leaves)
const SECRETS: &[(&str, &str)] = &[
    // By their form, whatever stands around them.
    ("key sk-ant-api03-a1B2c3D4e5F6g7H8i9J0k1L2 was used", "key [redacted…k1L2] was used"),
    ("Incorrect API key provided: sk-proj-abcDEF123456ghiJKL789mno.", "Incorrect API key provided: [redacted…9mno]."),
    ("?x=1%20gsk_a1B2c3D4e5F6g7H8i9J0&y=2", "?x=1%20[redacted…i9J0]&y=2"),
    ("env: GITHUB=ghs_a1B2c3D4e5F6g7H8i9J0k1", "env: GITHUB=[redacted…J0k1]"),
    ("id AKIAIOSFODNN7EXAMPLE in us-east-1", "id [redacted…MPLE] in us-east-1"),
    ("braintree access_token$production$a1b2c3d4e5f6g7h8$0123456789abcdef0123", "braintree [redacted…0123]"),
    // By their names: JSON, Python, headers, tuples, XML, YAML, shells, queries, strings of strings.
    (r#"{"x-api-key":"Zx81mQ0pLr47TbNs","v":1}"#, r#"{"x-api-key":"[redacted…TbNs]","v":1}"#),
    (r#"body="{\"apiKey\":\"Zx81mQ0pLr47TbNs\"}""#, r#"body="{\"apiKey\":\"[redacted…TbNs]\"}""#),
    (
        "Headers([('authorization', 'Bearer Zx81mQ0pLr47TbNs'), ('a', 'b')])",
        "Headers([('authorization', 'Bearer [redacted…TbNs]'), ('a', 'b')])",
    ),
    ("(b'api-key', b'Zx81mQ0pLr47TbNs')", "(b'api-key', b'[redacted…TbNs]')"),
    ("AZURE_OPENAI_API_KEY=Zx81mQ0pLr47TbNs failed", "AZURE_OPENAI_API_KEY=[redacted…TbNs] failed"),
    ("  accessToken: Zx81mQ0pLr47TbNs", "  accessToken: [redacted…TbNs]"),
    ("run --api-key Zx81mQ0pLr47TbNs --verbose", "run --api-key [redacted…TbNs] --verbose"),
    ("GET /v1?subscription-key=Zx81mQ0pLr47TbNs&x=1", "GET /v1?subscription-key=[redacted…TbNs]&x=1"),
    ("<password>correct-horse-7</password>", "<password>[redacted]</password>"),
    ("DSN=app;Uid=sa;Pwd=Zx81mQ0p;Timeout=3", "DSN=app;Uid=sa;Pwd=[redacted];Timeout=3"),
    ("host=db password=Tr0ub&4dor user=x", "host=db password=[redacted] user=x"),
    ("Authorization: Basic dXNlcjpodW50ZXIy", "Authorization: Basic [redacted…ZXIy]"),
    ("AUTHORIZATION: BEARER Zx81mQ0pLr47TbNs", "AUTHORIZATION: BEARER [redacted…TbNs]"),
    ("Cookie: sid=Zx81mQ0pLr; theme=dark", "Cookie: [redacted]"),
    ("{'Set-Cookie': 'sid=Zx81mQ0pLr; Path=/'}", "{'Set-Cookie': '[redacted]'}"),
    // By the words around them.
    ("the token f86fee0a8e44b96f09547c52cdddab63 is unknown", "the token [redacted…ab63] is unknown"),
    ("'f86fee0a8e44b96f09547c52cdddab63' is not a valid API key", "'[redacted…ab63]' is not a valid API key"),
    ("invalid key c4d96fc3-b227-4808-900a-6a8371dea204", "invalid key [redacted…a204]"),
    // In addresses.
    ("proxy http://me:p@ss/w0rd@proxy.corp:3128/ refused", "proxy http://[redacted]@proxy.corp:3128/ refused"),
    ("redis://:hunter2@cache:6379/0", "redis://[redacted]@cache:6379/0"),
    ("https://f86fee0a8e44b96f09547c52cdddab63@o1.ingest.sentry.io/2", "https://[redacted]@o1.ingest.sentry.io/2"),
    ("POST https://hooks.slack.com/services/T01/B02/a1B2c3D4e5F6g7H8", "POST https://hooks.slack.com/services/[redacted…g7H8]"),
    // Of persons.
    ("for ada.lovelace@example.com.", "for [e-mail]."),
    ("?user=ada%40example.com", "?user=[e-mail]"),
    ("call +49 170 1234567 or (415) 555-0134", "call [phone] or [phone]"),
    ("card 4111 1111 1111 1111 and 378282246310005", "card [card] and [card]"),
    ("payer DE89 3704 0044 0532 0130 00 refused", "payer [IBAN] refused"),
    // What was said.
    (
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"I am ill"}]}],"model":"gpt-5"}"#,
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"[…]"}]}],"model":"gpt-5"}"#,
    ),
    (
        r#"{"contents":[{"role":"user","parts":[{"text":"I am ill"}]}]}"#,
        r#"{"contents":[{"role":"user","parts":[{"text":"[…]"}]}]}"#,
    ),
    ("AIMessage(content='it\\'s bad, isn\\'t it', id='run-1')", "AIMessage(content='[…]', id='run-1')"),
    ("call(prompt=\"I am ill\", n=1)", "call(prompt=\"[…]\", n=1)"),
    ("    user_message = 'I am ill'", "    user_message = '[…]'"),
    (r#"{"input":["I am ill","so am I"]}"#, r#"{"input":["[…]","[…]"]}"#),
    ("Could not parse LLM output: `I am ill`", "Could not parse LLM output: `[…]`"),
];

#[test]
fn secrets_and_prompts_leave_their_kind() {
    let redactor = Redactor::default();
    for (text, expected) in SECRETS {
        let (clean, count) = redactor.redact(text);
        assert_eq!(clean, *expected);
        assert!(count > 0, "{text}");
        assert_eq!(redactor.redact(&clean), ((*expected).into(), 0), "redacted twice");
    }
}

/// A secret at every distance from the place where a long text is cut leaves no more than its end.
#[test]
fn a_secret_at_the_cut_of_a_long_text_does_not_leave() {
    let redactor = Redactor::default();
    let key = "sk-proj-a1B2c3D4e5F6g7H8i9J0k1L2m3N4";
    for before in 1_990..2_060 {
        let filler = "x ".repeat(before / 2);
        let (message, _) = redactor.message(&format!("password='{filler}' {filler}{key} rest"));
        assert!(!message.contains("a1B2c3D4"), "{before}: {message}");
    }
}
