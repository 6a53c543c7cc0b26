//! The terminal: how large it is, and redrawing lines in place. What stands above them, and what is typed, stays.

use std::io::{self, IsTerminal, Stdout, Write};

use rustix::termios::{Winsize, tcgetwinsize};

/// Where a terminal does not say its size.
const USUAL: (usize, usize) = (80, 24);

/// Columns of the terminal that standard output is; `None`: it is none.
pub(super) fn width() -> Option<usize> {
    size().map(|(columns, _)| columns)
}

fn size() -> Option<(usize, usize)> {
    let out = io::stdout();
    if !out.is_terminal() {
        return None;
    }
    let known = tcgetwinsize(&out).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
    Some(known.map_or(USUAL, |Winsize { ws_col, ws_row, .. }| (ws_col.into(), ws_row.into())))
}

/// Lines that are drawn again and again. Dropped, it leaves the last ones standing and the cursor below them.
#[derive(Debug)]
pub(super) struct Screen<W: Write = Stdout> {
    out: W,
    drawn: usize,
}

impl Screen {
    /// Standard output, when it is a terminal.
    pub(super) fn open() -> Option<Screen> {
        size().map(|_| Screen { out: io::stdout(), drawn: 0 })
    }

    /// Draws `lines` over the former ones, as many as there is room for.
    pub(super) fn draw(&mut self, lines: &[String]) -> io::Result<()> {
        let (columns, rows) = size().unwrap_or(USUAL);
        self.draw_on(lines, columns, rows)
    }
}

impl<W: Write> Screen<W> {
    fn draw_on(&mut self, lines: &[String], columns: usize, rows: usize) -> io::Result<()> {
        // The last row is the cursor's: writing below it would scroll, and the way up would not lead to the first line.
        let room = rows.saturating_sub(1).max(1);
        let mut shown: Vec<String> = lines.iter().map(|line| line.chars().take(columns).collect()).collect();
        if shown.len() > room {
            shown.truncate(room - 1);
            shown.push(format!("… and {} more lines: narrow the selection", lines.len() - shown.len()).chars().take(columns).collect());
        }
        let mut text = String::from("\x1b[?25l\r");
        // A terminal that was made smaller has no such line any more: then it stays at the first.
        if self.drawn > 0 {
            text.push_str(&format!("\x1b[{}A", self.drawn.min(room)));
        }
        for line in &shown {
            text.push_str(line);
            text.push_str("\x1b[K\r\n");
        }
        text.push_str("\x1b[J");
        self.drawn = shown.len();
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

impl<W: Write> Drop for Screen<W> {
    fn drop(&mut self) {
        if self.drawn > 0 {
            // A terminal that is gone needs no cursor.
            let _ = self.out.write_all(b"\x1b[?25h").and_then(|()| self.out.flush());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(frames: &[&[&str]], columns: usize, rows: usize) -> String {
        let mut screen = Screen { out: Vec::new(), drawn: 0 };
        for frame in frames {
            let lines: Vec<String> = frame.iter().map(|line| (*line).to_owned()).collect();
            screen.draw_on(&lines, columns, rows).expect("memory takes everything");
        }
        String::from_utf8(std::mem::take(&mut screen.out)).expect("text")
    }

    #[test]
    fn lines_are_drawn_over_the_former_ones() {
        assert_eq!(drawn(&[&["a", "b"], &["c"]], 80, 24), "\x1b[?25l\ra\x1b[K\r\nb\x1b[K\r\n\x1b[J\x1b[?25l\r\x1b[2Ac\x1b[K\r\n\x1b[J");
    }

    #[test]
    fn what_has_no_room_is_left_out() {
        assert_eq!(drawn(&[&["abcdef"]], 3, 24), "\x1b[?25l\rabc\x1b[K\r\n\x1b[J");
        let long = drawn(&[&["1", "2", "3", "4"]], 80, 3);
        assert_eq!(long, "\x1b[?25l\r1\x1b[K\r\n… and 3 more lines: narrow the selection\x1b[K\r\n\x1b[J");
        let again = drawn(&[&["1", "2", "3"], &["1"]], 80, 1);
        assert!(again.contains("\x1b[1A") && !again.contains("\x1b[3A"), "{again:?}");
    }
}
