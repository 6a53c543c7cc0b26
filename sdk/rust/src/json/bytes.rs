//! JSON on bytes that will be a text: for the thousands of short pieces of an answer. What it appends is always UTF-8.

/// Appends a short piece, eight bytes at a time: copies of unknown length are calls in most WebAssembly engines.
pub(crate) fn push_short(piece: &[u8], out: &mut Vec<u8>) {
    out.reserve(piece.len());
    let mut rest = piece;
    while let Some((chunk, after)) = rest.split_first_chunk::<8>() {
        out.extend_from_slice(chunk);
        rest = after;
    }
    if let Some((chunk, after)) = rest.split_first_chunk::<4>() {
        out.extend_from_slice(chunk);
        rest = after;
    }
    for byte in rest {
        out.push(*byte);
    }
}

/// Appends an integer.
pub(crate) fn write_integer(number: u64, out: &mut Vec<u8>) {
    match u8::try_from(number) {
        Ok(digit @ 0..=9) => out.push(b'0' + digit),
        _ => super::with_digits(number, |digits| push_short(digits, out)),
    }
}

/// Appends a JSON string.
pub(crate) fn write_str(text: &str, out: &mut Vec<u8>) {
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        out.push(b'"');
        push_short(text.as_bytes(), out);
        out.push(b'"');
    } else {
        let mut escaped = String::with_capacity(text.len() + 8);
        super::write_str(text, &mut escaped);
        out.extend_from_slice(escaped.as_bytes());
    }
}

/// What was appended, as the text that it is.
pub(crate) fn into_text(out: Vec<u8>) -> String {
    // Not `expect`: the code that would print the bytes in question has no place in every plugin.
    String::from_utf8(out).unwrap_or_else(|_| unreachable!("made of texts and ASCII"))
}
