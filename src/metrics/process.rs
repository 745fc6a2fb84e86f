//! Metrics of this process from `/proc`: memory, CPU time, open files. Without `/proc` they are absent.

use super::family;
use super::text::Page;
use std::fs;

/// `USER_HZ`, the unit of the times in `/proc/self/stat`. It is part of the kernel's interface on every architecture that we
/// build for, and independent of the kernel's own tick.
const TICKS_PER_SECOND: f64 = 100.0;

pub(super) fn write(page: &mut Page) {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let boot = fs::read_to_string("/proc/stat").unwrap_or_default();
    let values = [
        (&family::PROCESS_CPU, cpu_seconds(&stat)),
        (&family::PROCESS_OPEN_FDS, open_fds()),
        (&family::PROCESS_MAX_FDS, field(&limits, "Max open files")),
        (&family::PROCESS_RESIDENT_MEMORY, field(&status, "VmRSS:").map(|kib| kib * 1024.0)),
        (&family::PROCESS_VIRTUAL_MEMORY, field(&status, "VmSize:").map(|kib| kib * 1024.0)),
        (&family::PROCESS_START_TIME, start_time(&stat, &boot)),
    ];
    for (family, value) in values {
        if let Some(value) = value {
            page.sample(family, &[], value);
        }
    }
}

/// The first number after `key` at the start of a line.
fn field(text: &str, key: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(key))?;
    rest.split_ascii_whitespace().next()?.parse().ok()
}

/// A field of `/proc/self/stat`, counted from 1 as in proc(5). The second field is the command in brackets, which may contain
/// spaces and brackets itself.
fn stat_field(stat: &str, number: usize) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(number - 3)?.parse().ok()
}

fn cpu_seconds(stat: &str) -> Option<f64> {
    let (user, system) = (stat_field(stat, 14)?, stat_field(stat, 15)?);
    Some((user + system) / TICKS_PER_SECOND)
}

fn start_time(stat: &str, boot: &str) -> Option<f64> {
    Some(field(boot, "btime")? + stat_field(stat, 22)? / TICKS_PER_SECOND)
}

fn open_fds() -> Option<f64> {
    // The directory that is being read is one of them.
    let count = fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1);
    u32::try_from(count).ok().map(f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_with_spaces_and_brackets_does_not_shift_the_fields() {
        let stat = "42 (a) b) S 1 1 1 0 -1 4194560 100 0 0 0 250 150 0 0 20 0 1 0 12345 1000 10 0";
        assert_eq!(cpu_seconds(stat), Some(4.0));
        assert_eq!(start_time(stat, "cpu 1 2\nbtime 1000\n"), Some(1123.45));
    }

    #[test]
    fn missing_fields_are_absent() {
        assert_eq!(cpu_seconds(""), None);
        assert_eq!(field("VmRSS:\t  12 kB\n", "VmRSS:"), Some(12.0));
        assert_eq!(field("Max open files            unlimited   1\n", "Max open files"), None);
    }
}
