//! The child that looks after one command: starts it, ends it and all that comes from it, and reports. It takes orders on standard input
//! and ends the command when that is closed, so a command never outlives the daemon. It decides nothing that the orders do not say.
//!
//! It stays the command's parent, and every orphan below becomes its child: when it has no children left, nothing of the command is left.
//! Only if it and the daemon are killed in the same moment does the command run on; and what starts processes, each in a session of its
//! own, faster than they are found is given up after a while and told: a limit of processes prevents that, which binds all but root.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, getpid, kill_process_group, set_child_subreaper, setsid, umask, wait, waitid,
};

use super::capture::Capture;
use super::protocol::{Ending, MAX_ORDERS_BYTES, Orders, Report};
use super::{confine, family};

/// How long what a command started may take to end after it: a pager or an agent that notices the end of its pipe.
pub(super) const SETTLE: Duration = Duration::from_millis(250);
/// How long killed processes may take to vanish. The kernel may hold one longer, on a file system that does not answer.
pub(super) const KILL_WAIT: Duration = Duration::from_secs(3);
/// Between two looks for processes that others started while the first look lasted.
const KILL_AGAIN: Duration = Duration::from_millis(10);
/// How much of the output is read at once.
const CHUNK_BYTES: usize = 64 << 10;

/// What the threads tell the one that decides.
enum Event {
    /// Nobody wants the command any more.
    Cancelled,
    /// It ended.
    Ended(Ending),
    /// There are no processes below this one.
    Childless,
}

/// All of a child's life, as a program's `main`: [`supervise`], with its error on standard error.
pub fn child_main() -> ExitCode {
    match supervise() {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("{err}");
            ExitCode::FAILURE
        }
    }
}

/// Everything that the child does, for a hidden subcommand of the program: see [`super::SUBCOMMAND`]. Takes orders on standard input and
/// reports on standard output, then the process is to end.
///
/// Call it from the main thread before anything is opened and any other thread is started: it closes all files but the first three. An
/// error: there were no orders, or the system refused what every child needs.
pub fn supervise() -> io::Result<()> {
    confine::close_inherited()?;
    let mut input = BufReader::new(io::stdin());
    let mut line = Vec::new();
    input.by_ref().take(MAX_ORDERS_BYTES as u64).read_until(b'\n', &mut line)?;
    let orders: Orders = serde_json::from_slice(&line)?;
    // A terminal of the daemon is none of the command's. Who leads a group already may not, and then has none.
    let _ = setsid();
    set_child_subreaper(Some(getpid()))?;
    std::env::set_current_dir("/")?;
    umask(Mode::WGRP | Mode::WOTH);

    let (events, received) = channel();
    let told = events.clone();
    spawn("listener", move || {
        let _ = io::copy(&mut input, &mut io::sink());
        let _ = told.send(Event::Cancelled);
    })?;
    let report = Supervisor::new(orders, events, received)?.run();
    // The daemon may be gone: nobody wants the report then.
    let _ = io::stdout().lock().write_all(&serde_json::to_vec(&report)?);
    Ok(())
}

struct Supervisor {
    orders: Orders,
    received: Receiver<Event>,
    capture: Arc<Mutex<Capture>>,
    /// Closed when nobody can print any more, which says nothing of who runs.
    printed: Receiver<()>,
    /// The command while its number is still its own, that is, while nobody waited for it.
    main: Arc<Mutex<Option<Pid>>>,
    /// Starts the waiting, once there is something to wait for.
    started: SyncSender<()>,
    writer: Option<std::os::fd::OwnedFd>,
}

