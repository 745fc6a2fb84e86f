//! A view that a person scrolls, filters and opens: lines of which some are entries with details.
//!
//! The state of the view and its lines only. The caller owns the content and renews it; an entry keeps its selection by its key.

use super::keys::Key;
use super::layout;

/// What there is to see.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// Lines before the entries.
    pub(super) head: Vec<String>,
    pub(super) entries: Vec<Entry>,
    /// Lines after the entries.
    pub(super) tail: Vec<String>,
}

/// A line with details behind it.
#[derive(Debug)]
pub(super) struct Entry {
    /// What stays the same when the content is renewed.
    pub(super) key: String,
    pub(super) line: String,
    pub(super) details: Vec<String>,
}

/// What a person did to the view so far.
#[derive(Debug, Default)]
pub(super) struct Browser {
    /// The key of the selected entry.
    selected: Option<String>,
    /// The first line that is shown.
    first: usize,
    filter: String,
    mode: Mode,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    List,
    /// The next letters belong to the filter.
    Filter,
    Details,
    Help,
}

/// Whether the view stays after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Stay,
    Quit,
}

const HELP: [&str; 8] = [
    "up, down, j, k      select an error",
    "page up, page down  a screen at a time; home, end: to the first or last",
    "enter               its details, and back",
    "/                   filter: only lines with these words; enter keeps it",
    "escape              back; without anything open, no filter",
    "?                   this help",
    "q, Ctrl-C           end",
    "",
];

impl Browser {
    /// Takes a key. `rows` is the height of the terminal.
    pub(super) fn press(&mut self, key: Key, content: &Content, rows: usize) -> Next {
        match (self.mode, key) {
            (Mode::Filter, Key::Letter(letter)) => self.filter.push(letter),
            (Mode::Filter, Key::Backspace) => {
                self.filter.pop();
            }
            (Mode::Filter, Key::Enter) => self.mode = Mode::List,
            (Mode::Filter, Key::Escape) => (self.mode, self.filter) = (Mode::List, String::new()),
            (Mode::List, Key::Letter('q')) => return Next::Quit,
            (Mode::List, Key::Escape) => self.filter.clear(),
            (Mode::List, Key::Letter('/')) => (self.mode, self.first) = (Mode::Filter, 0),
            (Mode::List | Mode::Details, Key::Letter('?')) => self.mode = Mode::Help,
            (Mode::List, Key::Enter) if self.position(content).is_some() => (self.mode, self.first) = (Mode::Details, 0),
            (Mode::Details | Mode::Help, Key::Enter | Key::Escape | Key::Letter('q' | '?') | Key::Backspace) => {
                (self.mode, self.first) = (Mode::List, 0);
            }
            (_, key) => self.step(key, content, rows),
        }
        Next::Stay
    }

    /// Moves the selection in the list, and the text elsewhere.
    fn step(&mut self, key: Key, content: &Content, rows: usize) {
        let page = rows.saturating_sub(2).max(1);
        let by = match key {
            Key::Up | Key::Letter('k') => -1,
            Key::Down | Key::Letter('j') => 1,
            Key::PageUp => -page.cast_signed(),
            Key::PageDown => page.cast_signed(),
            Key::Home => isize::MIN,
            Key::End => isize::MAX,
            _ => return,
        };
        if self.mode == Mode::Details {
            self.first = self.first.saturating_add_signed(by);
            return;
        }
        let shown: Vec<&Entry> = self.shown(content).collect();
        let last = shown.len().saturating_sub(1);
        let before = self.position(content);
        let index = before.map_or(if by < 0 { last } else { 0 }, |before| before.saturating_add_signed(by).min(last));
        self.selected = shown.get(index).map(|entry| entry.key.clone());
    }

    /// The entries that the filter leaves.
    fn shown<'c>(&self, content: &'c Content) -> impl Iterator<Item = &'c Entry> {
        let words: Vec<String> = self.filter.split_whitespace().map(str::to_lowercase).collect();
        content.entries.iter().filter(move |entry| {
            let line = entry.line.to_lowercase();
            words.iter().all(|word| line.contains(word) || entry.details.iter().any(|line| line.to_lowercase().contains(word)))
        })
    }

    /// The place of the selected entry among those that are shown.
    fn position(&self, content: &Content) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        self.shown(content).position(|entry| entry.key == *selected)
    }

    /// The lines of a screen; the last one says which keys there are.
    pub(super) fn lines(&mut self, content: &Content, columns: usize, rows: usize) -> Vec<String> {
        let room = rows.saturating_sub(1).max(1);
        let position = self.position(content);
        let (all, selected) = match (self.mode, position.and_then(|index| self.shown(content).nth(index))) {
            (Mode::Help, _) => (HELP.iter().map(|&line| line.to_owned()).collect(), None),
            (Mode::Details, Some(entry)) => (entry.details.clone(), None),
            _ => self.list(content, position),
        };
        if let Some(selected) = selected {
            self.first = self.first.clamp((selected + 1).saturating_sub(room), selected);
            // The head is shown as long as the selection leaves room for it.
            if selected < room {
                self.first = 0;
            }
        }
        self.first = self.first.min(all.len().saturating_sub(room));
        let mut lines: Vec<String> =
            all.iter().skip(self.first).take(room).map(|line| layout::cut(line, columns).into_owned()).collect();
        lines.resize(room, String::new());
        lines.push(layout::cut(&self.keys_line(all.len(), room), columns).into_owned());
        lines
    }

    /// The lines of the list, and which of them is selected.
    fn list(&self, content: &Content, position: Option<usize>) -> (Vec<String>, Option<usize>) {
        let mark = |(index, entry): (usize, &Entry)| {
            if position == Some(index) { format!("\x1b[7m{}\x1b[0m", plain(&entry.line)) } else { entry.line.clone() }
        };
        let entries: Vec<String> = self.shown(content).enumerate().map(mark).collect();
        let selected = position.map(|index| content.head.len() + index);
        let is_empty = entries.is_empty() && !content.entries.is_empty();
        let nothing = is_empty.then(|| format!("no error with {:?}", self.filter));
        (content.head.iter().cloned().chain(entries).chain(nothing).chain(content.tail.iter().cloned()).collect(), selected)
    }

    fn keys_line(&self, lines: usize, room: usize) -> String {
        let more = lines.saturating_sub(self.first + room);
        let more = if more > 0 { format!("{more} more · ") } else { String::new() };
        match self.mode {
            Mode::Filter => format!("/{}_  enter keeps it, escape clears it", self.filter),
            Mode::Details | Mode::Help => format!("{more}enter back · ? help"),
            Mode::List if self.filter.is_empty() => format!("{more}↑↓ select · enter details · / filter · ? help · q end"),
            Mode::List => format!("{more}filter {:?} · escape clears it · enter details · q end", self.filter),
        }
    }
}

