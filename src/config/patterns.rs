//! Reads a user's own patterns from their files and adds them to the shipped ones.

use super::read::plain;
use crate::classify::{Catalog, CatalogError, Classifier, Source};
use crate::record::Reader;
use crate::taxonomy::ProviderSpec;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Builds the catalogue from the shipped patterns and from those under the paths `own`: files, or directories with `.toml`
/// files, which are read in the order of their names. Then checks the user's patterns by their examples.
///
/// # Errors
/// With everything that is wrong: the file, the line, the problem.
pub fn load_patterns(own: &[PathBuf], providers: &[ProviderSpec]) -> Result<Classifier, Vec<String>> {
    let classifier = build_patterns(own, providers)?;
    if own.is_empty() {
        return Ok(classifier);
    }
    let reader = Reader::default();
    let errors = classifier.check_examples(&reader, true).into_iter().chain(classifier.check_events(&reader, true));
    let errors: Vec<String> = errors.map(|error| error.to_string()).collect();
    if errors.is_empty() { Ok(classifier) } else { Err(errors) }
}

/// Like [`load_patterns`], without checking the examples.
///
/// # Errors
/// With everything that is wrong: the file, the line, the problem.
pub fn build_patterns(own: &[PathBuf], providers: &[ProviderSpec]) -> Result<Classifier, Vec<String>> {
    let mut files = Vec::new();
    for path in own {
        files.extend(read_patterns(path)?);
    }
    let own: Vec<Source<'_>> = files.iter().map(|(name, text)| Source { name, text, own: true }).collect();
    let catalog =
        Catalog::with_own(&own, providers).map_err(|errors| errors.into_iter().map(message_of).collect::<Vec<_>>())?;
    Ok(Classifier::new(Arc::new(catalog)))
}

/// The error with its place, in our words for an unknown key.
fn message_of(error: CatalogError) -> String {
    CatalogError { what: plain(&error.what), ..error }.to_string()
}

/// The pattern files under a path: their names and their texts.
///
/// # Errors
/// If a file or directory cannot be read.
pub fn read_patterns(path: &Path) -> Result<Vec<(String, String)>, Vec<String>> {
    let fail = |path: &Path, error: io::Error| vec![format!("{}: cannot read patterns: {error}", path.display())];
    let read = |path: PathBuf| match std::fs::read_to_string(&path) {
        Ok(text) => Ok((path.display().to_string(), text)),
        Err(error) => Err(fail(&path, error)),
    };
    let mut paths = vec![path.to_owned()];
    if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(|error| fail(path, error))?;
        paths = entries
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
            .collect();
        paths.sort();
        let events = path.join("events");
        if events.is_dir() {
            return paths.into_iter().map(read).chain(read_patterns(&events)?.into_iter().map(Ok)).collect();
        }
    }
    paths.into_iter().map(read).collect()
}
