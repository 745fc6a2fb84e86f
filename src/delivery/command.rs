//! A command of one's own: the message on its standard input, its exit code the answer.

use super::post::{Failure, LONGEST_ANSWER, SendError, shown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::timeout;

/// A program with its arguments.
#[derive(Clone, Debug)]
pub(super) struct Program {
    path: PathBuf,
    arguments: Vec<String>,
    timeout: Duration,
}

impl Program {
    /// Looks a program up: a whole path, or a name on the `PATH`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn new(command: &[String], timeout: Duration) -> Result<Self, &'static str> {
        let (name, arguments) = command.split_first().ok_or("it names no program")?;
        let path = if name.contains('/') {
            PathBuf::from(name)
        } else {
            let folders = std::env::var_os("PATH").unwrap_or_default();
            let found = std::env::split_paths(&folders).map(|it| it.join(name)).find(|it| is_program(it));
            found.ok_or("no such program is on the PATH; write its whole path")?
        };
        if !path.is_absolute() {
            return Err("a relative path depends on where we are started; write the whole path");
        }
        if !is_program(&path) {
            return Err("there is no such file, or it must not be run (chmod +x)");
        }
        Ok(Self { path, arguments: arguments.to_vec(), timeout })
    }

    /// Runs it once.
    ///
    /// # Errors
    /// When it cannot be run, does not end well, or not in time; it is then run again later.
    pub(super) async fn run(&self, body: Vec<u8>) -> Result<(), Failure> {
        let outcome = match timeout(self.timeout, self.exchange(body)).await {
            Ok(outcome) => outcome,
            // Dropped here, and killed with that.
            Err(_) => Err(SendError::Timeout { authority: self.name(), limit: self.timeout }),
        };
        outcome.map_err(|error| Failure::Retry { error, after: None })
    }

    async fn exchange(&self, body: Vec<u8>) -> Result<(), SendError> {
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let spawn = |source| SendError::Spawn { program: self.name(), source };
        let mut child = command.spawn().map_err(spawn)?;
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        let write = async {
            if let Some(mut stdin) = stdin {
                // A program that does not read to the end is judged by how it ends.
                let _unread = stdin.write_all(&body).await;
            }
        };
        let read = async {
            let mut said = Vec::new();
            if let Some(mut stderr) = stderr {
                let mut piece = [0; 1024];
                // Read to its end, so that the program is not held up; kept up to a limit.
                while let Ok(count @ 1..) = stderr.read(&mut piece).await {
                    let room = LONGEST_ANSWER.saturating_sub(said.len());
                    said.extend_from_slice(piece.get(..count.min(room)).unwrap_or_default());
                }
            }
            said
        };
        let ((), said, status) = tokio::join!(write, read, child.wait());
        let status = status.map_err(spawn)?;
        if status.success() {
            return Ok(());
        }
        Err(SendError::Exit { program: self.name(), status: status.to_string(), said: shown(&said) })
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}
