//! A text as a part of an address or of a file's name.

use verwalter_plugin::{ArgsError, RawArgs};

/// `slug(text)`: ASCII letters in lower case and digits; each run of anything else becomes one `-`, none at the beginning or the end.
pub fn slug(args: RawArgs<'_>) -> Result<String, ArgsError> {
    let args = args.read(&["text"])?;
    let text = args.text(0)?;
    let mut slug = String::with_capacity(text.len());
    for word in text
        .split(|char: char| !char.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word.to_ascii_lowercase());
    }
    Ok(slug)
}

#[cfg(test)]
mod tests {
    use crate::tests::check;

    #[test]
    fn slugs() {
        check("slug", r#"["Hello,  World 2!"]"#, r#""hello-world-2""#);
        check(
            "slug",
            r#"[{"text":1}]"#,
            "slug: argument 1 (`text`): expected a text, got a mapping of 1",
        );
        check("slug", r#"["Zürich"]"#, r#""z-rich""#);
        check("slug", r#"["…"]"#, r#""""#);
    }
}
