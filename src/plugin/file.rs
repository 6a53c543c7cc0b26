//! A plugin's file as bytes, under the limit of its manifest. It never looks at what they mean.

use std::io::Read;
use std::path::Path;

use super::limits::{Limit, Limits};
use crate::config::file::{FileError, Opened, open_regular};

/// The file whole, if its size allows that: of one that is too large nothing is read.
pub(super) fn read(path: &Path, limits: &Limits) -> Result<Vec<u8>, FileError> {
    let io = |err| FileError::io(path, &err);
    let too_large = |message| FileError::new(path, message);
    let (file, meta) = match open_regular(path).map_err(io)? {
        Opened::Regular(file, meta) => (file, meta),
        Opened::Directory => return Err(io(std::io::ErrorKind::IsADirectory.into())),
        Opened::Other => return Err(FileError::new(path, "is no regular file: move it away")),
    };
    check_size(meta.len(), limits).map_err(too_large)?;
    let mut bytes = Vec::new();
    // It may grow meanwhile.
    file.take(limits.get(Limit::Module) + 1).read_to_end(&mut bytes).map_err(io)?;
    check_size(bytes.len() as u64, limits).map_err(too_large)?;
    Ok(bytes)
}

/// Whether so many bytes are within the limit; if not, what to say.
pub(super) fn check_size(bytes: u64, limits: &Limits) -> Result<(), String> {
    if bytes <= limits.get(Limit::Module) {
        return Ok(());
    }
    let (limit, hint) = (limits.describe(Limit::Module), limits.raise_hint(Limit::Module));
    Err(format!("the plugin's file has {bytes} bytes, more than its limit of {limit}; {hint}"))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use verwalter_core::ports::Kind;

    use super::*;

    #[test]
    fn the_limit_is_looked_at_before_the_bytes() {
        let mut limits = Limits::of(Kind::Scheduler);
        limits.set(Limit::Module, 1 << 10).unwrap();
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let sized = |bytes| File::options().write(true).open(&path).unwrap().set_len(bytes).unwrap();
        sized(1 << 10);
        assert_eq!(read(&path, &limits).unwrap().len(), 1 << 10);
        sized((1 << 10) + 1);
        let told = "the plugin's file has 1025 bytes, more than its limit of 1KiB; raise it with `limits: { module: 2KiB }` in the plugin's manifest";
        assert_eq!(read(&path, &limits).unwrap_err().message, told);
        // Larger than any memory: only its size is read.
        sized(1 << 42);
        assert!(read(&path, &limits).unwrap_err().message.starts_with("the plugin's file has 4398046511104 bytes"));
    }
}
