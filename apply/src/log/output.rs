//! What a command printed: kept whole as long as it runs, since only a whole text can be masked; then masked, and cut. It writes nothing.

use super::Mask;

/// Most that is kept while a command runs, in bytes. What runs commands ends those that print more.
const KEPT_BYTES: usize = 1 << 20;
/// Longest secret that a cut cannot divide, in bytes.
const SECRET_BYTES: usize = 64 << 10;

/// A command's output.
#[derive(Debug)]
pub(super) struct Output {
    kept: Vec<u8>,
    /// How many bytes came after those.
    beyond: u64,
    /// Most that is shown, in bytes.
    limit: usize,
}

impl Output {
    pub(super) fn new(limit: usize) -> Output {
        Output { kept: Vec::new(), beyond: 0, limit }
    }

    /// Takes some more.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        let room = bytes.len().min(KEPT_BYTES - self.kept.len());
        self.kept.extend_from_slice(&bytes[..room]);
        self.beyond += (bytes.len() - room) as u64;
    }

    /// What may be written of it: the beginning and the end, or the beginning where the end was not kept.
    pub(super) fn shown(self, mask: &Mask) -> String {
        let text = String::from_utf8_lossy(&self.kept);
        let mut masked = mask(&text);
        if self.beyond > 0 {
            // A secret may have been cut in two. One that begins before the last so many bytes is whole in the one text and masked there, if
            // perhaps cut in the other: up to where the two differ no part of any is left.
            let shorter = mask(&text[..text.floor_char_boundary(text.len().saturating_sub(SECRET_BYTES))]);
            let same = masked.bytes().zip(shorter.bytes()).take_while(|(one, other)| one == other).count();
            masked.truncate(masked.floor_char_boundary(same));
            let end = masked.floor_char_boundary(self.limit);
            let left = self.beyond + (text.len() - end.min(text.len())) as u64;
            return format!("{}\n… about {left} bytes left out", masked[..end].trim_end_matches('\n'));
        }
        if masked.len() <= self.limit {
            return masked;
        }
        let head = masked.floor_char_boundary(self.limit / 2);
        let tail = masked.ceil_char_boundary(masked.len() - self.limit / 2);
        // Whole lines, where lines are of a bearable length.
        let head = masked[..head].rfind('\n').map_or(head, |at| at + 1);
        let tail = masked[tail..].find('\n').map_or(tail, |at| tail + at + 1);
        let left = masked[head..tail].bytes().filter(|byte| *byte == b'\n').count().max(1);
        format!("{}\n… {left} lines left out\n{}", masked[..head].trim_end_matches('\n'), &masked[tail..])
    }
}
