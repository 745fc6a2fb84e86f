//! The shipped catalogue, from the tables that the build script `patterns/embed.rs` makes of `patterns/`.

use super::catalog::{Catalog, CatalogError, Parsed, Source};
use super::events::EventSpec;
use super::literals::Literals;
use super::pattern::{Lines, Origin, Packed, PatternSpec};
use super::tables::{FILES, LINES};
use crate::taxonomy::ProviderSpec;
use serde::Deserialize;

const PROVIDERS: &str = include_str!(concat!(env!("OUT_DIR"), "/providers.json"));
const EVENTS: &str = include_str!(concat!(env!("OUT_DIR"), "/events.json"));
const SIGNALS: &str = include_str!(concat!(env!("OUT_DIR"), "/signals.json"));

impl Catalog {
    /// The shipped catalogue.
    ///
    /// # Errors
    /// If a shipped file is broken, which the tests exclude.
    pub fn shipped() -> Result<Self, Vec<CatalogError>> {
        Self::with_own(&[], &[])
    }

    /// The shipped catalogue with the files of a user, and with providers of the configuration.
    ///
    /// # Errors
    /// With every mistake in all files.
    pub fn with_own(own: &[Source<'_>], extra: &[ProviderSpec]) -> Result<Self, Vec<CatalogError>> {
        let mut errors = Vec::new();
        let mut all = Parsed::default();
        if let Err(error) = add_shipped(&mut all) {
            errors.push(CatalogError { file: "patterns".to_owned(), line: 1, what: error.to_string() });
        }
        all.read(own, &mut errors);
        Self::compile(all, extra, errors)
    }
}

fn add_shipped(all: &mut Parsed<'_>) -> serde_json::Result<()> {
    #[derive(Deserialize)]
    struct Providers {
        provider: Vec<ProviderSpec>,
    }
    all.specs = serde_json::from_str::<Providers>(PROVIDERS)?.provider;
    all.lists.extend(serde_json::from_str(SIGNALS)?);
    for (file, line, spec) in serde_json::from_str::<Vec<(&str, usize, EventSpec)>>(EVENTS)? {
        all.events.push((spec, Origin { file, line, own: false }));
    }
    let mut lines = LINES.iter();
    for (file, text) in FILES {
        for (line, literals, mut spec) in serde_json::from_str::<Vec<(usize, Vec<Literals>, PatternSpec)>>(text)? {
            let (examples, near) = lines.next().copied().unwrap_or(("[]", "[]"));
            spec.packed = Some(Packed { literals, examples: Lines::Packed(examples), near: Lines::Packed(near) });
            all.patterns.push((spec, Origin { file, line, own: false }));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// The catalogue as it is built from a working copy of `patterns/`.
    fn from_files() -> Catalog {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("patterns");
        let list = |folder: &Path| std::fs::read_dir(folder).expect("patterns/").map(|entry| entry.expect("an entry").path());
        let mut paths: Vec<_> = list(&folder).chain(list(&folder.join("events"))).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
        paths.sort();
        let read = |path: &std::path::PathBuf| {
            let name = path.strip_prefix(&folder).expect("inside").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).expect("a file"))
        };
        let files: Vec<_> = paths.iter().map(read).collect();
        let sources: Vec<_> = files.iter().map(|(name, text)| Source { name, text, own: false }).collect();
        Catalog::build(&sources, &[]).expect("the files are good")
    }

    #[test]
    fn the_tables_of_the_build_script_are_what_the_files_say() {
        let (shipped, read) = (Catalog::shipped().expect("the tables are good"), from_files());
        assert_eq!(shipped.patterns(), read.patterns());
        assert!(shipped.patterns().iter().all(|pattern| !pattern.examples.to_vec().is_empty()));
        assert_eq!(shipped.events(), read.events());
        assert_eq!(format!("{:?}", shipped.lists), format!("{:?}", read.lists));
        assert_eq!(format!("{:?}", shipped.engine), format!("{:?}", read.engine));
        assert_eq!(format!("{:?}", shipped.providers()), format!("{:?}", read.providers()));
    }
}
