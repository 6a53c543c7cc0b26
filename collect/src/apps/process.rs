//! One process as `/proc` shows it: what it announces, who runs it, where its root is. What cannot be read says nothing.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, open, openat};

use crate::procfs::name_of_process;

/// Longest environment that is looked through, in bytes; most have 2 to 4 KiB.
const MAX_ENVIRON_BYTES: u64 = 128 << 10;
/// Longest other file, in bytes.
const MAX_FILE_BYTES: u64 = 16 << 10;
/// Longest path, in bytes, as the kernel has it, with the ending.
const MAX_PATH_BYTES: usize = 4_096 - 16;
/// Longest name that an application gives itself, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// A process. Its directory stays the one that was opened, even when its id goes to another.
#[derive(Debug)]
pub(super) struct Process {
    directory: OwnedFd,
}

/// What a process says of itself.
#[derive(Debug, PartialEq)]
pub(super) struct Announcement {
    /// `CANTAL_PATH`.
    pub(super) path: PathBuf,
    /// `CANTAL_APPNAME`, when it is plain.
    pub(super) name: Option<String>,
}

impl Process {
    /// Process `pid`; `None` when it has ended.
    pub(super) fn open(proc: &Path, pid: u32) -> Option<Process> {
        let directory = open(proc.join(pid.to_string()), OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        Some(Process { directory })
    }

    /// What it announces, if anything.
    pub(super) fn announcement(&self) -> Option<Announcement> {
        announcement(&self.read("environ", MAX_ENVIRON_BYTES)?)
    }

    /// The user who runs it: the real one, whom a program with another owner's rights cannot choose.
    pub(super) fn user(&self) -> Option<u32> {
        let status = self.read("status", MAX_FILE_BYTES)?;
        let line = status.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"Uid:"))?;
        std::str::from_utf8(line).ok()?.split_ascii_whitespace().next()?.parse().ok()
    }

    /// The name of its control group, when it has one.
    pub(super) fn group(&self) -> Option<String> {
        name_of_process(&String::from_utf8_lossy(&self.read("cgroup", MAX_FILE_BYTES)?))
    }

    /// The root that its paths begin at.
    pub(super) fn root(&self) -> Option<OwnedFd> {
        openat(&self.directory, "root", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok()
    }

    fn read(&self, name: &str, limit: u64) -> Option<Vec<u8>> {
        let fd = openat(&self.directory, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        let mut bytes = Vec::with_capacity(4_096);
        File::from(fd).take(limit).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }
}

fn announcement(environ: &[u8]) -> Option<Announcement> {
    let variable = |name: &[u8]| environ.split(|byte| *byte == 0).find_map(|pair| pair.strip_prefix(name)?.strip_prefix(b"="));
    let path = variable(b"CANTAL_PATH").filter(|path| !path.is_empty() && path.len() <= MAX_PATH_BYTES)?;
    let name = variable(b"CANTAL_APPNAME").filter(|name| !name.is_empty() && name.len() <= MAX_NAME_BYTES);
    let name = name.filter(|name| name.iter().all(u8::is_ascii_graphic)).and_then(|name| String::from_utf8(name.to_vec()).ok());
    Some(Announcement { path: OsString::from_vec(path.to_vec()).into(), name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announcements() {
        let check = |environ: &str, expect: Option<(&str, Option<&str>)>| {
            let expect = expect.map(|(path, name)| Announcement { path: path.into(), name: name.map(str::to_owned) });
            assert_eq!(announcement(environ.as_bytes()), expect, "{environ:?}");
        };
        check("", None);
        check("PATH=/bin\0", None);
        check("PATH=/bin\0CANTAL_PATH=/run/x/app\0HOME=/", Some(("/run/x/app", None)));
        check("CANTAL_APPNAME=web\0CANTAL_PATH=/run/x\0", Some(("/run/x", Some("web"))));
        check("CANTAL_APPNAME=two words\0CANTAL_PATH=/run/x\0", Some(("/run/x", None)));
        check("CANTAL_APPNAME=\0CANTAL_PATH=/run/x\0", Some(("/run/x", None)));
        check("CANTAL_PATHS=/run/x\0XCANTAL_PATH=/run/x\0CANTAL_PATH=\0", None);
        check(&format!("CANTAL_PATH=/{}", "x".repeat(5_000)), None);
    }
}
