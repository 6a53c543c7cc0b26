//! Where a block of Lua in an nginx configuration ends: its closing brace, outside of Lua's texts and comments. It knows no more of Lua.

/// How many bytes the block takes whose opening brace stands before `bytes`, its closing one included. The error says what is not closed.
pub(super) fn block(bytes: &[u8]) -> Result<usize, &'static str> {
    let mut at = 0;
    let mut depth = 1usize;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Ok(at);
                }
            }
            b'"' | b'\'' => at += quoted(&bytes[at..], byte).ok_or("a text in this Lua block is not closed")?,
            b'-' if bytes.get(at) == Some(&b'-') => {
                at += 1;
                at += match long_bracket(&bytes[at..]) {
                    Some(level) => long(&bytes[at..], level).ok_or("a comment in this Lua block is not closed")?,
                    None => bytes[at..].iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len() - at),
                };
            }
            b'[' => {
                if let Some(level) = long_bracket(&bytes[at - 1..]) {
                    at += long(&bytes[at - 1..], level).ok_or("a text in this Lua block is not closed")? - 1;
                }
            }
            _ => {}
        }
    }
    Err("the `{` of this Lua block is not closed: the file ends before its `}`")
}

/// How many bytes a text takes that began with `quote`, up to the second one.
fn quoted(bytes: &[u8], quote: u8) -> Option<usize> {
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            byte if *byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// The level of a long bracket, if one opens here: 0 for `[[`, 2 for `[==[`.
fn long_bracket(bytes: &[u8]) -> Option<usize> {
    let rest = bytes.strip_prefix(b"[")?;
    let level = rest.iter().take_while(|&&byte| byte == b'=').count();
    (rest.get(level) == Some(&b'[')).then_some(level)
}

/// How many bytes a text in long brackets of this level takes, which opens here, up to its end.
fn long(bytes: &[u8], level: usize) -> Option<usize> {
    let mut at = level + 2;
    loop {
        at += bytes.get(at..)?.iter().position(|&byte| byte == b']')? + 1;
        let equals = bytes[at..].iter().take_while(|&&byte| byte == b'=').count();
        at += equals;
        if equals == level && bytes.get(at) == Some(&b']') {
            return Some(at + 1);
        }
    }
}

#[cfg(test)]
mod tests;
