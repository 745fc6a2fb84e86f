//! `init`: writes a commented configuration for the logs that it finds on this machine. Asks nothing and replaces no file.

use super::args::Init;
use super::exit::{CliError, Exit};
use super::{layout, output, terminal};
use crate::classify::Catalog;
use aho_corasick::AhoCorasick;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// The example configuration, which has every key with its default.
const EXAMPLE: &str = include_str!("../../deploy/config.toml");
/// Where the sources of the example begin and end.
const SOURCES: &str = "[[source.file]]\n";
const AFTER_SOURCES: &str = "# ---- HTTP, state";
/// This many bytes at the end of a file show whether it speaks of LLM calls.
const SAMPLE_BYTES: u64 = 256 << 10;
/// The most files that are looked into.
const MAX_SAMPLED: usize = 500;
/// Paths of LLM calls that any server may have.
const LLM_PATHS: [&str; 6] =
    ["/v1/chat/completions", "/v1/messages", "/v1/responses", ":generateContent", "/openai/deployments/", "/api/chat"];

/// A source of the configuration.
#[derive(Debug, PartialEq)]
struct Found {
    name: &'static str,
    paths: Vec<String>,
    exclude: Vec<String>,
    traffic: Option<&'static str>,
    /// What it is, for the comment.
    what: &'static str,
}

/// A usual place of logs: the directory, the globs below it (with a blank between them), and what it is.
struct Place {
    name: &'static str,
    directory: &'static str,
    glob: &'static str,
    exclude: &'static [&'static str],
    traffic: Option<&'static str>,
    what: &'static str,
}

const fn place(name: &'static str, directory: &'static str, glob: &'static str, what: &'static str) -> Place {
    Place { name, directory, glob, exclude: &[], traffic: None, what }
}

/// The logs of everything on a machine.
const MACHINE: [Place; 2] = [
    Place {
        exclude: &["/var/log/pods/kube-system_*/**"],
        ..place("pods", "/var/log/pods", "*/*/*.log", "The logs of all pods of this node.")
    },
    Place {
        traffic: Some("mixed"),
        ..place("docker", "/var/lib/docker/containers", "*/*-json.log", "The logs of all containers of Docker.")
    },
];

/// Logs of programs that call models or serve them.
const PROGRAMS: [Place; 6] = [
    place("app", "/var/log/llm", "**/*.log **/*.jsonl", "Logs of LLM clients."),
    place("litellm", "/var/log/litellm", "*.log", "The LiteLLM proxy."),
    place("kong", "/var/log/kong", "*.log", "Kong with its AI plugins."),
    place("apisix", "/var/log/apisix", "*.log", "APISIX with its AI plugins."),
    place("vllm", "/var/log/vllm", "*.log", "A vLLM server."),
    place("ollama", "/var/log/ollama", "*.log", "An Ollama server."),
];

/// Logs below the home directory.
const HOME: [Place; 5] = [
    place("claude-code", ".claude/projects", "**/*.jsonl", "Sessions of Claude Code."),
    place("codex", ".codex/log", "*.log", "Codex."),
    place("opencode", ".local/share/opencode/log", "*.log", "opencode."),
    place("cursor", ".config/Cursor/logs", "**/*.log", "Cursor."),
    place("ollama-home", ".ollama/logs", "*.log", "An Ollama server."),
];

pub(super) fn run(args: &Init) -> Result<Exit, CliError> {
    let root = Path::new("/");
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute() && home != root);
    let found = find(root, home.as_deref());
    let state = (!rustix::process::geteuid().is_root()).then(|| state_dir(home.as_deref())).flatten();
    let text = configuration(&found, state.as_deref());
    if args.output == Path::new("-") {
        output::print(text.as_bytes())?;
        return Ok(Exit::Success);
    }
    write(&args.output, &text)?;
    let path = args.output.display();
    let names: Vec<&str> = found.iter().map(|source| source.name).collect();
    let sources = if names.is_empty() {
        "no log was found: set `paths` in it".to_owned()
    } else {
        format!("it reads {}", names.join(", "))
    };
    let written = layout::wrap(&format!("{path} is written; {sources}"), terminal::width(), 0);
    output::print(
        format!("{written}\n\nnext:\n  llm-triage check --sources --config {path}\n  llm-triage run --config {path}\n")
            .as_bytes(),
    )?;
    Ok(Exit::Success)
}

/// Creates the file. Other users cannot read it: a configuration may get addresses with passwords.
fn write(path: &Path, text: &str) -> Result<(), CliError> {
    let failed = |error: &io::Error| {
        let hint = match error.kind() {
            io::ErrorKind::AlreadyExists => "; name another file with --output, or `--output -` to print the configuration",
            io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound => "; name a file that you may write with --output",
            _ => "",
        };
        CliError::Failed(format!("cannot write {}: {}{hint}", path.display(), output::reason(error)))
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    }
    let created = OpenOptions::new().write(true).create_new(true).open(path);
    created.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| failed(&error))
}

/// The directory of the state of a user who is not root.
fn state_dir(home: Option<&Path>) -> Option<PathBuf> {
    let base = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|base| base.is_absolute());
    base.or_else(|| Some(home?.join(".local/state"))).map(|base| base.join("llm-triage"))
}

