//! What a command cannot undo: no files of the daemon, limits of the kernel, no new rights, no writing elsewhere. It runs in the child only,
//! on the thread that starts the command, and decides none of the limits.

use std::fs;
use std::io;
use std::os::fd::RawFd;
use std::path::Path;

use landlock::{
    ABI, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::protocol::Orders;

/// What programs write to get rid of it.
const SINKS: [&str; 3] = ["/dev/null", "/dev/zero", "/dev/full"];
/// What a kernel with Landlock must be able to refuse: creating, removing and writing (Linux 5.13).
const NEEDED: ABI = ABI::V1;
/// And what is refused as well where it can be: moving and truncating (Linux 6.2).
const WANTED: ABI = ABI::V3;

/// How much more processor time than the command's whole time its supervisor has at last.
const CPU_SLACK_SECONDS: u64 = 30;

/// Closes what this process inherited besides standard input, output and error: the daemon's own files are closed by the start itself, but
/// not what whoever started the daemon left open.
///
/// Call it first: nothing that this program opened may be open yet.
pub(super) fn close_inherited() -> io::Result<()> {
    let listed = fs::read_dir("/proc/self/fd")?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    let numbers = listed.iter().filter_map(|name| name.to_str()?.parse::<RawFd>().ok());
    for number in numbers.filter(|number| *number > 2) {
        // One of them was the directory that was read, and is closed already.
        let _ = nix::unistd::close(number);
    }
    Ok(())
}

/// Sets all limits and borders on this thread and this process. An error is a text for the operator.
pub(super) fn confine(orders: &Orders) -> Result<(), String> {
    if !orders.new_privileges {
        rustix::thread::set_no_new_privs(true).map_err(|err| format!("`no new privileges` cannot be set: {err}"))?;
    }
    if !orders.writes.is_empty() {
        restrict_writes(orders)?;
    }
    // Last: they may leave no room for the work above.
    limit(orders)
}

fn limit(orders: &Orders) -> Result<(), String> {
    // First the signal that says why, then the one that says nothing. This process reads what the command prints, under the same limit:
    // it may take as long as the command may, and must live to tell.
    let longest = orders.timeout_ms / 1000 + CPU_SLACK_SECONDS;
    let limits = [
        ("core", Resource::Core, 0, 0),
        ("cpu", Resource::Cpu, orders.cpu_seconds, longest.max(orders.cpu_seconds.saturating_add(1))),
        ("memory", Resource::Data, orders.memory_bytes, orders.memory_bytes),
        ("open-files", Resource::Nofile, orders.open_files, orders.open_files),
        ("processes", Resource::Nproc, orders.processes, orders.processes),
        ("file-size", Resource::Fsize, orders.file_bytes, orders.file_bytes),
    ];
    for (name, resource, limit, hard) in limits {
        // What this process may not raise stays lower: whoever started the daemon may have set it.
        let most = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let (limit, hard) = (limit.min(most), hard.min(most));
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(hard) })
            .map_err(|err| format!("the limit `{name}` cannot be set: {err}"))?;
    }
    Ok(())
}

/// Gives this process the time for what the command prints, once the command has its own limit.
pub(super) fn relax() {
    let hard = getrlimit(Resource::Cpu).maximum;
    // Otherwise a command that prints without end might end its supervisor, which is told as well.
    let _ = setrlimit(Resource::Cpu, Rlimit { current: hard, maximum: hard });
}

/// Reading and executing stay as they are; so do modes and owners of files, which Landlock knows nothing of.
fn restrict_writes(orders: &Orders) -> Result<(), String> {
    let status = restrict(orders).map_err(|err| match err {
        Trouble::Open(text) => text,
        Trouble::Landlock(err) => format!(
            "the sandbox lists `commands.writes`, and this kernel cannot confine writing ({err}): \
             boot it with Landlock enabled (`lsm=landlock,…`), or remove the list"
        ),
    })?;
    if status == RulesetStatus::NotEnforced {
        return Err("the sandbox lists `commands.writes`, and this kernel did not confine writing: remove the list".to_owned());
    }
    Ok(())
}

enum Trouble {
    Open(String),
    Landlock(RulesetError),
}

impl From<RulesetError> for Trouble {
    fn from(err: RulesetError) -> Trouble {
        Trouble::Landlock(err)
    }
}

fn restrict(orders: &Orders) -> Result<RulesetStatus, Trouble> {
    let all = AccessFs::from_write(WANTED);
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_write(NEEDED))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .create()?;
    for path in orders.writes.iter().map(std::path::PathBuf::as_path).chain(SINKS.map(Path::new)) {
        let open = |err: String| Trouble::Open(format!("{} of `commands.writes` cannot be opened: {err}", path.display()));
        let is_dir = fs::metadata(path).map_err(|err| open(err.to_string()))?.is_dir();
        let access = if is_dir { all } else { all & AccessFs::from_file(WANTED) };
        let handle = PathFd::new(path).map_err(|err| open(err.to_string()))?;
        ruleset = ruleset.add_rule(PathBeneath::new(handle, access))?;
    }
    Ok(ruleset.no_new_privs(false).restrict_self()?.ruleset)
}
