//! The files of `patterns/`, compiled in. The build script `patterns/embed.rs` lists them.

include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

use super::{Catalog, CatalogError, Source};

impl Catalog {
    /// The shipped catalogue.
    ///
    /// # Errors
    /// If a shipped file is broken, which the tests exclude.
    pub fn shipped() -> Result<Self, Vec<CatalogError>> {
        Self::build(&Self::shipped_files(), &[])
    }

    /// The shipped files, to which a user's files can be added.
    #[must_use]
    pub fn shipped_files() -> Vec<Source<'static>> {
        SHIPPED.iter().map(|(name, text)| Source { name, text, own: false }).collect()
    }
}
