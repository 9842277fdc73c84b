//! Following a file that grows, line by line, in bounded memory.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use crate::scheduler::report_line::MAX_LINE_BYTES;

/// One line of a followed file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A line without its end.
    Whole(&'a [u8]),
    /// A line longer than [`MAX_LINE_BYTES`]; its content was dropped.
    TooLong,
    /// The file became shorter: it is read from its start again.
    StartedOver,
}

/// A position in a growing file.
#[derive(Debug)]
pub(super) struct LineTail {
    path: PathBuf,
    offset: u64,
    /// The line number of the last line given out, from 1.
    line_number: u64,
    /// The start of a line whose end was not read yet.
    partial: Vec<u8>,
    is_partial_too_long: bool,
    /// Where the file ends for us; set when its writers are gone.
    end: Option<u64>,
}

pub(super) const CHUNK_BYTES: u64 = 64 << 10;

impl LineTail {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            offset: 0,
            line_number: 0,
            partial: Vec::new(),
            is_partial_too_long: false,
            end: None,
        }
    }

    pub(super) fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Its writers are gone: what is in the file now is all there is, and a last line without an
    /// end counts too.
    pub(super) fn close(&mut self) {
        let length = || self.path.metadata().map_or(0, |metadata| metadata.len());
        self.end = Some(self.end.unwrap_or_else(length));
    }

    /// Hands over the next lines with their numbers, about a chunk of them. False if nothing is
    /// left to read for now.
    pub(super) fn read_chunk(&mut self, sink: &mut dyn FnMut(u64, Line)) -> io::Result<bool> {
        let chunk = self.next_chunk(sink)?;
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            match piece.strip_suffix(b"\n") {
                Some(line) => {
                    self.extend_partial(line);
                    self.give_out(sink);
                }
                None => self.extend_partial(piece),
            }
        }
        self.offset += chunk.len() as u64;
        let is_at_end = chunk.is_empty();
        if is_at_end && self.end.is_some() && (self.is_partial_too_long || !self.partial.is_empty())
        {
            self.give_out(sink);
        }
        Ok(!is_at_end)
    }

    fn next_chunk(&mut self, sink: &mut dyn FnMut(u64, Line)) -> io::Result<Vec<u8>> {
        let metadata = match self.path.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            result => result?,
        };
        // A trial may have put a pipe there, and opening that would wait for a writer.
        if !metadata.is_file() {
            return Ok(Vec::new());
        }
        if metadata.len() < self.offset {
            (self.offset, self.line_number) = (0, 0);
            self.partial.clear();
            self.is_partial_too_long = false;
            sink(0, Line::StartedOver);
        }
        let end = self.end.unwrap_or(u64::MAX).min(metadata.len());
        let length = end.saturating_sub(self.offset).min(CHUNK_BYTES);
        if length == 0 {
            return Ok(Vec::new());
        }
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.offset))?;
        let mut chunk = Vec::with_capacity(length as usize);
        file.take(length).read_to_end(&mut chunk)?;
        Ok(chunk)
    }

    fn extend_partial(&mut self, bytes: &[u8]) {
        if self.partial.len() + bytes.len() > MAX_LINE_BYTES {
            self.is_partial_too_long = true;
            self.partial = Vec::new();
        }
        if !self.is_partial_too_long {
            self.partial.extend_from_slice(bytes);
        }
    }

    fn give_out(&mut self, sink: &mut dyn FnMut(u64, Line)) {
        self.line_number += 1;
        let is_too_long = std::mem::take(&mut self.is_partial_too_long);
        sink(
            self.line_number,
            if is_too_long {
                Line::TooLong
            } else {
                Line::Whole(&self.partial)
            },
        );
        self.partial.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(tail: &mut LineTail) -> Vec<(u64, String)> {
        let mut lines = Vec::new();
        while tail
            .read_chunk(&mut |number, line| {
                let text = match line {
                    Line::Whole(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                    other => format!("{other:?}"),
                };
                lines.push((number, text));
            })
            .expect("readable")
        {}
        lines
    }

    fn numbered(lines: &[(u64, &str)]) -> Vec<(u64, String)> {
        lines
            .iter()
            .map(|(number, line)| (*number, (*line).to_owned()))
            .collect()
    }

    #[test]
    fn only_whole_lines_are_given_until_the_writers_are_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let mut tail = LineTail::new(path.clone());
        assert_eq!(lines(&mut tail), []);
        std::fs::write(&path, "a\n\nb").expect("written");
        assert_eq!(lines(&mut tail), numbered(&[(1, "a"), (2, "")]));
        std::fs::write(&path, "a\n\nbc\nd").expect("written");
        assert_eq!(lines(&mut tail), numbered(&[(3, "bc")]));
        tail.close();
        std::fs::write(&path, "a\n\nbc\ndxxxx\n").expect("written");
        assert_eq!(lines(&mut tail), numbered(&[(4, "d")]));
        assert_eq!(lines(&mut tail), []);
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        std::fs::write(&path, [vec![0; 5 << 20], b"\nnext\n".to_vec()].concat()).expect("written");
        let mut tail = LineTail::new(path);
        assert_eq!(lines(&mut tail), numbered(&[(1, "TooLong"), (2, "next")]));
        assert!(tail.partial.capacity() <= 2 * MAX_LINE_BYTES);
    }

    #[test]
    fn a_file_that_became_shorter_is_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let mut tail = LineTail::new(path.clone());
        std::fs::write(&path, "first\nsecond\nthi").expect("written");
        assert_eq!(lines(&mut tail).len(), 2);
        std::fs::write(&path, "new\n").expect("written");
        assert_eq!(
            lines(&mut tail),
            numbered(&[(0, "StartedOver"), (1, "new")])
        );
    }
}