/// The sources for this machine: known places with logs, and files below `/var/log` that speak of LLM calls.
fn find(root: &Path, home: Option<&Path>) -> Vec<Found> {
    let mut all: Vec<Found> = Vec::new();
    let below = |base: &Path, place: &Place| {
        let directory = base.join(place.directory.trim_start_matches('/'));
        let is_used = fs::read_dir(&directory).is_ok_and(|mut entries| entries.next().is_some());
        is_used.then(|| Found {
            name: place.name,
            paths: place.glob.split(' ').map(|glob| format!("{}/{glob}", directory.display())).collect(),
            exclude: place.exclude.iter().map(|&glob| glob.to_owned()).collect(),
            traffic: place.traffic,
            what: place.what,
        })
    };
    all.extend(MACHINE.iter().chain(&PROGRAMS).filter_map(|place| below(root, place)));
    all.extend(home.into_iter().flat_map(|home| HOME.iter().filter_map(move |place| below(home, place))));
    let others = speaking_of_llm(root);
    if !others.is_empty() {
        let what = "Other logs that name an LLM provider's host or the path of an LLM call.";
        all.push(Found { name: "others", paths: others, exclude: Vec::new(), traffic: Some("mixed"), what });
    }
    all
}

/// The log files directly in `/var/log` and in its directories, except known ones, that speak of LLM calls.
fn speaking_of_llm(root: &Path) -> Vec<String> {
    let Some(words) = words() else { return Vec::new() };
    let logs = root.join("var/log");
    let known: Vec<PathBuf> =
        MACHINE.iter().chain(&PROGRAMS).map(|place| root.join(place.directory.trim_start_matches('/'))).collect();
    let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let (folders, mut files): (Vec<_>, Vec<_>) = entries(&logs).partition(|path| path.is_dir());
    files.extend(folders.iter().filter(|folder| !known.contains(folder)).flat_map(|folder| entries(folder)));
    let is_log = |path: &PathBuf| {
        path.extension().is_some_and(|extension| ["log", "jsonl", "json"].iter().any(|known| extension == *known))
    };
    files.retain(is_log);
    files.sort();
    let speaks = |path: &PathBuf| tail(path).is_ok_and(|text| words.is_match(&text));
    files.into_iter().take(MAX_SAMPLED).filter(speaks).map(|path| path.display().to_string()).collect()
}

fn words() -> Option<AhoCorasick> {
    let catalog = Catalog::shipped().ok()?;
    let hosts = catalog.providers().iter().filter(|(_, spec)| !spec.self_hosted).flat_map(|(_, spec)| spec.hosts.clone());
    let hosts = hosts.filter(|host| !host.contains('*') && host.matches('.').count() >= 2);
    AhoCorasick::new(hosts.chain(LLM_PATHS.map(str::to_owned))).ok()
}

fn tail(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    file.seek(SeekFrom::Start(metadata.len().saturating_sub(SAMPLE_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(SAMPLE_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The example with these sources in place of its own; with its own when there are none.
fn configuration(found: &[Found], state: Option<&Path>) -> String {
    let mut text = EXAMPLE.to_owned();
    if let (Some(from), Some(to), false) = (text.find(SOURCES), text.find(AFTER_SOURCES), found.is_empty()) {
        text.replace_range(from..to, &found.iter().map(source).collect::<String>());
    }
    if let Some(state) = state {
        text = text.replacen("[state]\n", &format!("[state]\ndir = {}\n", quoted(&state.display().to_string())), 1);
    }
    text
}

fn source(found: &Found) -> String {
    let list = |globs: &[String]| globs.iter().map(|glob| quoted(glob)).collect::<Vec<_>>().join(", ");
    let mut text = format!("# {}\n{SOURCES}name = {}\npaths = [{}]\n", found.what, quoted(found.name), list(&found.paths));
    if !found.exclude.is_empty() {
        let _infallible = writeln!(text, "exclude = [{}]", list(&found.exclude));
    }
    if let Some(traffic) = found.traffic {
        let _infallible = writeln!(
            text,
            "traffic = {}                        # only a part of the lines is about LLM calls",
            quoted(traffic)
        );
    }
    text.push_str(
        "#start_at = \"end\"                        # or \"beginning\": for files that exist at the very first start\n",
    );
    text.push_str("#timezone = \"Asia/Tokyo\"                 # for stamps without a zone; no default: learnt from the time of arrival\n\n");
    text
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Flags};

    fn file(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        fs::write(path, text).expect("written");
    }

    #[test]
    fn logs_in_usual_places_become_sources() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = dir.path();
        file(root, "var/log/pods/default_app-1_2/app/0.log", "");
        file(root, "var/log/litellm/proxy.log", "");
        file(root, "var/log/llm/app.jsonl", "");
        file(root, "var/log/shop/shop.log", "POST https://api.openai.com/v1/responses 429\n");
        file(root, "var/log/edge.log", "\"POST /v1/chat/completions HTTP/1.1\" 502\n");
        file(root, "var/log/auth.log", "sshd: session opened\n");
        file(root, "var/log/shop/shop.log.gz", "api.openai.com");
        file(root, "home/me/.claude/projects/x/1.jsonl", "{}");
        fs::create_dir_all(root.join("var/log/kong")).expect("an empty folder");
        let found = find(root, Some(&root.join("home/me")));
        let names: Vec<&str> = found.iter().map(|source| source.name).collect();
        assert_eq!(names, ["pods", "app", "litellm", "claude-code", "others"]);
        let others = ["var/log/edge.log", "var/log/shop/shop.log"].map(|path| root.join(path).display().to_string());
        assert_eq!(found[4].paths, others);
        let text = configuration(&found, Some(Path::new("/home/me/.local/state/llm-triage")));
        let config = Config::from_text(None, &text, &Flags::default(), None).expect("a good configuration");
        assert_eq!(config.sources.len(), 5);
        assert_eq!(config.state_dir, Path::new("/home/me/.local/state/llm-triage"));
    }

    #[test]
    fn without_a_log_the_example_remains() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(find(dir.path(), None), []);
        assert_eq!(configuration(&[], None), EXAMPLE);
    }
}
