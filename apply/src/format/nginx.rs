//! nginx's configuration syntax, as its own reader has it: words and quotes, directives that end with `;` or open a block, blocks that are
//! closed. Which directives there are, where they may stand and what they take, is the program's affair.

mod lua;

use super::{BYTE_ORDER_MARK, FormatError, quote};

/// Longest word, quoted text or comment, in bytes: the size of nginx's buffer.
const MAX_WORD_BYTES: usize = 4096;
/// How a directive ends whose block is written in Lua.
const LUA_BLOCK: &[u8] = b"_by_lua_block";

pub(super) fn check(bytes: &[u8]) -> Result<(), FormatError> {
    if bytes.starts_with(BYTE_ORDER_MARK) {
        return Err(FormatError::line(
            1,
            "a byte order mark, which nginx takes for a part of the first word: save the template without it",
        ));
    }
    let mut reader = Reader { bytes, at: 0, line: 1, directive: None };
    // The lines of the blocks that are open.
    let mut open: Vec<usize> = Vec::new();
    loop {
        match reader.directive()? {
            End::Semicolon => {}
            End::Open if reader.name().ends_with(LUA_BLOCK) => reader.lua_block()?,
            End::Open => open.push(reader.line),
            End::Close if open.pop().is_none() => {
                return Err(reader.error("a `}` that closes nothing: remove it, or look for a block that ends too early above it"));
            }
            End::Close => {}
            End::File => match open.last() {
                None => return Ok(()),
                Some(&line) => return Err(FormatError::line(line, "a `{` that is not closed: the file ends before its `}`")),
            },
        }
    }
}

/// What a directive ended with.
enum End {
    Semicolon,
    Open,
    /// There was none: a block ends.
    Close,
    /// There was none: the file ends.
    File,
}

/// What the byte that comes next belongs to.
#[derive(Clone, Copy, PartialEq)]
enum Within {
    Space,
    Comment,
    Word,
    /// Quoted with this byte.
    Quotes(u8),
    /// Behind a closing quote, where a space must come.
    Behind,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// That of the byte that was read last.
    line: usize,
    /// Where the directive that is read began: line, and its first word.
    directive: Option<(usize, std::ops::Range<usize>)>,
}

