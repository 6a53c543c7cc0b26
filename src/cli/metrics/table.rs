//! Columns of text, each as wide as its widest cell. It cuts nothing off.

/// Where a column's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Align {
    Left,
    Right,
}

/// One line each, the head first. All rows have as many cells as the head.
pub(in crate::cli) fn lines<const N: usize>(head: [(&str, Align); N], rows: &[[String; N]]) -> Vec<String> {
    let all = || std::iter::once(head.map(|(name, _)| name.to_owned())).chain(rows.iter().cloned());
    let mut widths = [0; N];
    for row in all() {
        for (width, cell) in widths.iter_mut().zip(&row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: [String; N]| {
        let cells = row.iter().zip(head).zip(widths).map(|((cell, (_, align)), width)| match align {
            Align::Left => format!("{cell:<width$}"),
            Align::Right => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_must_be() {
        let rows = [["é".to_owned(), "1".to_owned(), String::new()], ["long".to_owned(), "1000".to_owned(), "x".to_owned()]];
        let lines = lines([("A", Align::Left), ("B", Align::Right), ("C", Align::Left)], &rows);
        assert_eq!(lines, ["A        B  C", "é        1", "long  1000  x"]);
    }
}