/// A line without its colours.
fn plain(line: &str) -> String {
    anstream::adapter::strip_str(line).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(names: &[&str]) -> Content {
        let entry = |name: &&str| Entry {
            key: (*name).to_owned(),
            line: format!("\x1b[31m{name}\x1b[0m"),
            details: vec![format!("details of {name}"), "fix".to_owned()],
        };
        Content { head: vec!["head".to_owned()], entries: names.iter().map(entry).collect(), tail: vec!["tail".to_owned()] }
    }

    fn screen(browser: &mut Browser, content: &Content, rows: usize) -> Vec<String> {
        let mut lines = browser.lines(content, 60, rows);
        assert_eq!(lines.len(), rows);
        lines.pop();
        lines.retain(|line| !line.is_empty());
        lines.iter().map(|line| line.replace("\x1b[7m", ">")).map(|line| plain(&line)).collect()
    }

    #[test]
    fn a_selected_entry_stays_selected_when_the_order_changes_and_opens() {
        let mut browser = Browser::default();
        let before = content(&["auth", "quota", "timeout"]);
        assert_eq!(browser.press(Key::Enter, &before, 10), Next::Stay);
        assert_eq!(screen(&mut browser, &before, 10), ["head", "auth", "quota", "timeout", "tail"]);
        browser.press(Key::Down, &before, 10);
        browser.press(Key::Down, &before, 10);
        assert_eq!(screen(&mut browser, &before, 10), ["head", "auth", ">quota", "timeout", "tail"]);
        let after = content(&["quota", "auth", "timeout"]);
        assert_eq!(screen(&mut browser, &after, 10), ["head", ">quota", "auth", "timeout", "tail"]);
        browser.press(Key::Enter, &after, 10);
        assert_eq!(screen(&mut browser, &after, 10), ["details of quota", "fix"]);
        // In the details, `q` goes back; in the list, it ends.
        assert_eq!(browser.press(Key::Letter('q'), &after, 10), Next::Stay);
        assert_eq!(browser.press(Key::Letter('q'), &after, 10), Next::Quit);
    }

    #[test]
    fn typing_filters_and_escape_clears_the_filter() {
        let mut browser = Browser::default();
        let content = content(&["openai auth", "groq quota"]);
        for key in [Key::Letter('/'), Key::Letter('q'), Key::Letter('u'), Key::Letter('x'), Key::Backspace, Key::Enter] {
            assert_eq!(browser.press(key, &content, 10), Next::Stay);
        }
        assert_eq!(screen(&mut browser, &content, 10), ["head", "groq quota", "tail"]);
        browser.press(Key::Escape, &content, 10);
        assert_eq!(screen(&mut browser, &content, 10), ["head", "openai auth", "groq quota", "tail"]);
        for letter in "/none".chars() {
            assert_eq!(browser.press(Key::Letter(letter), &content, 10), Next::Stay);
        }
        assert_eq!(screen(&mut browser, &content, 10), ["head", "no error with \"none\"", "tail"]);
    }

    #[test]
    fn the_screen_follows_the_selection_and_no_line_is_too_wide() {
        let mut browser = Browser::default();
        let names: Vec<String> = (0..20).map(|number| format!("error {number} {}", "x".repeat(80))).collect();
        let content = content(&names.iter().map(String::as_str).collect::<Vec<_>>());
        browser.press(Key::End, &content, 6);
        browser.press(Key::End, &content, 6);
        let shown = screen(&mut browser, &content, 6);
        assert!(shown.last().is_some_and(|line| line.starts_with(">error 19 ")), "{shown:?}");
        browser.press(Key::Home, &content, 6);
        assert_eq!(screen(&mut browser, &content, 6)[0], "head");
        assert!(browser.lines(&content, 60, 6).iter().all(|line| layout::columns(line) <= 60));
    }
}
