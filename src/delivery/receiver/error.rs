//! Errors in the tables `[[receiver.…]]`, with what to write instead.

use crate::taxonomy::Severity;
use std::path::PathBuf;

/// An error in the table of a receiver.
#[derive(Debug, thiserror::Error)]
pub enum ReceiverError {
    /// A required key is missing.
    #[error("receiver {receiver}: {key} is missing; {hint}")]
    Missing {
        /// The receiver's name.
        receiver: String,
        /// The key.
        key: &'static str,
        /// What to write.
        hint: &'static str,
    },
    /// Two keys that exclude each other.
    #[error("receiver {receiver}: both {first} and {second} are set; remove one of them")]
    Both {
        /// The receiver's name.
        receiver: String,
        /// A key.
        first: &'static str,
        /// The other key.
        second: &'static str,
    },
    /// An invalid address. It is not shown: it may be a secret.
    #[error("receiver {receiver}: cannot use the address in {key}: {why}")]
    Address {
        /// The receiver's name.
        receiver: String,
        /// The key that contains it.
        key: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A user name that a header cannot carry.
    #[error("receiver {receiver}: username must not be empty, and must not contain a colon or a control character")]
    Username {
        /// The receiver's name.
        receiver: String,
    },
    /// A program that cannot be run.
    #[error("receiver {receiver}: cannot run the command: {why}")]
    Command {
        /// The receiver's name.
        receiver: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A filter that no alert passes.
    #[error("receiver {receiver}: none of its rows reaches min_severity = \"{least}\"; lower min_severity or remove it")]
    Mute {
        /// The receiver's name.
        receiver: String,
        /// The lowest severity that it accepts.
        least: Severity,
    },
    /// A row that is not in the escalation table.
    #[error("receiver {receiver}: there is no row {row:?} in the escalation table; `llm-triage check` lists them")]
    Row {
        /// The receiver's name.
        receiver: String,
        /// The row as it was written.
        row: String,
    },
    /// Two receivers have the same name.
    #[error("receiver {receiver}: two receivers have this name; give one of them another `name`")]
    Twice {
        /// The name.
        receiver: String,
    },
    /// A file that cannot be read.
    #[error("receiver {receiver}: cannot read {key} {}", path.display())]
    File {
        /// The receiver's name.
        receiver: String,
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A relative path, and no directory that it could be relative to.
    #[error(
        "receiver {receiver}: {key} {} is relative to the credentials directory of the service, and there is none \
         ($CREDENTIALS_DIRECTORY is not set); write an absolute path", path.display()
    )]
    Relative {
        /// The receiver's name.
        receiver: String,
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A file that does not contain exactly one secret.
    #[error("receiver {receiver}: {key} {} must contain one line of plain text", path.display())]
    Content {
        /// The receiver's name.
        receiver: String,
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A file without a certificate.
    #[error("receiver {receiver}: ca_file {} contains no certificate in PEM format", path.display())]
    Certificates {
        /// The receiver's name.
        receiver: String,
        /// The file.
        path: PathBuf,
    },
}

impl ReceiverError {
    /// The name of the receiver with the error.
    #[must_use]
    pub fn receiver(&self) -> &str {
        match self {
            Self::Missing { receiver, .. }
            | Self::Both { receiver, .. }
            | Self::Username { receiver }
            | Self::Address { receiver, .. }
            | Self::Command { receiver, .. }
            | Self::Mute { receiver, .. }
            | Self::Row { receiver, .. }
            | Self::Twice { receiver }
            | Self::File { receiver, .. }
            | Self::Relative { receiver, .. }
            | Self::Content { receiver, .. }
            | Self::Certificates { receiver, .. } => receiver,
        }
    }
}
