//! A terminal with the program in it, as a person has it: `setsid` gives the program a pseudo-terminal of its own.

use crate::running::{self, until};
use crate::tool;
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};

/// The program, its terminal, and all that it wrote so far. Killed on drop.
pub(crate) struct Terminal {
    child: Child,
    /// Our side of the terminal: what a terminal window reads and writes.
    window: File,
    /// The program's side. It stays open here, so that its modes can be read after the end of the program.
    _line: OwnedFd,
    written: Vec<u8>,
}

impl Terminal {
    /// Starts the program on a terminal of 80 columns and 24 rows. `None` without `setsid` (util-linux).
    pub(crate) fn start<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Option<Self> {
        Self::start_at(80, arguments)
    }

    /// Like [`Self::start`], with a terminal of another width.
    pub(crate) fn start_at<A: AsRef<OsStr>>(columns: u16, arguments: impl IntoIterator<Item = A>) -> Option<Self> {
        let setsid = tool::find("setsid")?;
        let window = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&window).and_then(|()| unlockpt(&window)).expect("a terminal");
        let line = ioctl_tiocgptpeer(&window, OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("its other side");
        tcsetwinsize(&window, Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).expect("a size");
        fcntl_setfl(&window, OFlags::NONBLOCK | OFlags::RDWR).expect("a terminal");
        let program = running::program();
        let mut command = Command::new(setsid);
        // `setsid` becomes the program, which so has the id of the child.
        command.args(["--ctty"]).arg(program.get_program()).args(arguments).env("TERM", "xterm").env_remove("COLUMNS");
        for (name, _) in program.get_envs() {
            command.env_remove(name);
        }
        let side = || Stdio::from(line.try_clone().expect("a handle"));
        let child = command.stdin(side()).stdout(side()).stderr(side()).spawn().expect("setsid was found");
        Some(Self { child, window: File::from(window), _line: line, written: Vec::new() })
    }

    /// All that the program wrote so far.
    pub(crate) fn written(&mut self) -> String {
        let mut bytes = [0; 4096];
        loop {
            match self.window.read(&mut bytes) {
                Ok(0) => break,
                Ok(count) => self.written.extend_from_slice(bytes.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        String::from_utf8_lossy(&self.written).into_owned()
    }

    /// Waits until the program has written these words.
    pub(crate) fn wait_for(&mut self, words: &str) {
        until(words, || self.written().contains(words).then_some(()));
    }

    /// Presses keys.
    pub(crate) fn press(&mut self, keys: &str) {
        self.window.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Whether the terminal passes each key at once and shows none: the mode of a program with a screen of its own.
    pub(crate) fn is_in_key_mode(&self) -> bool {
        let modes = tcgetattr(&self.window).expect("a terminal has modes").local_modes;
        !modes.contains(LocalModes::ICANON) && !modes.contains(LocalModes::ECHO)
    }

    /// Sends a signal to the program.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.child.id())).status();
        assert!(sent.expect("there is a shell").success(), "{name}");
    }

    /// Waits for the end of the program.
    pub(crate) fn end(&mut self) -> ExitStatus {
        until("the end", || {
            // A full terminal would stop the program.
            self.written();
            self.child.try_wait().expect("it is ours")
        })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
