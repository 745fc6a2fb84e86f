//! The packages in the frames of a stack, in the spelling of their language: `openai`, `@anthropic-ai/sdk`,
//! `org.springframework.ai.retry`, `OpenAI.Chat`, `sashabaranov/go-openai`, `ruby-openai`.

use crate::line::contains;
use std::borrow::Cow;

/// The most places of a text that are looked at, for each kind of frame.
const PLACES: usize = 256;
/// The longest name of a package, in bytes.
const NAME_BYTES: usize = 60;
/// The parts of a qualified class name that are kept: enough for the package.
const PARTS: usize = 5;

/// Directories in which package managers install, and what follows them. Windows has a backslash behind them.
const DIRECTORIES: [(&str, Layout); 7] = [
    ("site-packages", Layout::Scoped),
    ("dist-packages", Layout::Scoped),
    ("node_modules", Layout::Scoped),
    ("/gems", Layout::Versioned),
    ("index.crates.io-", Layout::Registry),
    ("vendor", Layout::Owned),
    ("github.com", Layout::Hosted),
];

/// How a package manager lays out a package.
#[derive(Clone, Copy)]
enum Layout {
    /// `openai/…`, `@anthropic-ai/sdk/…`, `google/genai/…`.
    Scoped,
    /// `ruby-openai-7.1.0/lib/…`.
    Versioned,
    /// `6f17d22bba15001f/async-openai-0.23.4/src/…`.
    Registry,
    /// `openai-php/client/src/…`.
    Owned,
    /// `sashabaranov/go-openai@v1.20.2/…`, `sashabaranov/go-openai.(*Client).sendRequest`.
    Hosted,
}

/// Whether a text may have frames.
pub(super) fn has_frames(text: &str) -> bool {
    let called = || contains(text, "\tat ") || text.contains('\n') && contains(text, "  at ");
    DIRECTORIES.iter().any(|(directory, _)| contains(text, directory)) || called()
}

/// The packages in the frames of a text; one can come several times.
pub(super) fn packages(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let installed =
        DIRECTORIES.into_iter().filter(move |(directory, _)| contains(text, directory)).flat_map(move |(directory, layout)| {
            text.split(directory).skip(1).take(PLACES).filter_map(move |rest| layout.package(rest))
        });
    let names = installed.chain(text.lines().filter_map(called_class).take(PLACES));
    names.filter(|name| name.len() <= NAME_BYTES).map(with_slashes)
}

/// The name of a package as it is elsewhere than on Windows.
fn with_slashes(name: &str) -> Cow<'_, str> {
    if name.contains('\\') { name.replace('\\', "/").into() } else { name.into() }
}

impl Layout {
    fn package(self, rest: &str) -> Option<&str> {
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ':' | '"' | '\'' | ')' | '(')).unwrap_or(rest.len());
        let path = rest.get(..end)?;
        let path = if matches!(self, Self::Registry) { path } else { path.strip_prefix(is_slash)? };
        match self {
            Self::Scoped => match first_parts(path, 1)? {
                // A module for each vendor: `litellm/llms/bedrock/chat/converse_handler.py`.
                first if first == "litellm" => vendor_module(path).or(Some(first)),
                first if first.starts_with('@') || first == "google" => first_parts(path, 2),
                first => Some(first),
            },
            Self::Versioned => first_parts(path, 1).map(without_version),
            Self::Registry => path.split(is_slash).nth(1).map(without_version),
            Self::Owned => first_parts(path, 2),
            Self::Hosted => {
                let name = first_parts(path, 2)?;
                let (owner, repository) = name.split_once(is_slash)?;
                let end = repository.find(['@', '.']).unwrap_or(repository.len());
                name.get(..owner.len() + 1 + end)
            }
        }
    }
}

/// The first parts of a path; `None` if it has fewer.
fn first_parts(path: &str, parts: usize) -> Option<&str> {
    let mut ends = path.match_indices(is_slash).map(|(at, _)| at).chain([path.len()]);
    path.get(..ends.nth(parts - 1)?).filter(|name| !name.is_empty())
}

