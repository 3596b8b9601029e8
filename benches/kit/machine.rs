//! A line about the machine, for every figure to be read with.

/// What the figures depend on.
pub(crate) fn describe() -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    format!(
        "machine: {cores} cores, {model}, Linux {}, load average at the start {}",
        kernel.trim(),
        load.split(' ').next().unwrap_or_default()
    )
}
