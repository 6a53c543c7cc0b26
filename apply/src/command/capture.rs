//! Keeps the beginning and the end of what a command prints, whatever it prints. It reads nothing itself.

use std::collections::VecDeque;

/// How far back a cut may move to fall between lines.
const SEAM_BYTES: usize = 4 << 10;

/// What was kept so far: never more than the limit.
#[derive(Debug)]
pub(super) struct Capture {
    head: Vec<u8>,
    head_bytes: usize,
    tail: VecDeque<u8>,
    tail_bytes: usize,
    left_out: u64,
}

/// What is left of an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) head: String,
    /// Empty when nothing was left out.
    pub(super) tail: String,
    pub(super) left_out: u64,
}

impl Capture {
    /// Keeps at most so many bytes, half of them of the beginning.
    pub(super) fn new(limit_bytes: usize) -> Capture {
        let head_bytes = limit_bytes / 2;
        Capture { head: Vec::new(), head_bytes, tail: VecDeque::new(), tail_bytes: limit_bytes - head_bytes, left_out: 0 }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        let (head, rest) = bytes.split_at(bytes.len().min(self.head_bytes - self.head.len()));
        self.head.extend_from_slice(head);
        let skipped = rest.len().saturating_sub(self.tail_bytes);
        let rest = &rest[skipped..];
        let dropped = (self.tail.len() + rest.len()).saturating_sub(self.tail_bytes);
        self.tail.drain(..dropped);
        self.tail.extend(rest);
        self.left_out += (skipped + dropped) as u64;
    }

    /// What was kept, as texts. Where something was left out, the cuts fall between lines or words when there are any nearby: half a
    /// secret is no text that can be masked.
    pub(super) fn finish(mut self) -> Kept {
        let tail = self.tail.make_contiguous();
        if self.left_out == 0 {
            self.head.extend_from_slice(tail);
            return Kept { head: String::from_utf8_lossy(&self.head).into_owned(), tail: String::new(), left_out: 0 };
        }
        let (head_end, tail_start) = (head_end(&self.head), tail_start(tail));
        Kept {
            head: String::from_utf8_lossy(&self.head[..head_end]).into_owned(),
            tail: String::from_utf8_lossy(&tail[tail_start..]).into_owned(),
            left_out: self.left_out + (self.head.len() - head_end + tail_start) as u64,
        }
    }
}

fn head_end(head: &[u8]) -> usize {
    let from = head.len().saturating_sub(SEAM_BYTES);
    let last = |wanted: fn(&u8) -> bool| head[from..].iter().rposition(wanted).map(|at| from + at + 1);
    last(|byte| *byte == b'\n').or_else(|| last(u8::is_ascii_whitespace)).unwrap_or(head.len())
}

fn tail_start(tail: &[u8]) -> usize {
    let near = &tail[..tail.len().min(SEAM_BYTES)];
    let first = |wanted: fn(&u8) -> bool| near.iter().position(wanted).map(|at| at + 1);
    first(|byte| *byte == b'\n').or_else(|| first(u8::is_ascii_whitespace)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(limit: usize, chunks: &[&str]) -> (String, String, u64) {
        let mut capture = Capture::new(limit);
        for chunk in chunks {
            capture.push(chunk.as_bytes());
        }
        let kept = capture.finish();
        (kept.head, kept.tail, kept.left_out)
    }

    fn check(limit: usize, chunks: &[&str], expect: (&str, &str, u64)) {
        assert_eq!(kept(limit, chunks), (expect.0.to_owned(), expect.1.to_owned(), expect.2), "{limit} {chunks:?}");
    }

    #[test]
    fn keeps_both_ends() {
        check(8, &[], ("", "", 0));
        check(8, &["abcdefgh"], ("abcdefgh", "", 0));
        check(8, &["abc", "def", "gh"], ("abcdefgh", "", 0));
        check(8, &["abcdefghi"], ("abcd", "fghi", 1));
        check(8, &["abcdef", "ghijkl", "mn"], ("abcd", "klmn", 6));
        check(8, &["ab\ncdefg", "hi\nj"], ("ab\n", "j", 8));
        check(8, &["a bcdefg", "hi jk"], ("a ", "jk", 9));
        check(0, &["abc"], ("", "", 3));
        check(1, &["abc"], ("", "c", 2));
    }

    #[test]
    fn a_character_across_the_halves_stays_whole() {
        check(4, &["aé", "b"], ("aéb", "", 0));
    }

    #[test]
    fn bytes_are_counted_whatever_the_chunks() {
        for size in [1, 3, 64, 1000] {
            let mut capture = Capture::new(100);
            for chunk in vec![b'x'; 10_000].chunks(size) {
                capture.push(chunk);
                assert!(capture.head.len() + capture.tail.len() <= 100);
            }
            let kept = capture.finish();
            assert_eq!((kept.head.len(), kept.tail.len(), kept.left_out), (50, 50, 9_900));
        }
    }

    #[test]
    fn what_is_no_text_is_replaced() {
        let mut capture = Capture::new(100);
        capture.push(b"a\xff\0b");
        assert_eq!(capture.finish().head, "a\u{fffd}\0b");
    }
}
