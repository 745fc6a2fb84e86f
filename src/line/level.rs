//! How severe the writer of a line thought it is, and the one table of words that loggers use for it.

/// How severe the writer of the line thought it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The line has no level, or one in unknown words.
    #[default]
    Unknown,
    /// Trace and debug.
    Debug,
    /// Info and notice.
    Info,
    /// Warning.
    Warn,
    /// Error.
    Error,
    /// Critical, fatal, panic.
    Fatal,
}

/// The spellings in which a level word marks the start of an entry. Other words occur at the start of ordinary text too.
#[derive(Clone, Copy, PartialEq)]
enum MarksEntry {
    Never,
    InCapitals,
    InCapitalsOrSmallLetters,
}

impl Level {
    /// The level that a word names, in any case. Syslog's digits count as words.
    pub(crate) fn from_word(word: &[u8]) -> Self {
        lookup(word).0
    }

    /// The level of a word that marks the start of an entry, such as `ERROR` or `info`. Stricter than [`Self::from_word`].
    pub(crate) fn from_entry_word(word: &[u8]) -> Option<Self> {
        // Nearly every word of a log is tested: length and first letter say of most that they mark no entry.
        let may_mark = (3..=8).contains(&word.len())
            && matches!(word[0].to_ascii_lowercase(), b't' | b'd' | b'i' | b'n' | b'w' | b'e' | b'f' | b'c');
        if !may_mark {
            return None;
        }
        let (level, marks) = lookup(word);
        let capitals = || word.iter().all(u8::is_ascii_uppercase);
        let marked = match marks {
            MarksEntry::Never => false,
            MarksEntry::InCapitals => capitals(),
            MarksEntry::InCapitalsOrSmallLetters => capitals() || word.iter().all(u8::is_ascii_lowercase),
        };
        marked.then_some(level)
    }

    /// The level of a severity number of OpenTelemetry: 1 to 24, four to a level.
    pub(crate) fn of_opentelemetry(number: i64) -> Self {
        match number {
            ..1 => Self::Unknown,
            1..=8 => Self::Debug,
            9..=12 => Self::Info,
            13..=16 => Self::Warn,
            17..=20 => Self::Error,
            21.. => Self::Fatal,
        }
    }
}

/// The table of level words.
fn lookup(word: &[u8]) -> (Level, MarksEntry) {
    use Level::{Debug, Error, Fatal, Info, Unknown, Warn};
    use MarksEntry::{InCapitals, InCapitalsOrSmallLetters, Never};
    let mut lower = [0u8; 12];
    let Some(lower) = lower.get_mut(..word.len()) else { return (Unknown, Never) };
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    match &*lower {
        b"trace" | b"dbg" => (Debug, InCapitals),
        b"debug" => (Debug, InCapitalsOrSmallLetters),
        // logrus cuts its levels to four letters.
        b"verbose" | b"silly" | b"7" | b"trac" | b"debu" => (Debug, Never),
        b"info" => (Info, InCapitalsOrSmallLetters),
        b"notice" | b"inf" => (Info, InCapitals),
        b"information" | b"success" | b"log" | b"6" | b"5" => (Info, Never),
        b"warn" => (Warn, InCapitalsOrSmallLetters),
        b"warning" | b"wrn" => (Warn, InCapitals),
        b"4" => (Warn, Never),
        b"error" => (Error, InCapitalsOrSmallLetters),
        b"err" => (Error, InCapitals),
        b"eror" | b"severe" | b"3" | b"erro" => (Error, Never),
        b"fatal" => (Fatal, InCapitalsOrSmallLetters),
        b"critical" | b"ftl" => (Fatal, InCapitals),
        b"crit" | b"panic" | b"alert" | b"emergency" | b"emerg" | b"dpanic" | b"2" | b"1" | b"0" | b"fata" | b"pani" => {
            (Fatal, Never)
        }
        _ => (Unknown, Never),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_names_a_level_in_any_case_but_marks_an_entry_in_few_spellings() {
        for (word, level, entry) in [
            ("ERROR", Level::Error, true),
            ("error", Level::Error, true),
            ("Error", Level::Error, false),
            ("WARNING", Level::Warn, true),
            ("warning", Level::Warn, false),
            ("severe", Level::Error, false),
            ("SEVERE", Level::Error, false),
            ("ERR", Level::Error, true),
            ("err", Level::Error, false),
            ("nothing", Level::Unknown, false),
            ("a word that is longer than every level", Level::Unknown, false),
        ] {
            assert_eq!(Level::from_word(word.as_bytes()), level, "{word}");
            assert_eq!(Level::from_entry_word(word.as_bytes()).is_some(), entry, "{word}");
        }
    }
}
