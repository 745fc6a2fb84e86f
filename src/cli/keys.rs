//! The keys that a person presses at the terminal, also while standard input is a pipe.

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{self, Read};
use std::sync::mpsc::{self, Receiver};
use std::thread;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    Enter,
    Escape,
    Backspace,
    Letter(char),
}

/// The keys, one at a time and without echo. When it is dropped, the terminal is as before.
#[derive(Debug)]
pub(super) struct Keys {
    terminal: File,
    before: Termios,
    pressed: Receiver<Key>,
}

impl Keys {
    /// `None` if there is no terminal.
    pub(super) fn open() -> Option<Self> {
        let terminal = File::open("/dev/tty").ok()?;
        let before = tcgetattr(&terminal).ok()?;
        let mut raw = before.clone();
        // Ctrl-C still sends its signal.
        raw.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        (raw.special_codes[SpecialCodeIndex::VMIN], raw.special_codes[SpecialCodeIndex::VTIME]) = (1, 0);
        let reader = terminal.try_clone().ok()?;
        tcsetattr(&terminal, OptionalActions::Now, &raw).ok()?;
        let (sender, pressed) = mpsc::channel();
        // The thread waits for a key until the process ends.
        thread::spawn(move || {
            let _ends_with_the_terminal = read(reader, |key| sender.send(key).is_ok());
        });
        Some(Self { terminal, before, pressed })
    }

    /// The next key, if one was pressed.
    pub(super) fn next(&self) -> Option<Key> {
        self.pressed.try_recv().ok()
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ignored = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}

fn read(mut terminal: File, mut send: impl FnMut(Key) -> bool) -> io::Result<()> {
    let mut bytes = [0; 64];
    loop {
        let count = terminal.read(&mut bytes)?;
        if count == 0 || !keys(bytes.get(..count).unwrap_or_default()).into_iter().all(&mut send) {
            return Ok(());
        }
    }
}

/// The keys of some bytes that the terminal sent together.
fn keys(bytes: &[u8]) -> Vec<Key> {
    const SEQUENCES: [(&str, Key); 12] = [
        ("\x1b[A", Key::Up),
        ("\x1bOA", Key::Up),
        ("\x1b[B", Key::Down),
        ("\x1bOB", Key::Down),
        ("\x1b[5~", Key::PageUp),
        ("\x1b[6~", Key::PageDown),
        ("\x1b[H", Key::Home),
        ("\x1bOH", Key::Home),
        ("\x1b[1~", Key::Home),
        ("\x1b[F", Key::End),
        ("\x1bOF", Key::End),
        ("\x1b[4~", Key::End),
    ];
    let text = String::from_utf8_lossy(bytes);
    let (mut rest, mut all) = (&*text, Vec::new());
    while let Some(letter) = rest.chars().next() {
        if let Some((sequence, key)) = SEQUENCES.iter().find(|(sequence, _)| rest.starts_with(sequence)) {
            all.push(*key);
            rest = rest.get(sequence.len()..).unwrap_or_default();
            continue;
        }
        if let Some(unknown) = rest.strip_prefix("\x1b[").or_else(|| rest.strip_prefix("\x1bO")) {
            // A key without a use here: its sequence ends with a letter or `~`.
            let end =
                unknown.find(|letter: char| letter.is_ascii_alphabetic() || letter == '~').map_or(unknown.len(), |at| at + 1);
            rest = unknown.get(end..).unwrap_or_default();
            continue;
        }
        all.extend(match letter {
            '\r' | '\n' => Some(Key::Enter),
            '\x1b' => Some(Key::Escape),
            '\x08' | '\x7f' => Some(Key::Backspace),
            letter if !letter.is_control() => Some(Key::Letter(letter)),
            _ => None,
        });
        rest = rest.get(letter.len_utf8()..).unwrap_or_default();
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_keys_and_unknown_ones_are_nothing() {
        assert_eq!(keys(b"q\x1b[A\x1b[6~\x7f\r"), [Key::Letter('q'), Key::Up, Key::PageDown, Key::Backspace, Key::Enter]);
        assert_eq!(keys("é\x1b[15~x".as_bytes()), [Key::Letter('é'), Key::Letter('x')]);
        assert_eq!(keys(b"\x1b"), [Key::Escape]);
        assert_eq!(keys(b"\x1b["), []);
    }
}
