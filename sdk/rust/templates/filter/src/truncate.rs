//! A text that must not be longer than its place.

use verwalter_plugin::{ArgsError, RawArgs, log};

/// `truncate(text, length, end)`: the text if it has at most `length` characters, else its beginning and `end`, `length` characters together.
pub fn truncate(args: RawArgs<'_>) -> Result<String, ArgsError> {
    let args = args.read(&["text", "length", "end"])?;
    let text = args.text(0)?;
    let length = args.integer(1)?;
    if length < 0 {
        return Err(args.wrong(1, "a whole number of at least 0"));
    }
    // No text is longer than that, on a machine of 32 bits such as WebAssembly's either.
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let end = args.text_or(2, "…")?;
    let characters = text.chars().count();
    if characters <= length {
        return Ok(text.to_owned());
    }
    log::debug(format_args!(
        "truncate: {} of {characters} characters cut",
        characters - length
    ));
    let kept = length.saturating_sub(end.chars().count());
    Ok(text
        .chars()
        .take(kept)
        .chain(end.chars())
        .take(length)
        .collect())
}

#[cfg(test)]
mod tests {
    use crate::tests::check;

    #[test]
    fn what_fits_stays() {
        check("truncate", r#"["Zürich",6]"#, r#""Zürich""#);
        check("truncate", r#"["",0]"#, r#""""#);
        check("truncate", r#"["x",9007199254740991]"#, r#""x""#);
    }

    #[test]
    fn what_does_not_is_cut() {
        check("truncate", r#"["Zürich",4]"#, r#""Zür…""#);
        check("truncate", r#"["Zürich","4",{"end":"--"}]"#, r#""Zü--""#);
        check("truncate", r#"["Zürich",1,"--"]"#, r#""-""#);
        check("truncate", r#"["Zürich",0]"#, r#""""#);
    }

    #[test]
    fn lengths_that_are_none() {
        check(
            "truncate",
            r#"["x",-1]"#,
            "truncate: argument 2 (`length`): expected a whole number of at least 0, got the number -1",
        );
        check(
            "truncate",
            r#"["x",1.5]"#,
            "truncate: argument 2 (`length`): expected a whole number, got the number 1.5",
        );
    }
}
