//! Takes from this process what the work on files does not need. It cannot be taken back, and touches no file.

use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, RulesetStatus, Scope,
};
use nix::sys::signal::{SigSet, Signal};
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs};
use serde::{Deserialize, Serialize};

/// More than the work on any role has open at once; below it many systems' own limit is not raised.
const MAX_OPEN_FILES: u64 = 1024;
/// The newest version of Landlock whose rights are known here. An older kernel takes those that it knows.
const NEWEST: ABI = ABI::V6;

/// How far the kernel keeps the child below its roots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confinement {
    /// What became of Landlock.
    pub landlock: Landlock,
}

/// What became of Landlock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Landlock {
    /// Everything but the roots is shut off.
    Full,
    /// All files but those in the roots are shut off; the kernel is too old for shutting off the rest.
    Partial,
    /// This kernel has none, or one that is too old for moving files. Paths are still resolved beneath the roots only.
    Absent {
        /// What the kernel said.
        reason: String,
    },
}

/// What a root may be used for. Nothing may be executed, and no devices, pipes, sockets or symlinks may be made.
fn rights() -> BitFlags<AccessFs> {
    AccessFs::ReadFile
        | AccessFs::ReadDir
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir
        | AccessFs::Refer
}

/// What root needs to give files away and to work in others' directories. All else goes: devices, the network, quotas, other processes.
const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::DAC_READ_SEARCH)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID);

/// Confines this thread, and every thread and process that it starts from now on, to the roots. Call it before a second thread is started.
///
/// A root that is not there is left out. The error names what the kernel refused, and then nothing must be done.
pub(super) fn restrict(roots: &[PathBuf]) -> Result<Confinement, String> {
    let told = |what: &'static str| move |err: rustix::io::Errno| format!("{what}: {err}");
    rustix::process::umask(Mode::WGRP | Mode::WOTH);
    // A write beyond the limit on file sizes fails with an error that names the file; by default it would end the process.
    SigSet::from(Signal::SIGXFSZ).thread_block().map_err(|err| format!("a signal cannot be held back: {err}"))?;
    // Secrets may be in memory.
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).map_err(told("core files cannot be turned off"))?;
    let most = getrlimit(Resource::Nofile).maximum.map_or(MAX_OPEN_FILES, |most| most.min(MAX_OPEN_FILES));
    let files = Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::Nofile, files).map_err(told("open files cannot be limited"))?;
    set_no_new_privs(true).map_err(told("new privileges cannot be given up"))?;
    let landlock = match enforce(roots) {
        Ok(landlock) => landlock,
        Err(err) => Landlock::Absent { reason: err.to_string() },
    };
    let held = capabilities(None).map_err(told("its privileges cannot be read"))?;
    let kept = CapabilitySets { effective: held.effective & KEPT, permitted: held.permitted & KEPT, inheritable: CapabilitySet::empty() };
    set_capabilities(None, kept).map_err(told("its privileges cannot be given up"))?;
    Ok(Confinement { landlock })
}

fn enforce(roots: &[PathBuf]) -> Result<Landlock, RulesetError> {
    // Without the right to move files between directories (Linux 5.19) nothing could be swapped: then rather no Landlock.
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::Refer)?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?;
    let mut created = ruleset.create()?;
    for root in roots {
        let Ok(root) = PathFd::new(root) else { continue };
        created = created.add_rule(PathBeneath::new(root, rights()))?;
    }
    let status = created.restrict_self()?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => Landlock::Full,
        RulesetStatus::PartiallyEnforced => Landlock::Partial,
        RulesetStatus::NotEnforced => Landlock::Absent { reason: "it is turned off in this kernel".into() },
    })
}
