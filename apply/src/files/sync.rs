//! Makes files and directories outlive a power failure, all at once: a file system with a journal commits those that wait together in one step,
//! where one after the other would wait for a step each. It writes nothing.

use std::io;
use std::os::fd::BorrowedFd;
use std::thread;

use rustix::fs::fsync;

/// Syncs all of them, and gives the first error in their order. Where no thread can be had, one waits for the other.
pub(super) fn all(files: &[BorrowedFd<'_>]) -> io::Result<()> {
    let Some((first, others)) = files.split_first() else { return Ok(()) };
    thread::scope(|scope| {
        let sync = |file: &BorrowedFd<'_>| fsync(file).map_err(io::Error::from);
        let waiting: Vec<_> = others.iter().map(|file| (file, thread::Builder::new().spawn_scoped(scope, move || sync(file)))).collect();
        let mut synced = sync(first);
        for (file, thread) in waiting {
            let done = match thread {
                Ok(thread) => thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that synced it broke off"))),
                Err(_) => sync(file),
            };
            synced = synced.and(done);
        }
        synced
    })
}

#[cfg(test)]
mod tests {
    use std::fs::{File, OpenOptions};
    use std::io::Write as _;
    use std::os::fd::AsFd as _;

    use super::*;

    #[test]
    fn all_are_synced_and_the_first_error_is_told() {
        let temp = tempfile::tempdir().expect("a directory");
        let file = |n: usize| {
            let mut file = File::create(temp.path().join(n.to_string())).expect("created");
            file.write_all(b"text").expect("written");
            file
        };
        let mut files: Vec<File> = (0..15).map(file).collect();
        let synced = |files: &[File]| all(&files.iter().map(|file| file.as_fd()).collect::<Vec<_>>());
        assert!(synced(&[]).is_ok() && synced(&files[..1]).is_ok() && synced(&files).is_ok());
        assert!(synced(&[File::open(temp.path()).expect("a directory"), files[0].try_clone().expect("a handle")]).is_ok());
        // What cannot be synced: a pipe.
        let pipe = rustix::pipe::pipe().expect("a pipe").1;
        files.insert(7, File::from(pipe));
        files.push(OpenOptions::new().write(true).open("/dev/null").expect("it is there"));
        assert_eq!(synced(&files).expect_err("a pipe").raw_os_error(), Some(rustix::io::Errno::INVAL.raw_os_error()));
    }
}
