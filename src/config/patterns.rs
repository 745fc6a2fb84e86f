//! A user's own patterns, read from their files and put over the shipped ones.

use crate::classify::{Catalog, Classifier, Source};
use crate::record::Reader;
use crate::taxonomy::ProviderSpec;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Builds the catalogue: shipped files first, then the `.toml` files of each directory (or single files) in order of name,
/// then proves the user's own patterns by their examples.
///
/// # Errors
/// With everything that is wrong: file, line, what.
pub fn load_patterns(own: &[PathBuf], providers: &[ProviderSpec]) -> Result<Classifier, Vec<String>> {
    let classifier = build_patterns(own, providers)?;
    if own.is_empty() {
        return Ok(classifier);
    }
    let faults: Vec<String> = classifier.check_examples(&Reader::default(), true).iter().map(ToString::to_string).collect();
    if faults.is_empty() { Ok(classifier) } else { Err(faults) }
}

/// [`load_patterns`] without running the examples.
///
/// # Errors
/// With everything that is wrong: file, line, what.
pub fn build_patterns(own: &[PathBuf], providers: &[ProviderSpec]) -> Result<Classifier, Vec<String>> {
    let mut files = Vec::new();
    for path in own {
        files.extend(read_patterns(path)?);
    }
    let shipped = Catalog::shipped_files().into_iter();
    let sources: Vec<Source<'_>> = shipped.chain(files.iter().map(|(name, text)| Source { name, text, own: true })).collect();
    let catalog =
        Catalog::build(&sources, providers).map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    Ok(Classifier::new(Arc::new(catalog)))
}

/// The pattern files under a path, by name, with their texts.
///
/// # Errors
/// When something cannot be read.
pub fn read_patterns(path: &Path) -> Result<Vec<(String, String)>, Vec<String>> {
    let fail = |path: &Path, error: io::Error| vec![format!("{}: cannot read patterns: {error}", path.display())];
    let mut paths = vec![path.to_owned()];
    if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(|error| fail(path, error))?;
        paths = entries
            .filter_map(Result::ok)
            .map(|it| it.path())
            .filter(|it| it.extension().is_some_and(|it| it == "toml"))
            .collect();
        paths.sort();
    }
    let read = |it: PathBuf| match std::fs::read_to_string(&it) {
        Ok(text) => Ok((it.display().to_string(), text)),
        Err(error) => Err(fail(&it, error)),
    };
    paths.into_iter().map(read).collect()
}
