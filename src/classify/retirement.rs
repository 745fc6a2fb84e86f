//! Announcements that a model ends, as SDKs and providers write them: `The model 'claude-x' is deprecated and will reach
//! end-of-life on July 21st, 2025.`
//!
//! The words that say it must follow the name of the model: a parameter or a way of use that is deprecated is no end of a model.

use crate::line::find;
use crate::taxonomy::Provider;
use crate::time::Timestamp;

/// A model that ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retirement {
    /// Its vendor.
    pub provider: Provider,
    /// Its name.
    pub model: String,
    /// The day on which it ends, where the text names it.
    pub day: Option<Timestamp>,
}

/// A longer text is not searched, in bytes.
const TEXT_BYTES: usize = 4_096;
/// Words between the name of the model and the word that says that it ends.
const LINKING_WORDS: usize = 8;
/// Words in which a date stands.
const DATE_WORDS: usize = 24;

impl Retirement {
    /// Reads an announcement. `vendor_of` knows the names of models.
    pub(super) fn read(text: &[u8], vendor_of: impl Fn(&str) -> Option<Provider>) -> Option<Self> {
        const SIGNS: [&[u8]; 5] = [b"eprecated", b"end-of-life", b"retire", b"decommissioned", b"discontinued"];
        let text = text.get(..TEXT_BYTES).unwrap_or(text);
        if !SIGNS.iter().any(|sign| find(text, sign).is_some()) {
            return None;
        }
        let text = std::str::from_utf8(text).ok()?;
        let mut words = text.split(SEPARATORS).filter(|word| !word.is_empty());
        while let Some(word) = words.next() {
            let name = word.trim_end_matches(['.', ':']);
            let name = name.strip_prefix("models/").unwrap_or(name);
            if is_name(name)
                && let Some(provider) = vendor_of(name)
                && ends(words.clone())
            {
                return Some(Self { provider, model: name.to_owned(), day: date(words) });
            }
        }
        None
    }
}

const SEPARATORS: [char; 15] = [' ', '\n', '\t', '\\', '\'', '"', '`', ',', ';', '(', ')', '[', ']', '{', '}'];

fn is_name(word: &str) -> bool {
    word.len() >= 4 && word.contains('-') && word.bytes().any(|b| b.is_ascii_digit()) && !word.contains("//")
}

/// Whether the words after a name say that what it names ends.
fn ends<'a>(words: impl Iterator<Item = &'a str>) -> bool {
    const LINKS: [&str; 22] = [
        "is",
        "are",
        "was",
        "has",
        "have",
        "been",
        "will",
        "be",
        "being",
        "model",
        "version",
        "now",
        "soon",
        "officially",
        "to",
        "scheduled",
        "for",
        "reach",
        "reaches",
        "reached",
        "its",
        "currently",
    ];
    const ENDS: [&str; 12] = [
        "deprecated",
        "retired",
        "retire",
        "retires",
        "retirement",
        "end-of-life",
        "sunset",
        "sunsetted",
        "discontinued",
        "decommissioned",
        "shutdown",
        "shut",
    ];
    for word in words.take(LINKING_WORDS) {
        let word = word.trim_end_matches(['.', ':']);
        if ENDS.iter().any(|end| end.eq_ignore_ascii_case(word)) {
            return true;
        }
        let is_version = word.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.'));
        if !is_version && !LINKS.iter().any(|link| link.eq_ignore_ascii_case(word)) {
            return false;
        }
    }
    false
}

/// The first date in the words: `2026-01-05`, `January 5th, 2026`, `5 January 2026`.
fn date<'a>(words: impl Iterator<Item = &'a str>) -> Option<Timestamp> {
    let (mut day, mut month) = (None, None);
    for word in words.take(DATE_WORDS) {
        let word = word.trim_end_matches('.');
        if let Some(date) = iso_date(word) {
            return Some(date);
        }
        if let Some(found) = month_of(word) {
            month = Some(found);
            continue;
        }
        let digits = word.trim_end_matches(|c: char| c.is_ascii_lowercase());
        match digits.parse::<i64>() {
            Ok(number @ 1..=31) => day = Some(number),
            Ok(year @ 2_020..=2_099) if month.is_some() => {
                return Some(Timestamp::from_date(year, month.unwrap_or(1), day.unwrap_or(1)));
            }
            _ => (day, month) = (None, None),
        }
    }
    None
}

fn iso_date(word: &str) -> Option<Timestamp> {
    let word = word.get(..10)?;
    let mut parts = word.split('-');
    let (year, month, day) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let is_date = (2_020..2_100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    (is_date && parts.next().is_none()).then(|| Timestamp::from_date(year, month, day))
}

fn month_of(word: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let word = word.to_ascii_lowercase();
    let is_name = |month: &str| month == word || word.len() == 3 && month.starts_with(&word);
    let at = MONTHS.iter().position(|month| is_name(month))?;
    i64::try_from(at + 1).ok()
}
