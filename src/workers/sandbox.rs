//! The bounds that a worker puts around itself after it has started, by safe code: limits of
//! resources, then Landlock and seccomp.
//!
//! Each bound that the kernel or a container refuses is named, and the others are put up.

use std::collections::BTreeMap;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetError,
    RulesetStatus, Scope,
};
use rustix::process::{Resource, Rlimit, getrlimit, nice, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// Bytes of stack of the thread that only waits.
const STACK_BYTES: u64 = 1 << 20;
/// Files that may be open while a worker starts; fonts are.
const FILES_MAX: u64 = 1024;
/// By how much work yields to the service itself.
const NICENESS: i32 = 5;
/// An allocation that must fail while the limit is smaller.
const PROBE_BYTES: u64 = 64 << 20;

/// Limits everything that is limited by number. SECURITY: the memory of one job is its parent's to
/// set, below this; neither can be raised from inside, since seccomp refuses the call.
pub(super) fn limit_resources(bytes_max: u64) -> Vec<&'static str> {
    let mut missing = Vec::new();
    // It is no loss where this is refused.
    nice(NICENESS).ok();
    let limits = [
        ("core dumps", Resource::Core, 0),
        ("file sizes", Resource::Fsize, 0),
        ("open files", Resource::Nofile, FILES_MAX),
        ("stack", Resource::Stack, STACK_BYTES),
    ];
    for (name, resource, value) in limits {
        if !limit(resource, value) {
            missing.push(name);
        }
    }
    if !limits_memory(bytes_max) {
        missing.push("memory");
    }
    missing
}

/// Limits a resource to this, or to less where there was a limit before.
fn limit(resource: Resource, value: u64) -> bool {
    let value = getrlimit(resource).maximum.unwrap_or(value).min(value);
    let limit = Rlimit {
        current: Some(value),
        maximum: Some(value),
    };
    setrlimit(resource, limit).is_ok()
}

/// Limits memory, and tries whether the kernel means it.
fn limits_memory(bytes_max: u64) -> bool {
    let bytes_max = getrlimit(Resource::Data)
        .maximum
        .unwrap_or(bytes_max)
        .min(bytes_max);
    let limit = |bytes: u64| {
        let limit = Rlimit {
            current: Some(bytes.min(bytes_max)),
            maximum: Some(bytes_max),
        };
        setrlimit(Resource::Data, limit).is_ok()
    };
    let held = super::memory::data_bytes("/proc/self/statm").unwrap_or_default();
    let is_limited = limit(held + PROBE_BYTES / 2);
    let is_refused = Vec::<u8>::new()
        .try_reserve_exact(PROBE_BYTES as usize)
        .is_err();
    limit(bytes_max) && is_limited && is_refused
}

/// No file is opened from here on, and no other process reached. To be called before there are
/// other threads, which inherit it.
pub(super) fn close_files() -> Option<&'static str> {
    // A ruleset is a file while it is made: only then may there be no more. What is open stays so.
    let landlock = landlock();
    let has_no_more = limit(Resource::Nofile, 0);
    match landlock {
        Ok(RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced) if has_no_more => None,
        Ok(RulesetStatus::NotEnforced) | Err(_) => Some("Landlock"),
        Ok(_) => Some("open files"),
    }
}

fn landlock() -> Result<RulesetStatus, RulesetError> {
    // Kernels with an older one do what they can of it.
    let abi = ABI::V6;
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?
        .restrict_self()?;
    Ok(status.ruleset)
}

/// Only what computing takes is let through to the kernel from here on, in all threads.
pub(super) fn close_calls() -> Vec<&'static str> {
    let mut missing = Vec::new();
    if !limit(Resource::Nproc, 0) {
        missing.push("processes");
    }
    let applied = filter()
        .ok()
        .is_some_and(|filter| seccompiler::apply_filter_all_threads(&filter).is_ok());
    if !applied {
        missing.push("seccomp");
    }
    missing
}

/// SECURITY: an allow-list. Everything else answers that it is not permitted: no file, socket,
/// process or signal to another; memory only private, without a file behind it, counted by
/// `RLIMIT_DATA`, and never executable.
fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
    let plain = [
        libc::SYS_read,
        libc::SYS_pread64,
        libc::SYS_write,
        libc::SYS_close,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_sched_yield,
        libc::SYS_clock_gettime,
        libc::SYS_clock_nanosleep,
        libc::SYS_getrandom,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_restart_syscall,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    let masked = |argument, mask: i32, value: i32| {
        let mask = SeccompCmpOp::MaskedEq(mask.cast_unsigned().into());
        let value = value.cast_unsigned().into();
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, mask, value)
    };
    let kinds = libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_GROWSDOWN;
    let own = u64::from(std::process::id());
    let own = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, own)?;
    let conditional = [
        (
            libc::SYS_mmap,
            vec![
                masked(2, libc::PROT_EXEC, 0)?,
                masked(3, kinds, libc::MAP_ANONYMOUS)?,
            ],
        ),
        (libc::SYS_mprotect, vec![masked(2, libc::PROT_EXEC, 0)?]),
        // How it aborts.
        (libc::SYS_tgkill, vec![own]),
    ];
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        plain.into_iter().map(|call| (call, Vec::new())).collect();
    for (call, conditions) in conditional {
        rules.insert(call, vec![SeccompRule::new(conditions)?]);
    }
    let refused = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    let target = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(rules, refused, SeccompAction::Allow, target)?.try_into()
}
