//! The table that the README shows. It measures nothing.

use std::time::Duration;

/// One row: how long, how many files, and what else was touched.
pub(crate) struct Row {
    name: &'static str,
    times: Vec<Duration>,
    files: Vec<usize>,
    touched: Vec<usize>,
}

impl Row {
    pub(crate) fn new(name: &'static str) -> Row {
        Row { name, times: Vec::new(), files: Vec::new(), touched: Vec::new() }
    }

    /// How long it took, and how many files were written.
    pub(crate) fn add(&mut self, (took, files): (Duration, usize)) {
        self.times.push(took);
        self.files.push(files);
    }

    /// Files and directories that were touched, those of records and logs included.
    pub(crate) fn touched(&mut self, count: usize) {
        self.touched.push(count);
    }

    /// Ends the bench where others than so many files were written.
    pub(crate) fn must_write(&self, files: usize) {
        assert!(self.files.iter().all(|written| *written == files), "{}: {:?} files were written", self.name, self.files);
    }

    /// Ends the bench where anything was written: that is a promise and no time.
    pub(crate) fn must_be_idle(&self) {
        assert!(self.touched.iter().all(|count| *count == 0), "{}: written although nothing changed: {:?}", self.name, self.touched);
    }
}

pub(crate) fn print(place: &str, rows: &[Row]) {
    println!("\n| 1,000 files in 100 roles, {place} | times | files written | anything touched | median, ms | most, ms |");
    println!("|---|---|---|---|---|---|");
    for row in rows {
        let mut times = row.times.clone();
        times.sort_unstable();
        let ms = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1e3);
        let touched = match row.touched.iter().max() {
            Some(0) => "nothing",
            Some(_) => "yes",
            None => "–",
        };
        let (median, most) = (ms(times[times.len() / 2]), ms(times[times.len() - 1]));
        println!("| {} | {} | {} | {touched} | {median} | {most} |", row.name, times.len(), row.files.iter().max().unwrap_or(&0));
    }
}
