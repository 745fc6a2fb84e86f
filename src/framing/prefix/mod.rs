//! What container runtimes put around each line. One file per prefix; adding one is a file and a line in [`PREFIXES`].

mod content;
mod cri;
mod docker;

pub(super) use content::Content;

/// One prefix: a cheap test of the first bytes, and the reading itself.
struct Prefix {
    may_begin: fn(&[u8]) -> bool,
    strip: for<'a> fn(&'a [u8]) -> Option<Content<'a>>,
}

const PREFIXES: [Prefix; 2] =
    [Prefix { may_begin: cri::may_begin, strip: cri::strip }, Prefix { may_begin: docker::may_begin, strip: docker::strip }];

/// Whether the first bytes of a line are those of a prefix.
#[inline]
pub(super) fn may_begin(line: &[u8]) -> bool {
    PREFIXES.iter().any(|prefix| (prefix.may_begin)(line))
}

/// Takes the prefix off a line. `None` if the line has none.
#[inline]
pub(super) fn strip(line: &[u8]) -> Option<Content<'_>> {
    PREFIXES.iter().find_map(|prefix| if (prefix.may_begin)(line) { (prefix.strip)(line) } else { None })
}
