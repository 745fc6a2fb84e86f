//! The files of `patterns/`, compiled in.

include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

use super::{Catalog, CatalogError, Source};

impl Catalog {
    /// The catalogue as it is shipped.
    ///
    /// # Errors
    /// When a shipped file is broken, which the tests rule out.
    pub fn shipped() -> Result<Self, Vec<CatalogError>> {
        Self::build(&Self::shipped_files(), &[])
    }

    /// The shipped files, to which a user's own can be added.
    #[must_use]
    pub fn shipped_files() -> Vec<Source<'static>> {
        SHIPPED.iter().map(|(name, text)| Source { name, text, own: false }).collect()
    }
}
