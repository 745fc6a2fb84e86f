//! The README and the pages in `docs` against the program: their commands run and print what they show, and their tables match.

use crate::running::{Server, program};
use llm_triage::metrics::family::FAMILIES;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The pages for people who use the program.
const PAGES: [&str; 5] = ["README.md", "docs/terminal.md", "docs/daemon.md", "docs/alerts.md", "docs/limits.md"];

/// The README is read in a few minutes; the details are in `docs`.
#[test]
fn the_readme_is_short() {
    let words = read("README.md").split_whitespace().count();
    assert!(words <= 1_500, "{words} words");
}

/// The code blocks in a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|block| block.split("```").next().unwrap_or_default().to_owned()).collect()
}

/// Runs a line in a shell in the repository, where `llm-triage` is the program under test. Returns whether it succeeded,
/// and its standard output or standard error.
fn shell(line: &str, temporary: &Path) -> (bool, String) {
    let program = PathBuf::from(program().get_program());
    let folder = program.parent().expect("a program is in a folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path)));
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(root()).env("PATH", path.expect("a PATH")).env("TMPDIR", temporary);
    let output = command.output().expect("the shell runs");
    let success = output.status.success();
    (success, String::from_utf8_lossy(if success { &output.stdout } else { &output.stderr }).into_owned())
}

/// Whether a line contains the parts of a shown line, split at `…`, in this order.
fn fits(shown: &str, line: &str) -> bool {
    let mut rest = line;
    shown.split('…').all(|part| {
        // The program itself may print `…`.
        let Some(at) = rest.find(part.trim()) else { return false };
        rest = rest.get(at + part.trim().len()..).unwrap_or_default();
        true
    })
}

/// The lines below a command are lines of its output; `…` marks omitted text.
#[test]
fn the_commands_print_what_the_readme_shows() {
    let temporary = tempfile::tempdir().expect("a directory");
    for block in PAGES.iter().flat_map(|page| blocks(&read(page), "console")) {
        for example in block.split("$ ").skip(1) {
            let (command, shown) = example.split_once('\n').expect("a command ends with its line");
            let (success, output) = shell(command, temporary.path());
            assert!(success, "{command}: {output}");
            let mut lines = output.lines();
            for shown in shown.lines().map(str::trim_end).filter(|line| !line.is_empty() && *line != "…") {
                assert!(
                    lines.any(|line| fits(shown, line)),
                    "{command}\ndoes not print, in this order:\n{shown}\nbut\n{output}"
                );
            }
        }
    }
}

/// Commands that never end, or need things that a test machine does not have: their names and flags exist.
#[test]
fn the_other_commands_exist() {
    let temporary = tempfile::tempdir().expect("a directory");
    let mut seen = 0;
    let blocks: Vec<_> = PAGES.iter().flat_map(|page| blocks(&read(page), "sh")).collect();
    for line in blocks.iter().flat_map(|block| block.lines()) {
        let Some(at) = line.find("llm-triage") else {
            let first = line.split(' ').next().unwrap_or_default();
            assert!(first == "cargo" || root().join(first).is_file(), "{line}");
            continue;
        };
        let command = line.get(at..).unwrap_or_default();
        let (success, output) = shell(&format!("{command} --help"), temporary.path());
        assert!(success && output.contains("Usage:"), "{line}: {output}");
        seen += 1;
    }
    assert!(seen > 3, "the README has such commands");
}

#[test]
fn the_configuration_is_valid() {
    let dir = tempfile::tempdir().expect("a directory");
    let text = blocks(&read("docs/daemon.md"), "toml").concat();
    std::fs::write(dir.path().join("config.toml"), text).expect("a file");
    std::fs::write(dir.path().join("slack-url"), "https://hooks.slack.example/services/T0/B0/x").expect("a file");
    std::fs::write(dir.path().join("pagerduty-key"), "key").expect("a file");
    std::fs::write(dir.path().join("dead-man-url"), "https://beats.example/x").expect("a file");
    std::fs::create_dir(dir.path().join("patterns.d")).expect("a directory");
    let output =
        program().args(["check", "--config", "config.toml"]).current_dir(dir.path()).output().expect("the program runs");
    let printed = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}");
    for word in ["app: files", "TCP on 127.0.0.1:10530", "slack", "after 45s"] {
        assert!(printed.contains(word), "{word}: {printed}");
    }
}

