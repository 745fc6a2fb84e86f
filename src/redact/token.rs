//! Words that may be keys: where they begin and end, and whether a machine made them up.

/// Whether a key may begin at `at`: not in the middle of a word. `%3D` and a written `\n` before it are no word.
pub(super) fn is_boundary(text: &str, at: usize) -> bool {
    let before = &text.as_bytes()[..at];
    let Some(last) = before.last() else { return true };
    let is_percent_code =
        before.len() >= 3 && before[before.len() - 3] == b'%' && before[before.len() - 2..].iter().all(u8::is_ascii_hexdigit);
    let is_escape = matches!(last, b'n' | b't' | b'r') && before.len() >= 2 && before[before.len() - 2] == b'\\';
    !last.is_ascii_alphanumeric() || is_percent_code || is_escape
}

/// How many bytes at the start of `text` may belong to one key.
pub(super) fn key_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut end = 0;
    while let Some(byte) = bytes.get(end) {
        let code = bytes.get(end + 1..end + 3).unwrap_or_default();
        match byte {
            // `+`, `/` and `=` of base64 inside an address.
            b'%' if matches!(code, b"2B" | b"2b" | b"2F" | b"2f" | b"3D" | b"3d") => end += 3,
            b'-' | b'_' | b'.' | b'*' | b'+' | b'/' | b'~' => end += 1,
            _ if byte.is_ascii_alphanumeric() => end += 1,
            _ => break,
        }
    }
    while end > 0 && matches!(bytes[end - 1], b'.' | b'/') {
        end -= 1;
    }
    let padding = bytes[end..].iter().take_while(|byte| **byte == b'=').count();
    let is_padding = end >= 16 && padding <= 2 && !bytes.get(end + padding).is_some_and(u8::is_ascii_alphanumeric);
    if is_padding { end + padding } else { end }
}

/// The last four characters of a key that is long enough to keep its secret without them.
pub(super) fn last_four(word: &str) -> Option<&str> {
    let word = word.trim_end_matches(['.', '=']);
    (word.len() >= 12).then(|| word.get(word.len() - 4..)).flatten()
}

/// What a run of letters and digits consists of.
#[derive(Clone, Copy, Default)]
struct Mix {
    digits: usize,
    upper: usize,
    lower: usize,
    /// How often a digit, a capital and a small letter follow each other.
    changes: usize,
}

impl Mix {
    fn of(run: &str) -> Self {
        let (mut mix, mut last) = (Self::default(), 0);
        for byte in run.bytes() {
            let (count, kind) = match byte {
                b'0'..=b'9' => (&mut mix.digits, 1),
                b'A'..=b'Z' => (&mut mix.upper, 2),
                b'a'..=b'z' => (&mut mix.lower, 3),
                _ => continue,
            };
            *count += 1;
            mix.changes += usize::from(last != 0 && last != kind);
            last = kind;
        }
        mix
    }
}

fn runs(word: &str) -> impl Iterator<Item = &str> {
    word.split(|c: char| !c.is_ascii_alphanumeric()).filter(|run| !run.is_empty())
}

/// Whether what follows a vendor's prefix is a key, and not the rest of a name (`hf_hub_download_timeout`).
pub(super) fn is_key_body(body: &str) -> bool {
    body.contains("**")
        || runs(body).any(|run| {
            let mix = Mix::of(run);
            let mixed = mix.digits >= 2 && mix.upper + mix.lower >= 1 && run.len() >= 6;
            // AWS writes the ids of its keys in capitals.
            let capitals = mix.lower == 0 && run.len() >= 16;
            mixed || capitals || mix.changes >= 4 && run.len() >= 12 || mix.digits >= 10
        })
}

/// Whether a word of at least 20 bytes was made up by a machine: one long run of letters and digits without a pattern.
/// Names of models, versions, paths and dates are not.
pub(super) fn is_random(word: &str) -> bool {
    word.len() >= 20 && (runs(word).any(is_random_run) || is_base64(word))
}

fn is_random_run(run: &str) -> bool {
    let mix = Mix::of(run);
    let letters = mix.upper + mix.lower;
    run.len() >= 20 && mix.digits >= 2 && letters >= 2 && mix.changes >= 5 && distinct(run) >= 9
}

/// Base64 with `+` and `/` in it, which cut it into short runs.
fn is_base64(word: &str) -> bool {
    let mix = Mix::of(word);
    let is_path = runs(word).any(|run| run.len() >= 4 && run.bytes().all(|byte| byte.is_ascii_lowercase()));
    word.len() >= 32 && !is_path && mix.digits >= 2 && mix.upper >= 4 && mix.lower >= 4 && mix.changes >= word.len() / 3
}

fn distinct(run: &str) -> u32 {
    run.bytes().fold(0_u128, |seen, byte| seen | 1 << (byte & 127)).count_ones()
}

/// Whether a word is a UUID.
pub(super) fn is_uuid(word: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let mut parts = word.split('-');
    let fits =
        |length| parts.next().is_some_and(|part| part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit()));
    lengths.into_iter().all(fits) && parts.next().is_none()
}

/// Whether a value behind the name of a key is one: not a word, a number or a placeholder.
pub(super) fn is_key_value(value: &str) -> bool {
    let mix = Mix::of(value);
    let letters = mix.upper + mix.lower;
    let mixed = mix.digits >= 1 && letters >= 1 && (value.len() >= 12 || mix.digits >= 2 && value.len() >= 8);
    !is_placeholder(value) && (mixed || letters >= 16 && mix.changes >= 4 && !value.contains(' '))
}

/// Whether a value takes the place of a secret: `None`, `***`, `${KEY}`, `<your key>`.
pub(super) fn is_placeholder(value: &str) -> bool {
    const WORDS: [&str; 12] =
        ["none", "null", "nil", "undefined", "true", "false", "redacted", "hidden", "masked", "empty", "unset", "bearer"];
    const STARTS: [&str; 12] =
        ["[redacted", "[e-mail", "[…", "[REDACTED", "<", "${", "$(", "{{", "%s", "os.environ", "os.getenv", "process.env"];
    let first = value.bytes().next();
    STARTS.iter().any(|start| value.starts_with(start))
        || WORDS.iter().any(|word| value.eq_ignore_ascii_case(word))
        || first.is_none_or(|first| value.bytes().all(|byte| byte == first))
}
