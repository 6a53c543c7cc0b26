//! Runs a command to its end from the daemon: looks whether it may run, starts the child that looks after it, waits for the report. It waits
//! for a bounded time whatever the command and the child do, and it touches no process that is not the child's.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, PidfdFlags, Signal, geteuid, pidfd_open};

use super::cancel::wait_for;
use super::capture::{after_cut, before_cut};
use super::protocol::{Ending, MAX_ORDERS_BYTES, Orders, Report, max_report_bytes, millis};
use super::supervisor::{KILL_WAIT, SETTLE};
use super::{Cancel, Command, CommandError, Context, Failure, Output, account, family, resolve, show};

/// The hidden subcommand that the child is started with.
pub const SUBCOMMAND: &str = "run-command";
/// Between the polite signal and the other one.
const GRACE: Duration = Duration::from_secs(2);
/// What the child may need besides: to be loaded, and to be given processor time on a machine that is busy with other things.
const SLACK: Duration = Duration::from_secs(30);
/// The longest argument, in bytes: what Linux takes, with its NUL.
const MAX_ARGUMENT_BYTES: usize = (128 << 10) - 1;
/// All arguments together: half of what Linux takes with the usual stack, since the environment counts too.
const MAX_ARGUMENTS_BYTES: usize = 1 << 20;
/// What the kernel says when arguments and environment are too long.
const E2BIG: i32 = 7;
/// When a file is no program, or a script without its first line.
const ENOEXEC: i32 = 8;
/// When the interpreter of a script is not there.
const ENOENT: i32 = 2;
/// When a file may not be executed, by its mode or the mount's.
const EACCES: i32 = 13;

/// Runs commands.
#[derive(Debug, Clone)]
pub struct Runner {
    child: PathBuf,
    arguments: Vec<OsString>,
    privileges: Privileges,
}

/// How a command becomes root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Privileges {
    /// The daemon is root.
    Root,
    /// Through this sudo, without a password.
    Sudo(PathBuf),
}

impl Privileges {
    /// Those of this process.
    pub fn detect() -> Privileges {
        if geteuid().is_root() { Privileges::Root } else { Privileges::Sudo("/usr/bin/sudo".into()) }
    }
}

impl Runner {
    /// The running program is the child too, also when its file was replaced meanwhile.
    pub fn current() -> Runner {
        Runner { child: "/proc/self/exe".into(), arguments: vec![SUBCOMMAND.into()], privileges: Privileges::detect() }
    }

    /// Another program that calls [`super::child_main`] when it is started like this.
    pub fn at(child: PathBuf, arguments: Vec<OsString>, privileges: Privileges) -> Runner {
        Runner { child, arguments, privileges }
    }

    /// Looks whether the command may run, and starts nothing: what it would find wrong, it finds wrong again when it runs.
    pub fn check(&self, command: &Command, context: &Context<'_>) -> Result<(), CommandError> {
        self.orders(command, context).map(drop).map_err(|failure| failed(command, context, failure, Output::default()))
    }

    /// Runs the command and waits until nothing of it is left. Call it from a thread that may block: it takes as long as the command,
    /// at the longest its timeout and a few seconds.
    pub fn run(&self, command: &Command, context: &Context<'_>) -> Result<Output, CommandError> {
        let orders = self.orders(command, context).map_err(|failure| failed(command, context, failure, Output::default()))?;
        if context.cancel.is_cancelled() {
            return Err(failed(command, context, Failure::Cancelled { survivors: 0 }, Output::default()));
        }
        let report = self.supervise(&orders, context.cancel);
        let report = report.map_err(|failure| match failure {
            // It may have been asked to end before it had its orders.
            Failure::Lost(_) if context.cancel.is_cancelled() => Failure::Cancelled { survivors: 0 },
            other => other,
        });
        let report = report.map_err(|failure| failed(command, context, failure, Output::default()))?;
        let output = output(&report, context.mask);
        match failure(&report, &orders, context.mask) {
            None => Ok(output),
            Some(failure) => Err(failed(command, context, failure, output)),
        }
    }

