//! The shipped catalogue, with a user's own patterns.

use super::Trouble;
use crate::classify::{Catalog, Classifier, Source};
use crate::record::Reader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Builds the catalogue: shipped files first, then the `.toml` files of each directory (or single files) in order of name.
///
/// # Errors
/// With everything that is wrong, file and line in front.
pub(super) fn load(own: &[PathBuf]) -> Result<Classifier, Trouble> {
    let classifier = build(own)?;
    if !own.is_empty() {
        let faults: Vec<String> = classifier.check_examples(&Reader::default(), true).iter().map(ToString::to_string).collect();
        if !faults.is_empty() {
            return Err(Trouble::Config(faults));
        }
    }
    Ok(classifier)
}

/// [`load`] without running the examples of the user's own patterns.
///
/// # Errors
/// With everything that is wrong, file and line in front.
pub(super) fn build(own: &[PathBuf]) -> Result<Classifier, Trouble> {
    let mut files = Vec::new();
    for path in own {
        files.extend(read(path)?);
    }
    let shipped = Catalog::shipped_files().into_iter();
    let sources: Vec<Source<'_>> = shipped.chain(files.iter().map(|(name, text)| Source { name, text, own: true })).collect();
    let catalog =
        Catalog::build(&sources, &[]).map_err(|errors| Trouble::Config(errors.iter().map(ToString::to_string).collect()))?;
    Ok(Classifier::new(Arc::new(catalog)))
}

/// The pattern files under a path, with their texts.
///
/// # Errors
/// When something cannot be read.
pub(super) fn read(path: &Path) -> Result<Vec<(String, String)>, Trouble> {
    let fail = |path: &Path, error: std::io::Error| {
        Trouble::Config(vec![format!("{}: cannot read patterns: {error}", path.display())])
    };
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
    paths
        .into_iter()
        .map(|it| std::fs::read_to_string(&it).map(|text| (it.display().to_string(), text)).map_err(|error| fail(&it, error)))
        .collect()
}
