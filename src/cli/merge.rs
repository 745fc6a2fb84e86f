//! Merges inputs by the times of their lines. Neither the cost of a piece nor the memory grows much with the number of inputs.

use super::feed::{Feed, Room};
use super::input::{Input, OpenInput};
use crate::record::Reader;
use crate::time::{Timestamp, Zone};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::time::Duration;

/// With more inputs than this, a file is closed until its next line is due.
const MAX_OPEN_INPUTS: usize = 256;

/// An offset, and the bytes from there.
type Piece = (u64, Vec<u8>);

/// Inputs that are not at their ends, by their numbers.
pub(super) struct Merge<'i> {
    feeds: Vec<Option<Feed<'i>>>,
    /// Number of these inputs.
    open: usize,
    room: Room,
    closes: bool,
    /// Inputs of which the time of the next line is known; the earliest comes first, and of equal times the first input.
    known: BinaryHeap<Reverse<(Timestamp, usize)>>,
    /// Inputs of which the next line must be read before its time is known.
    unknown: VecDeque<usize>,
}

impl<'i> Merge<'i> {
    /// For up to this many inputs.
    pub(super) fn new(inputs: usize) -> Self {
        Self {
            feeds: Vec::with_capacity(inputs),
            open: 0,
            room: Room::of(inputs),
            closes: inputs > MAX_OPEN_INPUTS,
            known: BinaryHeap::new(),
            unknown: VecDeque::new(),
        }
    }

    /// Takes the next input, and its reader if it could be opened.
    pub(super) fn push(&mut self, input: &'i Input, open: Option<OpenInput>) {
        let feed = open.map(|open| {
            let mut feed = Feed::new(input, open, self.room);
            feed.rest_until_due(self.closes);
            feed
        });
        if feed.is_some() {
            self.unknown.push_back(self.feeds.len());
            self.open += 1;
        }
        self.feeds.push(feed);
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.open == 0
    }

    /// An input that must wait for its next bytes.
    pub(super) fn waiting(&self) -> Option<&Feed<'i>> {
        let mut feeds = self.unknown.iter().filter_map(|number| self.feeds.get(*number)?.as_ref());
        feeds.find(|feed| !feed.is_ready(Duration::ZERO))
    }

    pub(super) fn feed(&self, number: usize) -> Option<&Feed<'i>> {
        self.feeds.get(number)?.as_ref()
    }

    /// Takes an input out.
    pub(super) fn remove(&mut self, number: usize) -> Option<Feed<'i>> {
        let removed = self.feeds.get_mut(number)?.take();
        self.open -= usize::from(removed.is_some());
        self.unknown.retain(|unknown| *unknown != number);
        removed
    }

    /// The number of an input and its next bytes: of the only input any, else the next lines of the input with the earliest time. Empty: it
    /// has ended, and is to be taken out.
    ///
    /// # Errors
    /// When an input cannot be read; with its number.
    pub(super) fn next(&mut self, reader: &Reader, zone: Zone) -> Result<(usize, Piece), (usize, io::Error)> {
        if self.open == 1
            && let Some(number) = self.feeds.iter().position(Option::is_some)
        {
            return self.rest(number);
        }
        while let Some(number) = self.unknown.pop_front() {
            let Some(feed) = self.feeds.get_mut(number).and_then(Option::as_mut) else { continue };
            match feed.peek(reader, zone) {
                // Nothing is due before it.
                Some(Timestamp::MIN) => return Ok(self.lines(number, Timestamp::MIN, reader, zone)),
                Some(at) => {
                    self.known.push(Reverse((at, number)));
                    feed.rest_until_due(self.closes);
                }
                // It has ended and goes first, so that it is closed.
                None => return self.rest(number),
            }
        }
        let number = self.known.pop().map_or(0, |Reverse((_, number))| number);
        let until = self.known.peek().map_or(Timestamp::MAX, |Reverse((at, _))| *at);
        Ok(self.lines(number, until, reader, zone))
    }

    fn lines(&mut self, number: usize, until: Timestamp, reader: &Reader, zone: Zone) -> (usize, Piece) {
        let feed = self.feeds.get_mut(number).and_then(Option::as_mut);
        self.unknown.push_back(number);
        (number, feed.map_or_else(Piece::default, |feed| feed.lines_until(until, reader, zone)))
    }

    fn rest(&mut self, number: usize) -> Result<(usize, Piece), (usize, io::Error)> {
        match self.feeds.get_mut(number) {
            Some(Some(feed)) => feed.rest().map(|piece| (number, piece)).map_err(|error| (number, error)),
            _ => Ok((number, Piece::default())),
        }
    }
}
