//! A file of the log that grows: which one, from where on, and ended when it was left in the midst of a line. It does not know what is written.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;

use cap_std::fs::Dir;
use verwalter_core::ids::UnixMillis;

use super::place::{self, Stream};
use super::stamp;

/// One second, in which no second segment of a stream can begin: their names would be the same.
const SECOND: u64 = 1000;
/// How far the index may be ahead of the clock without that following it back: around midnight clocks are set by seconds, never by a day.
const DAY: u64 = 24 * 60 * 60 * 1000;

/// A file that is appended to.
#[derive(Debug)]
pub(super) struct Growing {
    segment: String,
    file: File,
    /// The last line has no end.
    torn: bool,
}

impl Growing {
    /// The newest text log of a stream, or one begun now where there is none or it has `limit` bytes or more.
    pub(super) fn text(root: &Dir, stream: &Stream, limit: u64, now: UnixMillis) -> io::Result<Growing> {
        let dir = place::make_directory(root, stream.directory())?;
        // Those of a day, too: early versions of the predecessor named them so.
        let newest = stream.segments(&dir)?.pop_last();
        if let Some(segment) = &newest {
            let growing = Growing::open(&dir, stream, segment)?;
            if growing.len()? < limit {
                return Ok(growing);
            }
        }
        // Names are in the order of time, whatever the clock says.
        let after = newest.map_or(0, |segment| place::begun(&segment).0 + SECOND);
        Growing::open(&dir, stream, &stamp::segment(UnixMillis(now.0.max(after))))
    }

    /// The index of the day, or of the newest one if the clock was set back across midnight: readers leave a day behind for ever.
    pub(super) fn index(root: &Dir, now: UnixMillis) -> io::Result<Growing> {
        let dir = place::make_directory(root, Stream::Index.directory())?;
        let today = stamp::day(now);
        let newest = Stream::Index.segments(&dir)?.pop_last();
        let ahead = newest.filter(|day| *day > today && place::begun(day).0 < now.0.saturating_add(DAY));
        Growing::open(&dir, &Stream::Index, &ahead.unwrap_or(today))
    }

    fn open(dir: &Dir, stream: &Stream, segment: &str) -> io::Result<Growing> {
        let name = stream.file(segment);
        let file = place::append(dir, &name).map_err(|err| place::named(&name, &err))?;
        place::point_latest(dir, &name).map_err(|err| place::named(place::LATEST, &err))?;
        let len = file.metadata()?.len();
        let mut last = [b'\n'];
        if len > 0 {
            file.read_exact_at(&mut last, len - 1)?;
        }
        Ok(Growing { segment: segment.to_owned(), file, torn: last != *b"\n" })
    }

    /// Which file of its stream it is.
    pub(super) fn segment(&self) -> &str {
        &self.segment
    }

    /// How long it is, in bytes.
    pub(super) fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Appends whole lines, and says where they begin.
    pub(super) fn write(&mut self, lines: &str) -> io::Result<u64> {
        if self.torn {
            self.file.write_all(b"\n")?;
            self.torn = false;
        }
        let at = self.len()?;
        if let Err(err) = self.file.write_all(lines.as_bytes()) {
            self.torn = self.len().map_or(true, |len| len != at);
            return Err(err);
        }
        Ok(at)
    }
}