/// `litellm/llms/bedrock` of `litellm/llms/bedrock/chat/converse_handler.py`, `litellm/llms/anthropic` of `litellm/llms/anthropic.py`.
fn vendor_module(path: &str) -> Option<&str> {
    let name = first_parts(path, 3)?;
    let is_module = name.split(is_slash).nth(1) == Some("llms");
    is_module.then(|| name.strip_suffix(".py").unwrap_or(name))
}

fn is_slash(c: char) -> bool {
    matches!(c, '/' | '\\')
}

/// `ruby-openai` of `ruby-openai-7.1.0`.
fn without_version(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((bare, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => bare,
        _ => name,
    }
}

/// The class in a frame of Java, .NET or Node: `at org.springframework.ai.retry.RetryUtils.handle(RetryUtils.java:73)`. Only
/// the first parts are kept, so that many classes of one package are one name.
fn called_class(line: &str) -> Option<&str> {
    let frame = line.trim_start().strip_prefix("at ")?;
    let words = ["async ", "new ", "java.base/", "app//"];
    let frame = words.iter().fold(frame, |rest, word| rest.strip_prefix(word).unwrap_or(rest));
    let end = frame.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_'))).unwrap_or(frame.len());
    let name = frame.get(..end)?;
    let ends = name.match_indices('.').map(|(at, _)| at);
    name.get(..ends.take(PARTS).last()?).filter(|class| !class.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_has_its_own_frames() {
        let cases = [
            ("  File \"/srv/.venv/lib/python3.13/site-packages/openai/_base_client.py\", line 9, in request", "openai"),
            ("  File \"/opt/lib/python3/dist-packages/google/genai/models.py\", line 9", "google/genai"),
            ("    at APIError.generate (/srv/node_modules/@anthropic-ai/sdk/core/error.js:37:20)", "@anthropic-ai/sdk"),
            ("\tat org.springframework.ai.retry.RetryUtils$1.handleError(RetryUtils.java:73)", "org.springframework.ai.retry"),
            ("   at OpenAI.Chat.ChatClient.CompleteChatAsync(BinaryContent content)", "OpenAI.Chat.ChatClient"),
            ("    at async OpenAI.makeRequest (file:///srv/dist/index.mjs:120:13)", "OpenAI"),
            ("github.com/sashabaranov/go-openai.(*Client).sendRequest(0xc000, 0x1)", "sashabaranov/go-openai"),
            ("  File \"C:\\app\\Lib\\site-packages\\google\\genai\\models.py\", line 9, in ask", "google/genai"),
            ("  File \"/srv/lib/site-packages/litellm/llms/bedrock/chat/converse.py\", line 9", "litellm/llms/bedrock"),
            ("  File \"/srv/lib/site-packages/litellm/llms/anthropic.py\", line 9", "litellm/llms/anthropic"),
            ("  File \"/srv/lib/site-packages/litellm/main.py\", line 9", "litellm"),
            ("/usr/local/bundle/gems/ruby-openai-7.1.0/lib/openai/http.rb:12:in 'post'", "ruby-openai"),
            ("#3 /var/www/vendor/openai-php/client/src/Transporters/HttpTransporter.php(59): GuzzleHttp", "openai-php/client"),
            ("  at /home/app/.cargo/registry/src/index.crates.io-6f17/async-openai-0.23.4/src/client.rs:320", "async-openai"),
        ];
        for (frame, package) in cases {
            assert!(has_frames(&format!("x\n{frame}")), "{frame}");
            assert!(packages(frame).any(|name| name == package), "{frame}: {:?}", packages(frame).collect::<Vec<_>>());
        }
        assert_eq!(packages("    at processTicksAndRejections (node:internal/process/task_queues:105:5)").next(), None);
        assert_eq!(packages("no model at api.openai.com answered").next(), None);
    }
}
