//! Loads the configuration: reads the file, checks it, applies the flags.

use super::defaults::DEFAULT_FILE;
use super::error::{ConfigError, sort_faults};
use super::file::File;
use super::flags::Flags;
use super::read::{Faults, Reader, Table};
use super::resolve::resolve;
use super::resolved::Config;
use std::path::{Path, PathBuf};
use std::{env, fs};

impl Config {
    /// Reads the file that the flags name, or the default one if it exists, and applies the flags. Changes nothing outside.
    ///
    /// # Errors
    ///
    /// With everything that is wrong.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        let state_directory = env::var_os("STATE_DIRECTORY").map(PathBuf::from);
        let (path, text) = match (&flags.config, Path::new(DEFAULT_FILE)) {
            (Some(path), _) => (Some(path.as_path()), read(path)?),
            (None, default) if default.exists() => (Some(default), read(default)?),
            (None, _) => (None, String::new()),
        };
        Self::from_text(path, &text, flags, state_directory)
    }

    /// Like [`Config::load`], from the text of a file. `state_directory` is systemd's `$STATE_DIRECTORY`.
    ///
    /// # Errors
    ///
    /// With everything that is wrong.
    pub fn from_text(
        path: Option<&Path>,
        text: &str,
        flags: &Flags,
        state_directory: Option<PathBuf>,
    ) -> Result<Self, ConfigError> {
        let name = path.map_or_else(|| DEFAULT_FILE.to_owned(), |path| path.display().to_string());
        let (typed, Faults { all: mut faults, faulty_tables }) = Reader::new(name, text).read(File::read);
        let typing_faults = faults.len();
        let mut config = resolve(typed, flags, state_directory, &mut faults);
        config.file = path.map(Path::to_owned);
        let mut further = faults.split_off(typing_faults);
        further.retain(|fault| {
            !faulty_tables.iter().any(|table| fault.strip_prefix(table).is_some_and(|rest| rest.starts_with(": ")))
        });
        faults.append(&mut further);
        sort_faults(&mut faults);
        if faults.is_empty() { Ok(config) } else { Err(ConfigError::Faults { faults, config: Box::new(config) }) }
    }

    /// Reads the same file again, with the same flags.
    ///
    /// # Errors
    /// With everything that is wrong now.
    pub fn reread(&self) -> Result<Self, ConfigError> {
        Self::load(&self.flags)
    }

    /// The directory of relative paths of secrets: systemd's `$CREDENTIALS_DIRECTORY`, else the directory of the file.
    #[must_use]
    pub fn secrets(&self) -> Option<PathBuf> {
        let credentials = env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        credentials.or_else(|| self.file.as_ref().and_then(|file| file.parent()).map(PathBuf::from))
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })
}
