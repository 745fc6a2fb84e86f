//! Import circles between files: which file of `src/` uses which, read from the text of the code.
//!
//! `use super::Name` counts like `use crate::…`. A name leads to the file that defines it: a re-export (`pub use child::Name`)
//! is followed, and an item of a `mod.rs` belongs to that `mod.rs`. A re-export alone is no dependency.

use std::collections::{BTreeMap, BTreeSet};

/// A path of modules from the crate's root: `["alert", "table"]`.
type ModulePath = Vec<String>;

/// What one file says about others.
struct FileImports {
    module: ModulePath,
    /// Paths that the code uses, as written: `["super", "Name"]`.
    used: Vec<Vec<String>>,
    /// Names that the file re-exports, with the paths they stand for.
    reexports: BTreeMap<String, Vec<String>>,
}

/// The files of `src/` and what each imports.
pub(super) struct ImportGraph {
    files: BTreeMap<String, FileImports>,
    by_module: BTreeMap<ModulePath, String>,
}

impl ImportGraph {
    /// Reads files given as (path below `src/`, text).
    pub(super) fn new<'a>(sources: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let files: BTreeMap<_, _> =
            sources.into_iter().map(|(path, text)| (path.to_owned(), FileImports::read(path, text))).collect();
        let modules = files.iter().filter(|(path, _)| *path != "main.rs");
        let by_module = modules.map(|(path, file)| (file.module.clone(), path.clone())).collect();
        Self { files, by_module }
    }

    /// Groups of files that import each other, in a circle or in several.
    pub(super) fn circles(&self) -> Vec<Vec<&str>> {
        let edges: BTreeMap<&str, BTreeSet<&str>> =
            self.files.iter().map(|(path, file)| (path.as_str(), self.targets(path, file))).collect();
        let reached: BTreeMap<&str, BTreeSet<&str>> = edges.keys().map(|path| (*path, reach(path, &edges))).collect();
        let mut circles: Vec<Vec<&str>> = Vec::new();
        for (path, targets) in &reached {
            if !targets.contains(path) || circles.iter().flatten().any(|known| known == path) {
                continue;
            }
            circles.push(targets.iter().copied().filter(|other| reached[other].contains(path)).collect());
        }
        circles
    }

    /// The files that one file of a circle imports from within it.
    pub(super) fn ties<'a>(&'a self, path: &str, circle: &[&'a str]) -> Vec<&'a str> {
        let targets = self.targets(path, &self.files[path]);
        circle.iter().copied().filter(|other| targets.contains(other)).collect()
    }

    fn targets<'a>(&'a self, path: &str, file: &FileImports) -> BTreeSet<&'a str> {
        let found = file.used.iter().filter_map(|used| self.resolve(&file.module, used, 8));
        found.filter(|target| *target != path).collect()
    }

    /// The file that a path leads to, seen from `module`. At most `depth` re-exports are followed.
    fn resolve(&self, module: &[String], path: &[String], depth: usize) -> Option<&str> {
        let mut here = module.to_vec();
        let mut rest = path;
        match rest.first()?.as_str() {
            "crate" => (here.clear(), rest = &rest[1..]).1,
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|part| part == "super") {
                    here.pop()?;
                    rest = &rest[1..];
                }
            }
            _ => return None,
        }
        while let Some(part) = rest.first() {
            here.push(part.clone());
            if !self.by_module.contains_key(&here) {
                here.pop();
                break;
            }
            rest = &rest[1..];
        }
        let file = self.by_module.get(&here)?;
        let Some(target) = rest.first().and_then(|name| self.files[file].reexports.get(name)) else { return Some(file) };
        let target = [target, rest.get(1..).unwrap_or_default()].concat();
        if depth == 0 { Some(file) } else { self.resolve(&here, &target, depth - 1).or(Some(file)) }
    }
}

impl FileImports {
    fn read(path: &str, text: &str) -> Self {
        let code = super::code_only(text);
        let children: BTreeSet<&str> =
            code.lines().filter_map(|line| line.trim().split_once("mod ")?.1.strip_suffix(';')).collect();
        let local = |path: Vec<String>| match path.first() {
            Some(first) if children.contains(first.as_str()) => [vec!["self".to_owned()], path].concat(),
            _ => path,
        };
        let (mut used, mut reexports) = (Vec::new(), BTreeMap::new());
        let mut rest = String::new();
        for statement in code.split_inclusive(';') {
            let Some((before, tree)) = split_use(statement) else {
                rest.push_str(statement);
                continue;
            };
            rest.push_str(before);
            let is_public = before.trim_end().ends_with([')', 'b']) && before.contains("pub");
            for path in expand(tree) {
                match path.last() {
                    Some(name) if is_public => drop(reexports.insert(name.clone(), local(path))),
                    _ => used.push(local(path)),
                }
            }
        }
        used.extend(inline_paths(&rest, &children).into_iter().map(local));
        Self { module: module_of(path), used, reexports }
    }
}

