//! Keeps the beginning and the end of what a command prints, whatever it prints. It reads nothing itself.

use std::collections::VecDeque;

/// What is taken away at a cut, in bytes, unless a line ends there. A secret that was cut through is no text that can be masked: it goes with
/// what stands beside it, unless it is longer than this and all on one line.
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

    /// What was kept, as texts, cut wherever the limit fell.
    pub(super) fn finish(mut self) -> Kept {
        let tail = self.tail.make_contiguous();
        if self.left_out == 0 {
            self.head.extend_from_slice(tail);
            return Kept { head: String::from_utf8_lossy(&self.head).into_owned(), tail: String::new(), left_out: 0 };
        }
        Kept {
            head: String::from_utf8_lossy(&self.head).into_owned(),
            tail: String::from_utf8_lossy(tail).into_owned(),
            left_out: self.left_out,
        }
    }
}

/// What may be shown of a beginning that was cut, and masked after that.
pub(super) fn before_cut(head: &str) -> &str {
    let from = head.floor_char_boundary(head.len().saturating_sub(SEAM_BYTES));
    &head[..head[from..].rfind('\n').map_or(from, |at| from + at + 1)]
}

/// What may be shown of an end that was cut, and masked after that.
pub(super) fn after_cut(tail: &str) -> &str {
    let until = tail.ceil_char_boundary(SEAM_BYTES);
    &tail[tail[..until].find('\n').map_or(until, |at| at + 1)..]
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
        check(0, &["abc"], ("", "", 3));
        check(1, &["abc"], ("", "c", 2));
    }

    #[test]
    fn what_is_cut_through_is_not_shown() {
        let line = "x".repeat(SEAM_BYTES);
        let seen = |text: String| before_cut(&text).to_owned();
        assert_eq!([seen(String::new()), seen("abc".into()), seen("ab\nc".into()), seen("ab\n".into())], ["", "", "ab\n", "ab\n"]);
        assert_eq!([seen(format!("ab\nc{line}")), seen(format!("aé{}", &line[1..]))], ["ab\nc", "a"]);
        let seen = |text: String| after_cut(&text).to_owned();
        assert_eq!([seen(String::new()), seen("abc".into()), seen("ab\nc".into()), seen("\nc".into())], ["", "", "c", "c"]);
        assert_eq!([seen(format!("{line}c\nab")), seen(format!("{}éa", &line[1..]))], ["c\nab", "a"]);
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
