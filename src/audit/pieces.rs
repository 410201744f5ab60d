//! An export on its way, piece by piece, as something to read from. Knows no line of it.

use crate::audit::Pieces;
use std::io;
use std::io::Read;

/// Reads pieces on a thread that may wait for them.
pub struct PieceReader {
    pieces: Pieces,
    piece: io::Cursor<Vec<u8>>,
}

impl PieceReader {
    /// Reads them in their order, until the sender is gone.
    pub fn new(pieces: Pieces) -> Self {
        Self { pieces, piece: io::Cursor::default() }
    }
}

impl Read for PieceReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = io::Cursor::new(piece?),
                None => return Ok(0),
            }
        }
    }
}