impl Supervisor {
    /// Prepares all threads: the limits may allow none later.
    fn new(orders: Orders, events: Sender<Event>, received: Receiver<Event>) -> io::Result<Supervisor> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
        let capture = Arc::new(Mutex::new(Capture::new(orders.output_bytes)));
        let kept = Arc::clone(&capture);
        let (printing, printed) = sync_channel::<()>(0);
        spawn("reader", move || {
            read_output(reader.into(), &kept);
            drop(printing);
        })?;
        let main = Arc::new(Mutex::new(None));
        let (started, start) = sync_channel(1);
        let waited = Arc::clone(&main);
        spawn("reaper", move || {
            if start.recv().is_ok() {
                reap(&waited, &events);
            }
        })?;
        Ok(Supervisor { orders, received, capture, main, printed, started, writer: Some(writer) })
    }

    fn run(mut self) -> Report {
        let started = Instant::now();
        if let Err(ending) = self.start() {
            return self.report(ending, 0, 0);
        }
        let ending = self.wait_for_end(started + Duration::from_millis(self.orders.timeout_ms));
        let by_itself = matches!(ending, Ending::Exited(_) | Ending::Signalled(_));
        let (leftovers, survivors) = if by_itself {
            if self.is_childless_within(SETTLE) { (0, 0) } else { self.kill_all() }
        } else {
            // Stopped processes notice nothing until they go on.
            self.signal_all(&[Signal::TERM, Signal::CONT]);
            let grace = Duration::from_millis(self.orders.grace_ms);
            if self.is_childless_within(grace) { (0, 0) } else { (0, self.kill_all().1) }
        };
        self.report(ending, leftovers, survivors)
    }

    fn start(&mut self) -> Result<(), Ending> {
        confine::confine(&self.orders).map_err(Ending::NotConfined)?;
        let not_started = |err: io::Error| Ending::NotStarted { errno: err.raw_os_error(), message: err.to_string() };
        let writer = self.writer.take().expect("made with one, and started once");
        let mut command = Command::new(&self.orders.program);
        command
            .arg0(&self.orders.name)
            .args(&self.orders.arguments)
            .env_clear()
            .envs(&self.orders.environment)
            .stdin(Stdio::null())
            .stdout(writer.try_clone().map_err(not_started)?)
            .stderr(writer)
            .process_group(0);
        if let Some(account) = self.orders.account {
            command.uid(account.uid).gid(account.gid);
        }
        let child = command.spawn().map_err(not_started)?;
        confine::relax();
        *lock(&self.main) = Some(Pid::from_child(&child));
        // The reaper waits for it, as it does for all others. It is there: it only ends when this is dropped.
        let _ = self.started.send(());
        Ok(())
    }

    fn wait_for_end(&self, deadline: Instant) -> Ending {
        match self.received.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Event::Ended(ending)) => ending,
            Ok(Event::Cancelled) => Ending::Cancelled,
            Err(RecvTimeoutError::Timeout) => Ending::TimedOut,
            Ok(Event::Childless) | Err(RecvTimeoutError::Disconnected) => {
                Ending::NotStarted { errno: None, message: "the system does not tell how it ended".to_owned() }
            }
        }
    }

    fn is_childless_within(&self, longest: Duration) -> bool {
        let deadline = Instant::now() + longest;
        loop {
            match self.received.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Event::Childless) => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
    }

    /// Kills until nothing is left, or for as long as is sensible. Says how many there were at first, at least one, and at last.
    fn kill_all(&self) -> (usize, usize) {
        let deadline = Instant::now() + KILL_WAIT;
        let first = self.signal_all(&[Signal::KILL]);
        let mut last = first;
        loop {
            if self.is_childless_within(KILL_AGAIN) {
                return (first.max(1), 0);
            }
            if Instant::now() >= deadline {
                return (first.max(1), last.max(1));
            }
            last = self.signal_all(&[Signal::KILL]);
        }
    }

    /// The group at once, since nobody in it can start another one meanwhile; then whoever left it.
    fn signal_all(&self, signals: &[Signal]) -> usize {
        let main = lock(&self.main);
        for signal in signals {
            if let Some(group) = *main {
                let _ = kill_process_group(group, *signal);
            }
        }
        drop(main);
        family::signal_descendants(getpid(), signals).unwrap_or(0)
    }

    fn report(self, ending: Ending, leftovers: usize, survivors: usize) -> Report {
        // What is still printing then is a survivor.
        drop(self.writer);
        let _ = self.printed.recv_timeout(SETTLE);
        let capture = std::mem::replace(&mut *lock(&self.capture), Capture::new(0));
        let kept = capture.finish();
        Report { ending, leftovers, survivors, head: kept.head, tail: kept.tail, left_out_bytes: kept.left_out }
    }
}

/// Waits for every child, the adopted ones too. The command's own end is told; so is the end of all.
fn reap(main: &Mutex<Option<Pid>>, events: &Sender<Event>) {
    loop {
        // Leaves the dead one where it is: until `main` is locked, its number must stay taken.
        match waitid(WaitId::All, WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => {
                let _ = events.send(Event::Childless);
                return;
            }
        }
        let mut main = lock(main);
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            if *main == Some(pid) {
                *main = None;
                let status = std::process::ExitStatus::from_raw(status.as_raw());
                let ending = match (status.code(), status.signal()) {
                    (Some(code), _) => Ending::Exited(code),
                    (None, signal) => Ending::Signalled(signal.unwrap_or(0)),
                };
                let _ = events.send(Event::Ended(ending));
            }
        }
    }
}

fn read_output(mut pipe: std::fs::File, capture: &Mutex<Capture>) {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match pipe.read(&mut chunk) {
            Ok(0) => return,
            Ok(count) => lock(capture).push(&chunk[..count]),
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
