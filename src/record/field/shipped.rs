//! `patterns/fields.toml`, read strictly: an unknown or missing field, a path twice, or an empty part of a path is an error.

use super::name::Field;
use serde::Deserialize;
use std::collections::BTreeMap;
#[cfg(test)]
use std::collections::BTreeSet;

/// As the build script writes it.
const SHIPPED: &str = include_str!(concat!(env!("OUT_DIR"), "/fields.json"));

/// The content of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FieldPaths {
    /// The paths of each field; the earlier path wins.
    pub(super) fields: BTreeMap<Field, Vec<String>>,
    pub(super) containers: Containers,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Containers {
    /// Nothing in these is read.
    pub(super) denied: Vec<String>,
    /// The members of these mean the same as at the top level.
    pub(super) transparent: Vec<String>,
}

/// The paths that are shipped.
pub(super) fn shipped() -> FieldPaths {
    serde_json::from_str(SHIPPED).expect("a test reads the shipped file")
}

/// Reads the file itself. Errors name file and line.
#[cfg(test)]
fn parse(text: &str) -> Result<FieldPaths, String> {
    let fail = |at: usize, what: &str| {
        let line = text.bytes().take(at).filter(|b| *b == b'\n').count() + 1;
        format!("patterns/fields.toml:{line}: {what}")
    };
    let file: FieldPaths =
        toml::from_str(text).map_err(|error| fail(error.span().map_or(0, |span| span.start), error.message()))?;
    if let Some(missing) = Field::ALL.iter().find(|field| !file.fields.contains_key(field)) {
        return Err(fail(0, &format!("the field `{missing}` is missing")));
    }
    let Containers { denied, transparent } = &file.containers;
    for list in file.fields.values().chain([denied, transparent]) {
        let mut seen = BTreeSet::new();
        for path in list {
            let at = text.find(&format!("\"{path}\"")).unwrap_or(0);
            if path.split('.').any(str::is_empty) {
                return Err(fail(at, &format!("`{path}` has an empty part")));
            }
            if !seen.insert(path) {
                return Err(fail(at, &format!("`{path}` is twice in one list")));
            }
        }
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = include_str!("../../../patterns/fields.toml");

    #[test]
    fn the_shipped_file_is_valid() {
        assert_eq!(parse(TEXT).map(|file| file.fields.len()), Ok(Field::COUNT));
    }

    #[test]
    fn errors_name_the_file_and_the_line() {
        let check = |from: &str, to: &str, expected: &str| {
            let text = TEXT.replacen(from, to, 1);
            let number = |part: &str| text.lines().position(|line| line.contains(part.trim())).map_or(0, |line| line + 1);
            let error = parse(&text).expect_err(to);
            let place = format!("patterns/fields.toml:{}: ", if to.is_empty() { 1 } else { number(to) });
            assert!(error.starts_with(&place) && error.contains(expected), "{place}… {expected}: {error}");
        };
        check("\nlevel = ", "\nlevels = ", "unknown variant `levels`");
        check(
            "choices = [\"choices\", \"candidates\", \"*.choices\", \"*.candidates\"]\n",
            "",
            "the field `choices` is missing",
        );
        check("denied = ", "refused = ", "unknown field `refused`");
        check("\"candidates\"", "\"a..b\"", "empty part");
        check("\"choices\", \"candidates\"", "\"choices\", \"choices\"", "twice");
    }
}
