//! Bytes out of a `.zst` file, frame after frame: what several programs appended, or one program in parallel, is one stream.

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::error::Error;
use std::io::{self, BufRead, Read};

/// Unpacks what `source` gives.
pub(super) struct Unzstd<R> {
    source: R,
    frame: FrameDecoder,
}

impl<R: BufRead> Unzstd<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, frame: FrameDecoder::new() }
    }

    /// Begins the next frame. False at the end.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.frame.init(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let length = u64::from(length);
                    if io::copy(&mut (&mut self.source).take(length), &mut io::sink())? < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(error_of(error)),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for Unzstd<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.frame.can_collect() == 0 && !to.is_empty() {
            if self.frame.is_finished() {
                if !self.begin()? {
                    return Ok(0);
                }
            } else {
                let some = BlockDecodingStrategy::UptoBytes(to.len());
                self.frame.decode_blocks(&mut self.source, some).map_err(error_of)?;
            }
        }
        self.frame.read(to)
    }
}

/// The same, with its kind where the source ended too early.
fn error_of(error: FrameDecoderError) -> io::Error {
    let mut cause: Option<&dyn Error> = Some(&error);
    while let Some(it) = cause {
        if it.downcast_ref::<io::Error>().is_some_and(|it| it.kind() == io::ErrorKind::UnexpectedEof) {
            return io::ErrorKind::UnexpectedEof.into();
        }
        cause = it.source();
    }
    io::Error::new(io::ErrorKind::InvalidData, error)
}