/// `alert/mod.rs` and `alert.rs` are the module `alert`; `lib.rs` is the root.
fn module_of(path: &str) -> ModulePath {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let path = path.strip_suffix("/mod").unwrap_or(path);
    path.split('/').filter(|part| !matches!(*part, "lib" | "main")).map(str::to_owned).collect()
}

/// Splits a statement that ends in a `use` into what stands before it and the tree of names.
fn split_use(statement: &str) -> Option<(&str, &str)> {
    let at = statement.rfind("use ")?;
    let (before, tree) = (statement.get(..at)?, statement.get(at + 4..)?.strip_suffix(';')?);
    let is_word = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let is_tree = tree.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || "_:{},*".contains(c));
    (is_word && is_tree).then_some((before, tree))
}

/// `a::{b, c::{self, d}}` as paths: `a::b`, `a::c`, `a::c::d`.
fn expand(tree: &str) -> Vec<Vec<String>> {
    let (mut paths, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, c) in tree.char_indices().chain([(tree.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                paths.extend(expand_one(tree.get(start..at).unwrap_or_default().trim()));
                start = at + 1;
            }
            _ => {}
        }
    }
    paths
}

fn expand_one(path: &str) -> Vec<Vec<String>> {
    let parts = |text: &str| text.split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let Some((prefix, group)) = path.split_once('{') else {
        let path = path.split(" as ").next().unwrap_or_default();
        return if path.is_empty() { Vec::new() } else { vec![parts(path)] };
    };
    let prefix: Vec<String> = parts(prefix);
    let inner = expand(group.strip_suffix('}').unwrap_or(group)).into_iter();
    inner.map(|path| [prefix.clone(), path.into_iter().filter(|part| part != "self").collect()].concat()).collect()
}

/// `crate::a::b`, `super::c` and `child::d` where the code names them without a `use`.
fn inline_paths(code: &str, children: &BTreeSet<&str>) -> Vec<Vec<String>> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let words = code.split(|c: char| !is_part(c)).filter(|word| word.contains("::"));
    let paths = words.map(|word| word.split("::").map(str::to_owned).collect::<Vec<_>>());
    paths.filter(|path| matches!(path[0].as_str(), "crate" | "super" | "self") || children.contains(path[0].as_str())).collect()
}

/// All files that can be reached from one, over one import or more.
fn reach<'a>(from: &str, edges: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = edges[from].iter().copied().collect();
    while let Some(path) = open.pop() {
        if found.insert(path) {
            open.extend(&edges[path]);
        }
    }
    found
}

#[test]
fn no_files_import_each_other() {
    let sources = super::sources();
    let graph = ImportGraph::new(sources.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let mut report = String::new();
    for circle in graph.circles() {
        report.push_str("an import circle; move what both sides need into a file of its own, or pass it as an argument:\n");
        for path in &circle {
            report.push_str(&format!("  src/{path} imports {}\n", graph.ties(path, &circle).join(", ")));
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

/// The check above can fail: a circle through `super`, one through an item of `mod.rs`, and neighbours that are none.
#[test]
fn a_circle_is_found_and_a_re_export_is_not_one() {
    let circles = |sources: &[(&str, &str)]| {
        let graph = ImportGraph::new(sources.iter().copied());
        graph.circles().into_iter().map(|circle| circle.join(" ")).collect::<Vec<_>>()
    };
    let siblings = [
        ("a/mod.rs", "mod x;\nmod y;\npub use x::X;"),
        ("a/x.rs", "use super::y::Y;\npub struct X(Y);"),
        ("a/y.rs", "pub fn y() -> crate::a::x::X {}"),
    ];
    assert_eq!(circles(&siblings), ["a/x.rs a/y.rs"]);
    let parent = [("a/mod.rs", "mod x;\nuse x::X;\npub struct A(X);"), ("a/x.rs", "use super::A;\npub struct X;")];
    assert_eq!(circles(&parent), ["a/mod.rs a/x.rs"]);
    let through_call = [("a/mod.rs", "mod x;\npub struct A;\nfn f() { x::g() }"), ("a/x.rs", "use crate::{a::A, b};")];
    assert_eq!(circles(&through_call), ["a/mod.rs a/x.rs"]);
    let re_export = [
        ("a/mod.rs", "mod x;\nmod y;\npub use {x::X, y::Y};"),
        ("a/x.rs", "use super::Y;\n// use super::Z;\npub struct X;"),
        ("a/y.rs", "pub struct Y;\n#[cfg(test)]\nmod tests {\n    use super::super::X;\n}"),
    ];
    assert_eq!(circles(&re_export), Vec::<String>::new());
}