impl Reader<'_> {
    /// Reads up to the end of the next directive.
    fn directive(&mut self) -> Result<End, FormatError> {
        self.directive = None;
        let mut within = Within::Space;
        // Behind a backslash; behind a `$`, where a brace belongs to a variable.
        let (mut escaped, mut variable) = (false, false);
        // Where what is read began, as nginx keeps it in its buffer, and in which line.
        let (mut start, mut start_line) = (self.at, self.line);
        loop {
            let Some(&byte) = self.bytes.get(self.at) else {
                return self.end_of_file(within, start_line);
            };
            if self.at - start == MAX_WORD_BYTES {
                return Err(too_long(within, start_line, &self.bytes[start..self.at]));
            }
            self.at += 1;
            if byte == b'\n' {
                self.line += 1;
            }
            if escaped {
                escaped = false;
                continue;
            }
            match within {
                Within::Comment => {
                    if byte == b'\n' {
                        within = Within::Space;
                        start = self.at - 1;
                    }
                }
                Within::Behind => match byte {
                    b' ' | b'\t' | b'\r' | b'\n' => within = Within::Space,
                    // The end of an `if ("…")`: a word of its own.
                    b')' => {
                        within = Within::Word;
                        (start, start_line) = (self.at - 1, self.line);
                    }
                    b';' => return Ok(End::Semicolon),
                    b'{' => return Ok(End::Open),
                    _ => {
                        return Err(self.error(format!(
                            "`{}` directly behind a closing quote: put a space or `;` between, or a backslash before a quote inside",
                            quote(&[byte])
                        )));
                    }
                },
                Within::Space => {
                    (start, start_line) = (self.at - 1, self.line);
                    match byte {
                        b' ' | b'\t' | b'\r' | b'\n' => {}
                        b';' | b'{' | b'}' => {
                            if let Some(end) = self.punctuation(byte)? {
                                return Ok(end);
                            }
                        }
                        b'#' => within = Within::Comment,
                        b'"' | b'\'' => {
                            start += 1;
                            within = Within::Quotes(byte);
                        }
                        _ => {
                            within = Within::Word;
                            escaped = byte == b'\\';
                            variable = byte == b'$';
                        }
                    }
                    if !matches!(within, Within::Space | Within::Comment) && self.directive.is_none() {
                        self.directive = Some((self.line, start..start));
                    }
                }
                Within::Word | Within::Quotes(_) => {
                    if byte == b'{' && variable {
                        continue;
                    }
                    (escaped, variable) = (byte == b'\\', byte == b'$');
                    let ended = match within {
                        Within::Quotes(quote) => byte == quote,
                        _ => matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b';' | b'{'),
                    };
                    if !ended {
                        continue;
                    }
                    if let Some((_, name)) = self.directive.as_mut().filter(|(_, name)| name.is_empty() && name.start == start) {
                        name.end = self.at - 1;
                    }
                    match (within, byte) {
                        (Within::Quotes(_), _) => within = Within::Behind,
                        (_, b';') => return Ok(End::Semicolon),
                        (_, b'{') => return Ok(End::Open),
                        _ => within = Within::Space,
                    }
                }
            }
        }
    }

    /// `;`, `{` or `}` between words.
    fn punctuation(&self, byte: u8) -> Result<Option<End>, FormatError> {
        match (byte, &self.directive) {
            (b';', Some(_)) => Ok(Some(End::Semicolon)),
            (b'{', Some(_)) => Ok(Some(End::Open)),
            (b'}', None) => Ok(Some(End::Close)),
            (b'}', Some((line, _))) => Err(self.error(format!(
                "a `}}` where the `;` of the directive `{}` in line {line} should be: end the directive with `;`",
                quote(self.name())
            ))),
            (b';', None) => Err(self.error("a `;` without a directive before it: remove it")),
            (_, None) => Err(self.error("a `{` without a directive before it: name the block, or remove it")),
            _ => Ok(None),
        }
    }

    fn end_of_file(&self, within: Within, start_line: usize) -> Result<End, FormatError> {
        match (within, &self.directive) {
            (Within::Quotes(quote), _) => Err(FormatError::line(
                start_line,
                format!("a `{}` that is not closed: the file ends before its second one", char::from(quote)),
            )),
            (_, Some((line, _))) => Err(FormatError::line(
                *line,
                format!("the directive `{}` is not ended, and the file is: end it with `;`", quote(self.name())),
            )),
            (_, None) => Ok(End::File),
        }
    }

    /// Passes over a block in Lua, from behind its `{`.
    fn lua_block(&mut self) -> Result<(), FormatError> {
        let begun = self.line;
        let length = lua::block(&self.bytes[self.at..]).map_err(|unfinished| FormatError::line(begun, unfinished))?;
        self.line += self.bytes[self.at..self.at + length].iter().filter(|&&byte| byte == b'\n').count();
        self.at += length;
        Ok(())
    }

    /// The first word of the directive, as far as it was read.
    fn name(&self) -> &[u8] {
        let range = self.directive.as_ref().map_or(0..0, |(_, name)| name.clone());
        let end = if range.is_empty() { self.at } else { range.end };
        self.bytes.get(range.start..end).unwrap_or_default()
    }

    fn error(&self, message: impl Into<String>) -> FormatError {
        FormatError::line(self.line, message)
    }
}

fn too_long(within: Within, line: usize, word: &[u8]) -> FormatError {
    let message = match within {
        Within::Quotes(quote) => {
            format!(
                "a `{}` that is not closed within the {MAX_WORD_BYTES} bytes that nginx reads: close it, or shorten the text",
                char::from(quote)
            )
        }
        Within::Comment => {
            format!("a comment longer than the {MAX_WORD_BYTES} bytes that nginx reads: break it into lines")
        }
        _ => format!("`{}` is longer than the {MAX_WORD_BYTES} bytes that nginx reads: shorten it", quote(word)),
    };
    FormatError::line(line, message)
}

#[cfg(test)]
mod tests;
