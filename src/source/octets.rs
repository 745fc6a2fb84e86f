//! Syslog over TCP that counts the bytes of each message instead of ending it with a newline (RFC 6587, section 3.4.1):
//! `83 <34>1 2026-11-20T09:00:01Z …97 <34>1 …`.
//!
//! Each message becomes a line. The count before it becomes blanks and a newline behind it, so that the number of bytes stays the same.

/// The most digits of a count.
const DIGITS: usize = 6;

/// The framing of one connection. It holds back a count until its message is whole, and no other byte.
#[derive(Debug, Default)]
pub(super) struct OctetFrames {
    state: State,
    /// The count that was read so far, with the blank behind it.
    count: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing was decided yet.
    #[default]
    Undecided,
    /// Lines end with newlines.
    Lines,
    /// Before a message, or within its count.
    Counting,
    /// So many bytes of a message are still to come.
    Within(usize),
}

impl OctetFrames {
    /// The bytes as lines.
    pub(super) fn lines(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        let begins = |byte: &u8| (b'1'..=b'9').contains(byte);
        if self.state == State::Lines
            || self.state == State::Undecided && self.count.is_empty() && !bytes.first().is_some_and(begins)
        {
            self.state = State::Lines;
            return bytes;
        }
        let mut out = Vec::with_capacity(bytes.len() + DIGITS + 1);
        let mut rest = bytes.as_slice();
        while let Some((first, behind)) = rest.split_first() {
            match self.state {
                State::Lines => {
                    out.extend_from_slice(rest);
                    return out;
                }
                State::Within(left) => {
                    let (message, next) = rest.split_at(left.min(rest.len()));
                    out.extend_from_slice(message);
                    rest = next;
                    self.state = State::Within(left - message.len());
                    if left == message.len() {
                        self.end(&mut out);
                    }
                }
                State::Undecided | State::Counting => {
                    rest = if self.is_counted(*first) { rest } else { behind };
                    self.count(*first, &mut out);
                }
            }
        }
        out
    }

    /// The connection has ended: what was held back.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        match self.state {
            // The message is not whole: no newline.
            State::Within(_) => out.resize(self.count.len(), b' '),
            _ => out.append(&mut self.count),
        }
        out
    }

    /// Whether the count is whole, and the message begins with `byte`.
    fn is_counted(&self, byte: u8) -> bool {
        self.count.len() > 1 && self.count.ends_with(b" ") && byte == b'<'
    }

    /// Takes the next byte of a count, or the first of the message behind it.
    fn count(&mut self, byte: u8, out: &mut Vec<u8>) {
        let digits = self.count.iter().take_while(|digit| digit.is_ascii_digit()).count();
        let is_whole = self.count.len() > digits;
        if self.is_counted(byte) {
            let number = self.count.iter().take(digits).fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
            self.state = State::Within(number);
        } else if !is_whole && byte.is_ascii_digit() && digits < DIGITS || !is_whole && digits > 0 && byte == b' ' {
            self.count.push(byte);
        } else if digits == 0 && byte.is_ascii_whitespace() && self.state == State::Counting {
            // Some senders end a counted message with a newline too.
            out.push(byte);
        } else {
            self.state = State::Lines;
            out.append(&mut self.count);
            out.push(byte);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        out.extend(std::iter::repeat_n(b' ', self.count.len().saturating_sub(1)));
        out.push(b'\n');
        self.count.clear();
        self.state = State::Counting;
    }
}

#[cfg(test)]
mod tests {
    use super::OctetFrames;

    fn read(text: &str, chunk: usize) -> String {
        let mut frames = OctetFrames::default();
        let mut out: Vec<u8> = text.as_bytes().chunks(chunk).flat_map(|bytes| frames.lines(bytes.to_vec())).collect();
        out.extend(frames.finish());
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn counted_messages_become_lines_of_as_many_bytes_however_they_arrive() {
        let counted = "12 <34>1 - - ab11 <34>1 - - c\n7 <34>1 d";
        for chunk in 1..counted.len() {
            let lines = read(counted, chunk);
            assert_eq!(lines, "<34>1 - - ab  \n<34>1 - - c  \n\n<34>1 d \n", "{chunk}");
            assert_eq!(lines.len(), counted.len());
        }
    }

    #[test]
    fn other_streams_stay_as_they_are() {
        for text in
            ["12 apples\n13 <pears>\n", "<34>1 - - x\n", "{\"a\":1}\n", "1234567 <34>\n", "12", "2026-11-20 09:00:01 INFO x\n"]
        {
            for chunk in 1..=text.len() {
                assert_eq!(read(text, chunk), text, "{chunk}");
            }
        }
    }
}