/// No metric is missing in the table, and the table has no other metric.
#[test]
fn the_table_of_metrics_matches_the_program() {
    let mut table = String::from("| name | type | labels | meaning |\n| --- | --- | --- | --- |\n");
    for family in FAMILIES {
        let labels = family.labels.join(", ");
        writeln!(table, "| `{}` | {} | {labels} | {} |", family.name, family.kind, family.help).expect("a String grows");
    }
    let rows = |page: &str| -> Vec<String> {
        let is_row = |line: &&str| line.starts_with("| `llm_triage_") || line.starts_with("| `process_");
        page.lines().filter(is_row).map(str::to_owned).collect()
    };
    let page = read("docs/metrics.md");
    assert!(page.contains(&table), "docs/metrics.md should have this table:\n\n{table}");
    assert_eq!(rows(&page).len(), FAMILIES.len(), "the table has other metrics");
    let few = rows(&read("docs/daemon.md"));
    assert_eq!(few.len(), 10, "docs/daemon.md has the metrics that matter");
    for row in few {
        assert!(table.contains(&row), "docs/daemon.md and docs/metrics.md differ: {row}");
    }
}

#[test]
fn the_table_of_rows_matches_the_program() {
    let output = program().args(["check", "--stdin"]).output().expect("the program runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    let rows = printed.lines().skip_while(|line| !line.starts_with("escalation:")).skip(1).take_while(|line| !line.is_empty());
    // The line below a row has its conditions.
    let rows = rows.filter(|line| !line.starts_with("   "));
    let mut table = String::from("| row | severity | fires | next |\n| --- | --- | --- | --- |\n");
    for row in rows {
        // Columns of a fixed width.
        let (id, rest) = row.trim_start().split_once(' ').expect("an id");
        let (severity, rest) = rest.trim_start().split_once(' ').expect("a severity");
        let (fires, next) = rest.trim_start().split_once("  ").expect("a trigger");
        writeln!(table, "| `{id}` | {severity} | {fires} | {} |", next.trim_start()).expect("a String grows");
    }
    assert!(read("docs/alerts.md").contains(&table), "docs/alerts.md should have this table:\n\n{table}");
}

#[test]
fn every_path_answers() {
    let page = read("docs/daemon.md");
    let paths = page.lines().filter_map(|line| line.strip_prefix("| `/")?.split_once('`')).map(|(path, _)| format!("/{path}"));
    let paths: Vec<_> = paths.collect();
    let state = tempfile::tempdir().expect("a directory");
    let daemon = Server::run([Path::new("--tcp=127.0.0.1:0"), Path::new("--state-dir"), state.path()]);
    for path in &paths {
        let method = if path == "/-/reload" { "POST" } else { "GET" };
        let (status, body) = daemon.ask(method, path).expect("an answer");
        assert_eq!(status, 200, "{path}: {body}");
    }
    let (_, known) = daemon.ask("GET", "/nowhere").expect("an answer");
    let known = known.lines().filter_map(|line| line.split_whitespace().next());
    let known: Vec<_> = known.filter(|word| word.starts_with('/')).collect();
    assert_eq!(paths, known, "docs/daemon.md and the program list different paths");
    daemon.terminate();
}

#[test]
fn the_architecture_names_every_module_in_its_order() {
    let modules = read("src/lib.rs");
    let modules: Vec<_> = modules.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let page = read("ARCHITECTURE.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | ")).filter(|(_, rest)| {
        let kind = rest.split(' ').next();
        matches!(kind, Some("core" | "edge"))
    });
    assert_eq!(rows.map(|(name, _)| name).collect::<Vec<_>>(), modules);
}

#[test]
fn every_linked_file_exists() {
    let others = [
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "patterns/README.md",
        "docs/README.md",
        "docs/recipes.md",
        "docs/itself.md",
    ];
    for name in PAGES.into_iter().chain(others) {
        let folder = Path::new(name).parent().expect("a file is in a folder");
        for link in read(name).split("](").skip(1).filter_map(|link| link.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") {
                assert!(root().join(folder).join(target).exists(), "{name}: {link}");
            }
        }
    }
}
