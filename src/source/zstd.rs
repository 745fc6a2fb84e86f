//! Decompresses zstd: `.zst` files and bodies of requests. All frames are one stream: programs append frames to a file, and
//! parallel compressors write several.

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::error::Error;
use std::io::{self, BufRead, Read};

/// A reader of the decompressed bytes of `source`.
pub(crate) struct ZstdReader<R> {
    source: R,
    frame: FrameDecoder,
}

impl<R: BufRead> ZstdReader<R> {
    pub(crate) fn new(source: R) -> Self {
        Self { source, frame: FrameDecoder::new() }
    }

    /// Refuses frames that need more than `bytes` of what they hold again: so much of it stays in memory.
    pub(crate) fn with_max_window(mut self, bytes: u64) -> Self {
        self.frame.set_max_window_size(bytes);
        self
    }

    /// Starts the next frame. False at the end of the source.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.frame.init(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let length = u64::from(length);
                    if io::copy(&mut (&mut self.source).take(length), &mut io::sink())? < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(io_error(error)),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for ZstdReader<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.frame.can_collect() == 0 && !to.is_empty() {
            if self.frame.is_finished() {
                if !self.next_frame()? {
                    return Ok(0);
                }
            } else {
                let strategy = BlockDecodingStrategy::UptoBytes(to.len());
                self.frame.decode_blocks(&mut self.source, strategy).map_err(io_error)?;
            }
        }
        self.frame.read(to)
    }
}

/// The same error for a reader; of kind `UnexpectedEof` if the source ended too early.
fn io_error(error: FrameDecoderError) -> io::Error {
    let mut cause: Option<&dyn Error> = Some(&error);
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof) {
            return io::ErrorKind::UnexpectedEof.into();
        }
        cause = error.source();
    }
    io::Error::new(io::ErrorKind::InvalidData, error)
}
