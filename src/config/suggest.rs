//! Guesses which word was meant: for messages about a misspelt key, never for accepting one.

/// The candidate nearest to `word`, if it is near enough to be what was meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A third of the word may be wrong: above that the suggestion is more often noise than help.
    let limit = (word.chars().count() / 3).max(1);
    // A key as long as a file is no typing error, and the table below is quadratic.
    if word.len() > 64 {
        return None;
    }
    candidates
        .into_iter()
        .map(|known| (distance(word, known), known))
        .filter(|(d, _)| *d <= limit)
        .min_by_key(|(d, _)| *d)
        .map(|(_, known)| known)
}

/// "did you mean `x`?" or, with nothing near, "known are `a`, `b`".
pub fn hint(word: &str, candidates: &[&str]) -> String {
    match nearest(word, candidates.iter().copied()) {
        Some(known) => format!("did you mean `{known}`?"),
        None if candidates.is_empty() => "remove it".to_owned(),
        None => format!("known are `{}`", candidates.join("`, `")),
    }
}

/// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment); `_` and `-` count as equal.
fn distance(a: &str, b: &str) -> usize {
    let fold = |text: &str| text.chars().map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect::<Vec<_>>();
    let (a, b) = (fold(a), fold(b));
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, expect: Option<&str>) {
        assert_eq!(nearest(word, ["listen", "round-interval", "hostname", "name"]), expect, "{word}");
    }

    #[test]
    fn nearest_words() {
        check("listn", Some("listen"));
        check("lisetn", Some("listen"));
        check("round_interval", Some("round-interval"));
        check("RoundInterval", Some("round-interval"));
        check("nam", Some("name"));
        check("port", None);
        check("", None);
        check(&"listen".repeat(100), None);
    }

    #[test]
    fn hints() {
        assert_eq!(hint("listn", &["listen", "name"]), "did you mean `listen`?");
        assert_eq!(hint("port", &["listen", "name"]), "known are `listen`, `name`");
    }
}
