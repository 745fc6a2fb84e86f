//! The reader of entries.

use super::address;
use super::field::{Field, FieldMap};
use super::format::{self, Entry};
use super::forms::{Forms, Known, Walk};
use super::record::Record;
use crate::line::Level;
use crate::time::Stamp;

/// Reads entries. Built once; reading is `&self`.
#[derive(Debug)]
pub struct Reader {
    map: FieldMap,
}

/// A field name in the configuration that does not exist, or that cannot have paths of its own.
#[derive(Debug, thiserror::Error)]
#[error("[record.fields] does not know {0:?}; it knows {known}", known = Field::configurable_names().join(", "))]
pub struct UnknownField(String);

/// The host, and the port if there is one, of an address.
#[must_use]
pub fn host_of(url: &str) -> Option<&str> {
    address::host_of(url.as_bytes())
}

impl Default for Reader {
    fn default() -> Self {
        Self { map: FieldMap::new(&[]) }
    }
}

impl Reader {
    /// A reader with a user's own paths in front of the shipped ones. `own`: field name and paths.
    ///
    /// # Errors
    /// When a field name is not one of those that can have paths of their own.
    pub fn new<'a>(own: impl IntoIterator<Item = (&'a str, Vec<String>)>) -> Result<Self, UnknownField> {
        let mut fields = Vec::new();
        for (name, paths) in own {
            let field = Field::configurable(name).ok_or_else(|| UnknownField(name.to_owned()))?;
            fields.push((field, paths));
        }
        Ok(Self { map: FieldMap::new(&fields) })
    }

    /// Reads one entry: `bytes` without its prefix, the `tail` of a line that was too long to keep whole, and the time in
    /// the prefix (`stamped`). Passes each record in it to `out`: nearly always one, none for an empty batch.
    pub fn read(&self, bytes: &[u8], tail: &[u8], stamped: Option<Stamp>, mut out: impl FnMut(&Record<'_>)) {
        format::read(&self.map, Entry { bytes, tail, stamped, level: Level::Unknown }, None, &mut out);
    }

    /// Like [`Self::read`], for an entry of which the prefix gives the level too. Its form is learned, so that later entries are read faster.
    /// `forms` were learned by this reader.
    pub fn read_again(
        &self,
        bytes: &[u8],
        tail: &[u8],
        (stamped, level): (Option<Stamp>, Level),
        forms: &mut Forms,
        mut out: impl FnMut(&Record<'_>),
    ) {
        format::read(&self.map, Entry { bytes, tail, stamped, level }, Some(Known::Nothing(forms)), &mut out);
    }

    /// The same for an entry of which the form is known and the values were found.
    pub fn read_known(
        &self,
        walk: &Walk<'_, '_>,
        tail: &[u8],
        (stamped, level): (Option<Stamp>, Level),
        mut out: impl FnMut(&Record<'_>),
    ) {
        format::read(&self.map, Entry { bytes: walk.object, tail, stamped, level }, Some(Known::Form(*walk)), &mut out);
    }
}
