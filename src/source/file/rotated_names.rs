//! The names that rotations give to files. Looks only at names; one check asks whether a file exists.

use std::path::{Path, PathBuf};

/// Whether `other` is a name that a rotation gives to `path`, compressed or not.
pub(super) fn is_rotated_name(path: &Path, other: &Path) -> bool {
    let plain = is_gzip_name(other).then(|| other.with_extension(""));
    other != path && is_sibling(path, plain.as_deref().unwrap_or(other))
}

/// The name without the numbers and dates that a rotation adds: all rotated names of a file have it in common.
pub(super) fn family(path: &Path) -> PathBuf {
    let Some(name) = file_name(path) else { return path.to_owned() };
    if let Some((stem, extension)) = name.rsplit_once('.').filter(|(_, extension)| !is_stamp(&format!(".{extension}"))) {
        let base = without_stamp(stem);
        return path.with_file_name(format!("{base}.{extension}"));
    }
    path.with_file_name(without_stamp(name))
}

fn without_stamp(name: &str) -> &str {
    let mut separators = name.match_indices(['.', '-', '_']).map(|(at, _)| name.split_at(at));
    separators.find(|(base, suffix)| !base.is_empty() && is_stamp(suffix)).map_or(name, |(base, _)| base)
}

/// Whether `other` is an uncompressed name that a rotation gives to `path`: `app.log.1`, `app.log-20261120`,
/// `app-2026-11-20.log`.
pub(super) fn is_sibling(path: &Path, other: &Path) -> bool {
    let (Some(name), Some(other_name)) = (file_name(path), file_name(other)) else { return false };
    if path.parent() != other.parent() {
        return false;
    }
    if let Some(suffix) = other_name.strip_prefix(name) {
        return is_stamp(suffix);
    }
    let Some((stem, extension)) = name.rsplit_once('.') else { return false };
    let rest = other_name.strip_prefix(stem);
    let stamp = rest.and_then(|rest| rest.strip_suffix(extension)).and_then(|rest| rest.strip_suffix('.'));
    stamp.is_some_and(is_stamp)
}

/// The name before compression; `None` if the file is not compressed, or if the plain file still exists: then the
/// compressed one may be unfinished.
pub(super) fn uncompressed_name(path: &Path) -> Option<PathBuf> {
    Some(path.with_extension("")).filter(|plain| is_gzip_name(path) && !plain.exists())
}

fn is_gzip_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz")
}

fn file_name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

/// Whether `text` is a separator followed by a number, a date or a time. `.bak` and `.tmp` are not stamps.
fn is_stamp(text: &str) -> bool {
    text.starts_with(['.', '-', '_'])
        && text.contains(|char: char| char.is_ascii_digit())
        && text.chars().all(|char| char.is_ascii_digit() || matches!(char, '.' | '-' | '_' | ':' | 'T' | 'Z' | '+'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotations_append_numbers_and_dates() {
        let check = |path: &str, other: &str| is_sibling(Path::new(path), Path::new(other));
        for other in ["app.log.1", "app.log-20261120", "app.log.2026-11-20T09:16:51", "app-2026-11-20.log", "app.1.log"] {
            assert!(check("app.log", other), "{other}");
        }
        for other in ["app.log", "app.log.bak", "app.log.1.gz", "app2.log", "application.log", "x/app.log.1", "app.logger"] {
            assert!(!check("app.log", other), "{other}");
        }
        assert!(check("/pods/x/0.log", "/pods/x/0.log.20261120-091651"));
    }
}
