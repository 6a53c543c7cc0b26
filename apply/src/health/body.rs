//! The body of an HTTP answer out of its framing, as it comes. It reads from nowhere and keeps what it was given only where it must.

/// Longest line that announces a chunk, in bytes; extensions are unusual.
const MAX_LINE_BYTES: usize = 4096;

/// How an answer says where its body ends.
#[derive(Debug)]
pub(super) enum Body {
    /// After so many bytes.
    Length(u64),
    /// With the connection.
    Close,
    /// With an empty chunk.
    Chunked(Chunks),
}

/// Where in the chunks reading is.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    /// A line that is not complete.
    line: Vec<u8>,
    /// What is left of the chunk.
    left: u64,
    /// A chunk ended, and its line feed is to come.
    ended: bool,
}

/// The framing is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

impl Body {
    /// Moves what belongs to the body to `out`, and says whether it is complete.
    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<bool, Broken> {
        match self {
            Body::Close => {
                out.extend_from_slice(bytes);
                Ok(false)
            }
            Body::Length(left) => {
                let (taken, _) = split(bytes, *left);
                out.extend_from_slice(taken);
                *left -= taken.len() as u64;
                Ok(*left == 0)
            }
            Body::Chunked(chunks) => chunks.feed(bytes, out),
        }
    }
}

impl Chunks {
    fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<bool, Broken> {
        loop {
            if self.left > 0 {
                let (taken, rest) = split(bytes, self.left);
                out.extend_from_slice(taken);
                self.left -= taken.len() as u64;
                self.ended = self.left == 0;
                bytes = rest;
            }
            if bytes.is_empty() {
                return Ok(false);
            }
            // A line, whose end may come later.
            let end = bytes.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
            let (taken, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            self.line.extend_from_slice(taken);
            bytes = rest;
            if self.line.len() > MAX_LINE_BYTES {
                return Err(Broken);
            }
            if end.is_none() {
                return Ok(false);
            }
            let line = std::mem::take(&mut self.line);
            if std::mem::take(&mut self.ended) {
                if line != b"\r\n" {
                    return Err(Broken);
                }
                continue;
            }
            // The parser takes a line without a number for zero.
            if !line.first().is_some_and(u8::is_ascii_hexdigit) {
                return Err(Broken);
            }
            match httparse::parse_chunk_size(&line) {
                Ok(httparse::Status::Complete((_, 0))) => return Ok(true),
                Ok(httparse::Status::Complete((_, size))) => self.left = size,
                Ok(httparse::Status::Partial) | Err(_) => return Err(Broken),
            }
        }
    }
}

fn split(bytes: &[u8], at: u64) -> (&[u8], &[u8]) {
    bytes.split_at(usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same whatever the pieces it comes in.
    fn check(make: fn() -> Body, text: &str, expect: Result<(&str, bool), Broken>) {
        for size in [1, 2, 3, 7, text.len().max(1)] {
            let (mut body, mut out, mut result) = (make(), Vec::new(), Ok(false));
            for piece in text.as_bytes().chunks(size) {
                result = body.feed(piece, &mut out);
                if result != Ok(false) {
                    break;
                }
            }
            let result = result.map(|complete| (String::from_utf8(out).expect("text"), complete));
            assert_eq!(result, expect.as_ref().map(|(text, done)| ((*text).to_owned(), *done)).map_err(|_| Broken), "{text:?} by {size}");
        }
    }

    #[test]
    fn chunks() {
        let chunked = || Body::Chunked(Chunks::default());
        check(chunked, "3\r\nabc\r\n0\r\n\r\n", Ok(("abc", true)));
        check(chunked, "3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", Ok(("abc0123456789", true)));
        check(chunked, "2\r\n\r\n\r\n0\r\n", Ok(("\r\n", true)));
        check(chunked, "5\r\nabc", Ok(("abc", false)));
        check(chunked, "", Ok(("", false)));
        check(chunked, "x\r\n", Err(Broken));
        check(chunked, "3\r\nabcd\r\n", Err(Broken));
        check(chunked, "\r\n", Err(Broken));
        check(chunked, "fffffffffffffffff\r\n", Err(Broken));
        check(chunked, &"1".repeat(MAX_LINE_BYTES + 1), Err(Broken));
    }

    fn fed(pieces: &[&[u8]]) -> (Result<bool, Broken>, Vec<u8>) {
        let (mut chunks, mut out, mut result) = (Chunks::default(), Vec::new(), Ok(false));
        for piece in pieces {
            result = chunks.feed(piece, &mut out);
            if result != Ok(false) {
                break;
            }
        }
        (result, out)
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_alike_however_they_are_cut(
            text in proptest::collection::vec(proptest::sample::select(&b"012af;x\r\n"[..]), 0..64),
            at in 0_usize..64,
        ) {
            let (first, second) = text.split_at(at.min(text.len()));
            proptest::prop_assert_eq!(fed(&[&text]), fed(&[first, second]));
        }
    }

    #[test]
    fn lengths_and_ends() {
        check(|| Body::Length(3), "abcdef", Ok(("abc", true)));
        check(|| Body::Length(9), "abcdef", Ok(("abcdef", false)));
        check(|| Body::Close, "abcdef", Ok(("abcdef", false)));
    }
}