    fn orders(&self, command: &Command, context: &Context<'_>) -> Result<Orders, Failure> {
        let permits = context.permits;
        if command.root && !permits.root() {
            return Err(Failure::RootNotAllowed);
        }
        check_texts(&command.arguments, context.deployment_id)?;
        let environment = permits.environment(context.role.as_str(), context.deployment_id);
        let user = if command.root { None } else { permits.user() };
        let account = user.map(|user| self.account(user)).transpose()?;
        let mut trusted = vec![0, geteuid().as_raw()];
        trusted.extend(account.map(|account| account.uid));
        let search_path = environment.get("PATH").map_or("", String::as_str);
        let found = resolve::resolve(&command.program, permits, search_path, &trusted)?;
        let mut arguments = found.arguments;
        arguments.extend(command.arguments.iter().cloned());
        check_lengths(&arguments)?;
        let (mut program, mut name, mut writes) = (found.program, found.name, permits.writes().to_owned());
        let mut new_privileges = false;
        if let (true, Privileges::Sudo(sudo)) = (command.root, &self.privileges) {
            let listed = program.to_str().ok_or_else(|| Failure::Invalid("its path is no UTF-8: rename it".to_owned()))?;
            if !sudo.is_file() {
                return Err(Failure::NotFound { program: "sudo".to_owned(), searched: sudo.display().to_string() });
            }
            arguments.splice(0..0, ["-n", "--", listed].map(str::to_owned));
            (program, name, new_privileges) = (sudo.clone(), "sudo".to_owned(), true);
            // Confinement takes `no new privileges`, with which sudo cannot work.
            writes.clear();
        }
        let mut orders = Orders {
            program,
            name,
            arguments,
            environment,
            account,
            new_privileges,
            writes,
            timeout_ms: 0,
            grace_ms: millis(GRACE),
            output_bytes: 0,
            cpu_seconds: 0,
            memory_bytes: 0,
            open_files: 0,
            processes: 0,
            file_bytes: 0,
        };
        orders.limit(permits.limits(), command.timeout);
        Ok(orders)
    }

    fn account(&self, user: &str) -> Result<account::Account, Failure> {
        let fail = |reason: String| Failure::Account { user: user.to_owned(), reason };
        if self.privileges != Privileges::Root {
            return Err(fail(
                "only a root daemon can: remove `commands.user` from the sandbox files, or run the daemon as root".to_owned(),
            ));
        }
        match account::find(user) {
            Ok(Some(account)) => Ok(account),
            Ok(None) => Err(fail("there is no such account in /etc/passwd: add it, or correct `commands.user`".to_owned())),
            Err(err) => Err(fail(format!("/etc/passwd cannot be read: {err}"))),
        }
    }

    fn supervise(&self, orders: &Orders, cancel: &Cancel) -> Result<Report, Failure> {
        let mut line = serde_json::to_vec(orders).map_err(|err| Failure::Invalid(format!("it cannot be passed on: {err}")))?;
        line.push(b'\n');
        if line.len() > MAX_ORDERS_BYTES {
            return Err(Failure::TooLong { what: "orders", bytes: line.len(), limit_bytes: MAX_ORDERS_BYTES });
        }
        let mut child = std::process::Command::new(&self.child)
            .args(&self.arguments)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|err| Failure::NotStarted(format!("{} cannot be run: {err}", self.child.display())))?;
        let longest = Duration::from_millis(orders.timeout_ms) + GRACE + KILL_WAIT + 2 * SETTLE + SLACK;
        let answer = exchange(&mut child, &line, max_report_bytes(orders.output_bytes), cancel, longest);
        let silent = answer.as_ref().is_ok_and(Vec::is_empty);
        let report = answer.and_then(|bytes| serde_json::from_slice::<Report>(&bytes).map_err(io::Error::other));
        let status = end(child, report.is_ok());
        report.map_err(|err| {
            let how = match status {
                Some(status) if silent => format!("ended early ({status})"),
                _ => format!("did not answer as it should ({err})"),
            };
            Failure::Lost(format!("the process that looks after it {how}, so what it started was ended; it is tried again"))
        })
    }
}

/// Gives the orders and takes the report. Leaves standard input open until the report is there or nobody wants it.
fn exchange(child: &mut Child, orders: &[u8], max_bytes: usize, cancel: &Cancel, longest: Duration) -> io::Result<Vec<u8>> {
    let mut stdin = Some(child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?);
    let mut stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    set_nonblocking(stdin.as_ref())?;
    let (mut given, mut report) = (0, Vec::new());
    let deadline = Instant::now() + longest;
    let mut chunk = vec![0; 64 << 10];
    loop {
        let writer = stdin.as_ref().filter(|_| given < orders.len());
        let mut fds = vec![PollFd::new(&stdout, PollFlags::IN)];
        fds.extend(writer.map(|writer| PollFd::new(writer, PollFlags::OUT)));
        let others = fds.len();
        if stdin.is_some() {
            fds.extend(cancel.poll_fds());
        }
        if wait_for(&mut fds, Some(deadline))? == 0 {
            return Err(io::Error::from(io::ErrorKind::TimedOut));
        }
        let ready: Vec<_> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        if ready[0] {
            match stdout.read(&mut chunk)? {
                0 => return Ok(report),
                count if report.len() + count > max_bytes => return Err(io::Error::other("its report is too long")),
                count => report.extend_from_slice(&chunk[..count]),
            }
        }
        if let (Some(writer), true) = (stdin.as_mut(), others > 1 && ready[1]) {
            match writer.write(&orders[given..]) {
                Ok(count) => given += count,
                Err(err) if err.kind() == io::ErrorKind::WouldBlock => {}
                // It ended: its standard output says how.
                Err(_) => given = orders.len(),
            }
        }
        if ready[others..].contains(&true) {
            stdin = None;
        }
    }
}

fn set_nonblocking(stdin: Option<&ChildStdin>) -> io::Result<()> {
    if let Some(stdin) = stdin {
        fcntl_setfl(stdin, fcntl_getfl(stdin)? | OFlags::NONBLOCK)?;
    }
    Ok(())
}

