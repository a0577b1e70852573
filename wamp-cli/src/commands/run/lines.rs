//! What programs print, with their names before it.

use std::io::{self, IsTerminal as _, Write};

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, BufReader};

/// What stands before each line of a program.
#[derive(Clone, Debug)]
pub(super) struct Prefix {
    name: String,
    width: usize,
    colour: u8,
}

/// Where lines go.
#[derive(Clone, Copy, Debug)]
pub(super) enum Channel {
    Stdout,
    Stderr,
}

/// The longest piece that is kept of a line: a longer one is printed in several.
const LONGEST: usize = 64 << 10;

impl Prefix {
    /// That of the program at this place, with names up to this width.
    pub(super) fn new(name: &str, width: usize, place: usize) -> Self {
        // From red to cyan, as terminals number them.
        let colour = 31 + u8::try_from(place % 6).unwrap_or_default();
        Self { name: name.to_owned(), width, colour }
    }

    fn before(&self, line: &[u8], colours: bool) -> Vec<u8> {
        let Self { name, width, colour } = self;
        let head = if colours {
            format!("\x1b[{colour}m{name:width$} |\x1b[0m ")
        } else {
            format!("{name:width$} | ")
        };
        [head.as_bytes(), line, b"\n"].concat()
    }

    /// Prints all lines, until there are no more.
    pub(super) async fn copy(&self, from: impl AsyncRead + Unpin, to: Channel) {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while matches!(next(&mut from, &mut line).await, Ok(true)) {
            self.print(&line, to);
            line.clear();
        }
    }

    /// Prints a line at once. Nobody reading it is no reason for a program to end.
    pub(super) fn print(&self, line: &[u8], to: Channel) {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let _ = match to {
            Channel::Stdout => {
                write(io::stdout().lock(), &self.before(line, io::stdout().is_terminal() && !plain))
            }
            Channel::Stderr => {
                write(io::stderr().lock(), &self.before(line, io::stderr().is_terminal() && !plain))
            }
        };
    }
}

fn write(mut to: impl Write, bytes: &[u8]) -> io::Result<()> {
    to.write_all(bytes)?;
    to.flush()
}

/// Reads a line without its end, or a piece of a long one; false at the end.
async fn next(from: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> io::Result<bool> {
    loop {
        let bytes = from.fill_buf().await?;
        if bytes.is_empty() {
            return Ok(!line.is_empty());
        }
        let room = bytes.len().min(LONGEST - line.len());
        let piece = bytes.get(..room).unwrap_or_default();
        let end = piece.iter().position(|byte| *byte == b'\n');
        line.extend_from_slice(piece.get(..end.unwrap_or(room)).unwrap_or_default());
        from.consume(end.map_or(room, |end| end + 1));
        if end.is_some() || line.len() >= LONGEST {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(text: &[u8]) -> Vec<Vec<u8>> {
        let mut from = BufReader::with_capacity(7, text);
        let (mut lines, mut line) = (Vec::new(), Vec::new());
        while next(&mut from, &mut line).await.unwrap() {
            lines.push(std::mem::take(&mut line));
        }
        lines
    }

    #[tokio::test]
    async fn lines_of_every_kind() {
        assert_eq!(lines(b"").await, [b""; 0]);
        assert_eq!(lines(b"one\r\n\ntwo words and more").await, [&b"one"[..], b"", b"two words and more"]);
        let long = vec![b'x'; LONGEST + 1];
        assert_eq!(lines(&long).await.iter().map(Vec::len).collect::<Vec<_>>(), [LONGEST, 1]);
    }

    #[test]
    fn names_stand_before_them() {
        let prefix = Prefix::new("date", 6, 7);
        assert_eq!(prefix.before(b"5", false), b"date   | 5\n");
        assert_eq!(prefix.before(b"5", true), b"\x1b[32mdate   |\x1b[0m 5\n");
    }
}
