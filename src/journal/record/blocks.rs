//! The bytes of a record: tagged blocks, and in them numbers and texts with their lengths. No length is believed before it was compared
//! with what is there.

use super::RecordError;

/// Appends a block; `write` appends its content.
pub(super) fn put_block(tag: &str, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    debug_assert_eq!(tag.len(), TAG_BYTES, "tags have one length");
    out.extend_from_slice(tag.as_bytes());
    let length_at = out.len();
    put_number(0, out);
    let begin = out.len();
    write(out);
    let length = (out.len() - begin) as u64;
    out[length_at..begin].copy_from_slice(&length.to_le_bytes());
}

/// Appends a number.
pub(super) fn put_number(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&number.to_le_bytes());
}

/// Appends bytes after their length.
pub(super) fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_number(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

const TAG_BYTES: usize = 4;
/// More blocks than any version will write; a list that is searched from its beginning must be short.
const MAX_BLOCKS: usize = 64;
/// What a message calls the sequence of blocks itself.
const LIST: &str = "list of blocks";

/// The blocks of a record, none twice.
#[derive(Debug)]
pub(super) struct Blocks<'a>(Vec<(&'a [u8], &'a [u8])>);

impl<'a> Blocks<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Blocks<'a>, RecordError> {
        let mut blocks: Vec<(&[u8], &[u8])> = Vec::new();
        let mut cursor = Cursor { block: LIST, rest: bytes };
        while !cursor.is_empty() {
            let tag = cursor.take(TAG_BYTES)?;
            let content = cursor.bytes()?;
            if blocks.len() == MAX_BLOCKS || blocks.iter().any(|(known, _)| *known == tag) {
                return Err(RecordError::Excess(LIST));
            }
            blocks.push((tag, content));
        }
        Ok(Blocks(blocks))
    }

    /// The content of a block that may be left out.
    pub(super) fn optional(&self, tag: &str) -> Option<&'a [u8]> {
        self.0.iter().find(|(known, _)| *known == tag.as_bytes()).map(|(_, content)| *content)
    }

    /// The content of a block.
    pub(super) fn cursor(&self, tag: &'static str) -> Result<Cursor<'a>, RecordError> {
        let rest = self.optional(tag).ok_or(RecordError::Missing(tag))?;
        Ok(Cursor { block: tag, rest })
    }
}

/// What is left of a block.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    block: &'static str,
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn take(&mut self, bytes: usize) -> Result<&'a [u8], RecordError> {
        let (taken, rest) = self.rest.split_at_checked(bytes).ok_or(RecordError::Cut(self.block))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn number(&mut self) -> Result<u64, RecordError> {
        let (number, rest) = self.rest.split_first_chunk().ok_or(RecordError::Cut(self.block))?;
        self.rest = rest;
        Ok(u64::from_le_bytes(*number))
    }

    /// Bytes after their length.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], RecordError> {
        let length = self.number()?;
        self.take(usize::try_from(length).map_err(|_| RecordError::Cut(self.block))?)
    }

    /// Text after its length.
    pub(super) fn text(&mut self) -> Result<&'a str, RecordError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| RecordError::Text(self.block))
    }

    /// `count` items of 8 bytes, each as its bytes.
    pub(super) fn words(&mut self, count: u64) -> Result<&'a [[u8; 8]], RecordError> {
        let bytes = count.checked_mul(8).and_then(|bytes| usize::try_from(bytes).ok());
        let taken = self.take(bytes.ok_or(RecordError::Cut(self.block))?)?;
        Ok(taken.as_chunks().0)
    }

    /// All that is left, as text.
    pub(super) fn into_text(self) -> Result<&'a str, RecordError> {
        std::str::from_utf8(self.rest).map_err(|_| RecordError::Text(self.block))
    }

    /// Nothing must be left.
    pub(super) fn end(&self) -> Result<(), RecordError> {
        if self.rest.is_empty() { Ok(()) } else { Err(RecordError::Excess(self.block)) }
    }
}