/// Waits for the child. One that did not report is killed with what it had started. If it was killed by others, its session still tells
/// what it had started, except who left the session too. Gives how it ended.
fn end(mut child: Child, reported: bool) -> Option<ExitStatus> {
    let pid = Pid::from_child(&child);
    if !reported {
        // While it lives, all are below it.
        let _ = family::signal_descendants(pid, &[Signal::KILL]);
        let _ = child.kill();
    }
    let ended = pidfd_open(pid, PidfdFlags::empty()).is_ok_and(|handle| has_ended(&File::from(handle)));
    if !reported {
        let _ = family::signal_session(pid, &[Signal::KILL]);
    }
    // One that the kernel holds must not hold the daemon: it stays a zombie then.
    if ended { child.wait().ok() } else { None }
}

fn has_ended(handle: &File) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(handle.as_fd(), PollFlags::IN)];
    wait_for(&mut fds, Some(Instant::now() + SLACK)).is_ok_and(|count| count > 0)
}

fn check_texts(arguments: &[String], deployment_id: &str) -> Result<(), Failure> {
    if let Some(index) = arguments.iter().position(|argument| argument.contains('\0')) {
        return Err(Failure::Invalid(format!("argument {} contains a NUL: remove it", index + 1)));
    }
    if deployment_id.contains('\0') {
        return Err(Failure::Invalid("the deployment's id contains a NUL".to_owned()));
    }
    Ok(())
}

fn check_lengths(arguments: &[String]) -> Result<(), Failure> {
    let longest = arguments.iter().map(String::len).max().unwrap_or(0);
    if longest > MAX_ARGUMENT_BYTES {
        return Err(Failure::TooLong { what: "an argument", bytes: longest, limit_bytes: MAX_ARGUMENT_BYTES });
    }
    if arguments.iter().any(|argument| argument.contains('\0')) {
        return Err(Failure::Invalid("its text contains a NUL: remove it".to_owned()));
    }
    // As the kernel counts them: with a NUL and a pointer each.
    let bytes = arguments.iter().map(|argument| argument.len() + 1 + size_of::<usize>()).sum();
    if bytes > MAX_ARGUMENTS_BYTES {
        return Err(Failure::TooLong { what: "arguments", bytes, limit_bytes: MAX_ARGUMENTS_BYTES });
    }
    Ok(())
}

fn failed(command: &Command, context: &Context<'_>, failure: Failure, output: Output) -> CommandError {
    CommandError {
        what: command.what.clone(),
        command: show::command(command, context.mask),
        failure: failure.masked(context.mask),
        output: Box::new(output),
    }
}

fn output(report: &Report, mask: &dyn Fn(&str) -> String) -> Output {
    let head = mask(&report.head);
    if report.left_out_bytes == 0 {
        return Output { text: head, left_out_bytes: 0 };
    }
    let tail = mask(&report.tail);
    let (begin, end) = (before_cut(&head), after_cut(&tail));
    let left_out_bytes = report.left_out_bytes + (head.len() - begin.len() + tail.len() - end.len()) as u64;
    let line = if begin.is_empty() || begin.ends_with('\n') { "" } else { "\n" };
    Output { text: format!("{begin}{line}… {left_out_bytes} bytes left out …\n{end}"), left_out_bytes }
}

fn failure(report: &Report, orders: &Orders, mask: &dyn Fn(&str) -> String) -> Option<Failure> {
    let survivors = report.survivors;
    match &report.ending {
        Ending::Exited(0) if report.leftovers == 0 => None,
        Ending::Exited(0) => Some(Failure::Leftovers { count: report.leftovers, survivors }),
        Ending::Exited(code) => Some(Failure::Exit(*code)),
        Ending::Signalled(number) => Some(Failure::Signal(*number)),
        Ending::TimedOut => Some(Failure::TimedOut { after: Duration::from_millis(orders.timeout_ms), survivors }),
        Ending::Cancelled => Some(Failure::Cancelled { survivors }),
        Ending::NotConfined(reason) => Some(Failure::NotConfined(reason.clone())),
        Ending::NotStarted { errno, message } => Some(not_started(*errno, &mask(message), &orders.program)),
    }
}

fn not_started(errno: Option<i32>, message: &str, program: &Path) -> Failure {
    let unfit = |reason: &str| Failure::NotExecutable { program: program.to_owned(), reason: reason.to_owned() };
    match errno {
        Some(ENOEXEC) => unfit("is no program for this machine: a script begins with `#!` and its interpreter"),
        Some(ENOENT) => unfit("was there, but what runs it is not: install its interpreter or loader"),
        Some(EACCES) => unfit("may not be executed by the user that it runs as: look at its mode, and the mount's `noexec`"),
        Some(E2BIG) => Failure::Invalid("its arguments and environment together are too long for this machine: shorten them".to_owned()),
        _ => Failure::NotStarted(message.to_owned()),
    }
}
