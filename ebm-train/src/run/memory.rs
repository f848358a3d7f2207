//! Memory: whether a net fits into it, asked before any of it is taken, and what a run took.

use crate::Error;
use std::fs;

/// Fails, naming the flag that sets the net's size, when `needed` bytes are more than there are.
pub fn check(flag: &'static str, needed: u64) -> Result<(), Error> {
    match available() {
        Some(available) if needed > available => {
            let megabytes = |bytes: u64| bytes / 1_000_000;
            Err(Error::TooLarge { flag, needed_mb: megabytes(needed), available_mb: megabytes(available) })
        }
        _ => Ok(()),
    }
}

/// Bytes that this process may still take: the least of what the machine has free and of the limits set for the process and its
/// control group. `None` where the system does not tell.
fn available() -> Option<u64> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let free = field(&read("/proc/meminfo"), "MemAvailable:").and_then(|kib| kib.checked_mul(1024));
    let group = number(&read("/sys/fs/cgroup/memory.max"))
        .map(|max| max.saturating_sub(field(&read("/sys/fs/cgroup/memory.stat"), "anon ").unwrap_or(0)));
    let limit = field(&read("/proc/self/limits"), "Max address space");
    [free, group, limit].into_iter().flatten().min()
}

/// The most bytes that this process has held at a time. `None` where the system does not tell.
pub fn peak() -> Option<u64> {
    field(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")?.checked_mul(1024)
}

/// The number after `name` at the beginning of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_the_system_writes_them() {
        assert_eq!(field("MemTotal: 2 kB\nMemAvailable:   17 kB\n", "MemAvailable:"), Some(17));
        let limits = "Max cpu time   unlimited  unlimited  seconds\nMax address space   2000000   unlimited   bytes\n";
        assert_eq!(field(limits, "Max address space"), Some(2_000_000));
        assert_eq!(field(limits, "Max cpu time"), None);
        assert_eq!(field("", "MemAvailable:"), None);
    }

    #[test]
    fn a_net_larger_than_any_memory_is_refused_by_the_flag() {
        assert!(check("--hidden", 1).is_ok());
        if available().is_some() {
            let error = check("--hidden", u64::MAX).expect_err("no machine has so much").to_string();
            assert!(error.starts_with("--hidden: training takes about 18446744073709 MB, but "), "{error}");
        }
    }
}
