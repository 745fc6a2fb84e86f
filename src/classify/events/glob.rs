//! A literal message with gaps: `Task *[{id}] retry: `. `*` stands for any text, `{id}` for the id of a call.

use crate::line::find;

/// The longest gap, and the longest id, in bytes.
const GAP_BYTES: usize = 512;
const ID_BYTES: usize = 128;
/// The shortest literal of a message that may begin anywhere, in bytes.
const MIN_LITERAL: usize = 6;

/// A literal message, compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob {
    /// Whether the message begins with the first literal.
    anchored: bool,
    /// At least one; between two of them is a gap.
    literals: Vec<Box<[u8]>>,
    /// The gap that is the id of a call.
    id: Option<usize>,
}

impl Glob {
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let anchored = !text.starts_with('*');
        let marked = text.replace("{id}", "\u{1}");
        let id = marked.split('*').try_fold((0_usize, None), |(gaps, id), part| match (part.matches('\u{1}').count(), id) {
            (0, _) => Ok((gaps + 1, id)),
            (1, None) if !part.starts_with('\u{1}') && !part.ends_with('\u{1}') => Ok((gaps + 2, Some(gaps))),
            _ => Err(format!("`message` {text:?}: `{{id}}` may stand once, between two literals")),
        });
        let id = id?.1;
        let literals: Vec<Box<[u8]>> = marked
            .trim_start_matches('*')
            .trim_end_matches('*')
            .split(['*', '\u{1}'])
            .map(|literal| literal.as_bytes().into())
            .collect();
        let first = literals.first().map_or(0, |literal| literal.len());
        if first == 0 || !anchored && first < MIN_LITERAL || literals.iter().any(|literal| literal.is_empty()) {
            return Err(format!("`message` {text:?}: the first literal is too short; name more of the text"));
        }
        let id = id.map(|gap| if anchored { gap } else { gap.saturating_sub(1) });
        Ok(Self { anchored, literals, id })
    }

    pub(super) const fn has_id(&self) -> bool {
        self.id.is_some()
    }

    pub(super) fn first_byte(&self) -> Option<u8> {
        self.literals.first().filter(|_| self.anchored).and_then(|literal| literal.first().copied())
    }

    /// The text that a message must have first.
    pub(super) fn first_literal(&self) -> &[u8] {
        self.literals.first().map_or(&[], |literal| literal)
    }

    /// Whether a message matches, and the id in it.
    #[expect(clippy::option_option, reason = "no match, a match without an id, and a match with one")]
    pub(super) fn matches<'m>(&self, message: &'m [u8]) -> Option<Option<&'m [u8]>> {
        let (first, rest) = self.literals.split_first()?;
        let mut at = if self.anchored {
            if !message.starts_with(first) {
                return None;
            }
            first.len()
        } else {
            find(message, first)? + first.len()
        };
        let mut id = None;
        for (gap, literal) in rest.iter().enumerate() {
            let after = message.get(at..)?;
            let window = after.get(..after.len().min(GAP_BYTES + literal.len()))?;
            let length = find(window, literal)?;
            if self.id == Some(gap) {
                id = after.get(..length).filter(|id| !id.is_empty() && id.len() <= ID_BYTES);
            }
            at += length + literal.len();
        }
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_and_ids_are_found() {
        let id = |glob: &str, text: &str| {
            let found = Glob::new(glob).expect("a good glob");
            found.matches(text.as_bytes()).map(|id| id.map(|id| String::from_utf8_lossy(id).into_owned()))
        };
        assert_eq!(id("Task *[{id}] retry: ", "Task a.b[77-x] retry: Retry in 2s"), Some(Some("77-x".to_owned())));
        assert_eq!(id("Task *[{id}] retry: ", "Task a.b[77-x] received"), None);
        assert_eq!(id("* health check failed", "GET / health check failed: x"), Some(None));
        assert_eq!(id("call {id} ended", "call 5 ended"), Some(Some("5".to_owned())));
        assert_eq!(id("[chain/error] ", "x [chain/error] y"), None);
    }

    #[test]
    fn a_literal_must_say_something() {
        for bad in ["", "*", "*ab*", "a{id}", "{id}b", "a{id}b{id}c"] {
            assert!(Glob::new(bad).is_err(), "{bad}");
        }
    }
}
