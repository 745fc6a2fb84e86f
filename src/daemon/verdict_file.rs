//! Opens the file of `--output`, and ends the partial line that a killed process may have left in it.

use crate::source::file::FileKey;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Verdicts are redacted, but they name services and hosts: the owner writes them, and log collectors of the group read them.
const MODE: u32 = 0o640;

/// How every verdict begins. Other text at the end of the file is not ours, and is never cut off.
const VERDICT_START: &[u8] = b"{\"v\":";

/// The longest partial verdict that is searched for, in bytes. Verdicts are far shorter.
const MAX_PARTIAL_BYTES: u64 = 16 * 1024 * 1024;

/// How many bytes are read at once while the last newline is searched.
const BLOCK_BYTES: u64 = 64 * 1024;

/// Opens the file for appending, at the start of a line.
///
/// # Errors
///
/// The file cannot be opened, or is a named pipe that no process reads.
pub(super) fn open(path: &Path) -> io::Result<File> {
    // Opening a named pipe would wait for its reader.
    let without_waiting = OFlags::NONBLOCK.bits().cast_signed();
    let opened = OpenOptions::new().create(true).append(true).mode(MODE).custom_flags(without_waiting).open(path);
    let mut file = opened.map_err(|error| explain(error, path))?;
    if file.metadata()?.is_file() {
        end_partial_line(&mut file, Some(path))?;
    } else {
        // Only opening must not wait. Writing waits for the reader, as for standard output.
        fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
    }
    Ok(file)
}

fn explain(error: io::Error, path: &Path) -> io::Error {
    let is_pipe = || fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo());
    if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) && is_pipe() {
        return io::Error::other("no process reads this named pipe; start its reader first");
    }
    error
}

/// Cuts off a partial verdict at the end of the file: its record is read again, because no checkpoint covers it. Any other
/// partial line is ended with a newline, so that the next verdict has its own line.
///
/// # Errors
///
/// The file cannot be read or written.
pub(super) fn end_partial_line(file: &mut File, path: Option<&Path>) -> io::Result<()> {
    let metadata = file.metadata()?;
    if let Some(path) = path.filter(|_| metadata.is_file()) {
        let readable = File::open(path)?;
        // After a rotation, another file has the path.
        if FileKey::of(&readable.metadata()?) == FileKey::of(&metadata) {
            let size = metadata.len();
            return match last_line_start(&readable, size)? {
                Some(start) if start == size => Ok(()),
                Some(start) if is_partial_verdict(&readable, start, size)? => file.set_len(start),
                _ => end_with_newline(file),
            };
        }
    }
    end_with_newline(file)
}

fn end_with_newline(file: &mut File) -> io::Result<()> {
    // On a full disk the next line is lost anyway.
    file.write_all(b"\n").or_else(|error| if error.kind() == io::ErrorKind::StorageFull { Ok(()) } else { Err(error) })
}

/// The offset after the last newline; 0 if the file has none. `None` if the last line is too long.
fn last_line_start(file: &File, size: u64) -> io::Result<Option<u64>> {
    let mut end = size;
    let mut block = Vec::new();
    while end > 0 && size - end < MAX_PARTIAL_BYTES {
        let start = end.saturating_sub(BLOCK_BYTES);
        block.resize(usize::try_from(end - start).unwrap_or_default(), 0);
        file.read_exact_at(&mut block, start)?;
        if let Some(newline) = memchr::memrchr(b'\n', &block) {
            return Ok(Some(start + newline as u64 + 1));
        }
        end = start;
    }
    Ok((end == 0).then_some(0))
}

/// Whether the bytes between `start` and `size` are how a verdict begins.
fn is_partial_verdict(file: &File, start: u64, size: u64) -> io::Result<bool> {
    let mut beginning = [0; VERDICT_START.len()];
    let len = usize::try_from(size - start).map_or(beginning.len(), |len| len.min(beginning.len()));
    file.read_exact_at(&mut beginning[..len], start)?;
    Ok(beginning[..len] == VERDICT_START[..len])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_a_partial_verdict_is_cut_off() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("verdicts");
        let long = format!("{{\"v\":1,\"message\":\"{}", "x".repeat(200_000));
        for (before, after) in [
            ("", ""),
            ("{\"v\":1}\n", "{\"v\":1}\n"),
            ("{\"v\":1}\n{\"v\":1,\"sour", "{\"v\":1}\n"),
            ("{\"v\":1}\n{", "{\"v\":1}\n"),
            ("{\"v\":1,\"sour", ""),
            (&format!("{{\"v\":1}}\n{long}"), "{\"v\":1}\n"),
            ("a note of a person", "a note of a person\n"),
            ("{\"v\":1}\n{\"other\":1}", "{\"v\":1}\n{\"other\":1}\n"),
        ] {
            fs::write(&path, before).expect("written");
            open(&path).expect("opened");
            assert_eq!(fs::read_to_string(&path).expect("read"), after, "{before:.60}");
        }
    }

    #[test]
    fn a_new_file_is_not_for_everybody_and_an_old_one_keeps_its_mode() {
        let dir = tempfile::tempdir().expect("a directory");
        let mode = |path: &Path| fs::metadata(path).expect("exists").permissions().mode() & 0o777;
        let new = dir.path().join("new");
        open(&new).expect("opened");
        assert_eq!(mode(&new) & !MODE, 0, "{:o}", mode(&new));
        let old = dir.path().join("old");
        fs::write(&old, "").expect("written");
        fs::set_permissions(&old, fs::Permissions::from_mode(0o604)).expect("changed");
        open(&old).expect("opened");
        assert_eq!(mode(&old), 0o604);
    }

    #[test]
    fn a_named_pipe_needs_a_reader_and_is_not_waited_for() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo is installed");
        assert!(made.success());
        let error = open(&path).expect_err("no reader").to_string();
        assert!(error.contains("no process reads this named pipe"), "{error}");
        // Linux opens a pipe for both directions without waiting.
        let reader = OpenOptions::new().read(true).write(true).open(&path).expect("opened");
        let pipe = open(&path).expect("opened");
        assert!(!fcntl_getfl(&pipe).expect("flags").contains(OFlags::NONBLOCK), "a write waits for the reader");
        drop(reader);
    }
}
