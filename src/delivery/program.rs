//! Runs a user's program for each message: the message on its standard input, its exit status as the answer.

use super::error::{Failure, SendError};
use super::http::{MAX_EXPLANATION_BYTES, excerpt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStderr, Command};
use tokio::time::timeout;

/// A program with its arguments.
#[derive(Clone, Debug)]
pub(super) struct Program {
    path: PathBuf,
    arguments: Vec<String>,
    timeout: Duration,
}

impl Program {
    /// Finds the program: an absolute path, or a name on the `PATH`.
    ///
    /// # Errors
    /// Why the program cannot be run.
    pub(super) fn new(command: &[String], timeout: Duration) -> Result<Self, &'static str> {
        let (name, arguments) = command.split_first().ok_or("it names no program")?;
        let path = if name.contains('/') {
            PathBuf::from(name)
        } else {
            let folders = std::env::var_os("PATH").unwrap_or_default();
            let found = std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| is_executable(path));
            found.ok_or("there is no such program on the PATH; write its absolute path")?
        };
        if !path.is_absolute() {
            return Err("a relative path depends on the working directory; write the absolute path");
        }
        if !is_executable(&path) {
            return Err("there is no such file, or it is not executable (chmod +x)");
        }
        Ok(Self { path, arguments: arguments.to_vec(), timeout })
    }

    /// Runs the program once.
    ///
    /// # Errors
    /// When the program cannot be started, fails, or exceeds the time limit. All three are retried later.
    pub(super) async fn run(&self, body: Vec<u8>) -> Result<(), Failure> {
        let outcome = match timeout(self.timeout, self.exchange(body)).await {
            Ok(outcome) => outcome,
            // The timeout drops the child, and `kill_on_drop` kills it.
            Err(_) => Err(SendError::Timeout { authority: self.name(), limit: self.timeout }),
        };
        outcome.map_err(Failure::retry)
    }

    async fn exchange(&self, body: Vec<u8>) -> Result<(), SendError> {
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let failed = |source| SendError::Spawn { program: self.name(), source };
        let mut child = command.spawn().map_err(failed)?;
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        let write = async {
            if let Some(mut stdin) = stdin {
                // A program may stop reading early; only its exit status counts.
                let _unread = stdin.write_all(&body).await;
            }
        };
        let ((), stderr, status) = tokio::join!(write, read_stderr(stderr), child.wait());
        let status = status.map_err(failed)?;
        if status.success() {
            return Ok(());
        }
        Err(SendError::Exit { program: self.name(), status: status.to_string(), stderr: excerpt(&stderr) })
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// Reads standard error to the end, so that the program does not block on it, and keeps the beginning.
async fn read_stderr(stderr: Option<ChildStderr>) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut stderr) = stderr else { return kept };
    let mut piece = [0; 1024];
    while let Ok(count @ 1..) = stderr.read(&mut piece).await {
        let room = MAX_EXPLANATION_BYTES.saturating_sub(kept.len());
        kept.extend_from_slice(piece.get(..count.min(room)).unwrap_or_default());
    }
    kept
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
