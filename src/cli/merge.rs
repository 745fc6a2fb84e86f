//! Merges inputs by the times of their lines. The cost of a piece hardly depends on the number of inputs.

use super::feed::Feed;
use super::input::Input;
use crate::framing::StreamId;
use crate::record::Reader;
use crate::time::{Timestamp, Zone};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::time::Duration;

/// An offset, and the bytes from there.
type Piece = (u64, Vec<u8>);

/// Inputs that are open, by their numbers.
#[derive(Default)]
pub(super) struct Merge<'i> {
    inputs: Vec<Option<OpenFeed<'i>>>,
    /// Number of open inputs.
    open: usize,
    /// Inputs of which the time of the next line is known; the earliest comes first, and of equal times the first input.
    known: BinaryHeap<Reverse<(Timestamp, usize)>>,
    /// Inputs of which the next line must be read before its time is known.
    unknown: VecDeque<usize>,
}

/// An open input.
pub(super) struct OpenFeed<'i> {
    pub(super) stream: StreamId,
    pub(super) input: &'i Input,
    feed: Feed,
}

impl<'i> Merge<'i> {
    pub(super) fn push(&mut self, stream: StreamId, feed: Feed, input: &'i Input) {
        self.unknown.push_back(self.inputs.len());
        self.inputs.push(Some(OpenFeed { stream, input, feed }));
        self.open += 1;
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.open == 0
    }

    /// An input that must wait for its next bytes.
    pub(super) fn waiting(&self) -> Option<&Feed> {
        let feeds = self.unknown.iter().filter_map(|number| Some(&self.inputs.get(*number)?.as_ref()?.feed));
        feeds.into_iter().find(|feed| !feed.is_ready(Duration::ZERO))
    }

    /// Takes an input out.
    pub(super) fn remove(&mut self, number: usize) -> Option<OpenFeed<'i>> {
        let removed = self.inputs.get_mut(number)?.take();
        self.open -= usize::from(removed.is_some());
        self.unknown.retain(|unknown| *unknown != number);
        removed
    }

    pub(super) fn stream(&self, number: usize) -> Option<StreamId> {
        Some(self.inputs.get(number)?.as_ref()?.stream)
    }

    /// The number of an input and its next bytes: of the only input any, else the next lines of the input with the earliest time. Empty: it
    /// has ended, and is to be taken out.
    ///
    /// # Errors
    /// When an input cannot be read; with its number.
    pub(super) fn next(&mut self, reader: &Reader, zone: Zone) -> Result<(usize, Piece), (usize, io::Error)> {
        if self.open == 1
            && let Some(number) = self.inputs.iter().position(Option::is_some)
        {
            return self.rest(number);
        }
        while let Some(number) = self.unknown.pop_front() {
            let Some(open) = self.inputs.get_mut(number).and_then(Option::as_mut) else { continue };
            match open.feed.peek(reader, zone) {
                Ok(Some(at)) => self.known.push(Reverse((at, number))),
                // It has ended and goes first, so that it is closed.
                Ok(None) => return self.rest(number),
                Err(error) => return Err((number, error)),
            }
        }
        let number = self.known.pop().map_or(0, |Reverse((_, number))| number);
        let until = self.known.peek().map_or(Timestamp::MAX, |Reverse((at, _))| *at);
        self.unknown.push_back(number);
        self.piece(number, |feed| feed.lines_until(until, reader, zone))
    }

    fn rest(&mut self, number: usize) -> Result<(usize, Piece), (usize, io::Error)> {
        self.piece(number, Feed::rest)
    }

    fn piece(
        &mut self,
        number: usize,
        read: impl FnOnce(&mut Feed) -> io::Result<Piece>,
    ) -> Result<(usize, Piece), (usize, io::Error)> {
        let piece = match self.inputs.get_mut(number) {
            Some(Some(open)) => read(&mut open.feed).map_err(|error| (number, error))?,
            _ => Piece::default(),
        };
        Ok((number, piece))
    }
}
