//! File systems on which the kernel does not report what other machines write.

use std::fs;
use std::path::{Path, PathBuf};

/// Names of network file systems, and of local ones that other machines or processes may write to.
const REMOTE: [&str; 12] =
    ["nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "glusterfs", "lustre", "afs", "virtiofs", "fuse", "fuseblk"];

/// The file system type of `dir`, if the kernel sends no change events for what other machines write there.
#[must_use]
pub fn remote_file_system(dir: &Path) -> Option<String> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let dir = fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    remote_in(&mounts, &dir)
}

fn remote_in(mounts: &str, dir: &Path) -> Option<String> {
    let parse = |line: &str| {
        let mut words = line.split(' ').skip(1);
        // The kernel writes blanks in a path as octal escapes. They are not decoded: mount points rarely contain blanks.
        Some((PathBuf::from(words.next()?), words.next()?.to_owned()))
    };
    let parents = mounts.lines().filter_map(parse).filter(|(mount_point, _)| dir.starts_with(mount_point));
    let (_, kind) = parents.max_by_key(|(mount_point, _)| mount_point.components().count())?;
    (REMOTE.contains(&kind.as_str()) || kind.starts_with("fuse.")).then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_decides() {
        let mounts = "/dev/sda1 / ext4 rw 0 0\nserver:/logs /var/log nfs4 rw 0 0\ntmpfs /var/log/local tmpfs rw 0 0\n\
                      me /home/me/remote fuse.sshfs rw 0 0\n";
        let check = |dir: &str, expected: Option<&str>| {
            assert_eq!(remote_in(mounts, Path::new(dir)).as_deref(), expected, "{dir}");
        };
        check("/srv", None);
        check("/var/log/app", Some("nfs4"));
        check("/var/log/local/app", None);
        check("/home/me/remote/x", Some("fuse.sshfs"));
    }
}
