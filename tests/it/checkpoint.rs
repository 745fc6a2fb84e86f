//! Checkpoints are written completely or not at all, by one process at a time, and are never ignored silently.

use llm_triage::checkpoint::{Checkpoint, Health, Loaded, StartError, Store, Writer, decode, encode};
use llm_triage::time::Timestamp;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

fn checkpoint(state: &str) -> Checkpoint<String> {
    Checkpoint {
        written: Timestamp::from_second(1_795_166_211),
        starts: 0,
        restoring: false,
        sources: BTreeSet::from(["app".into()]),
        positions: Vec::new(),
        state: Some(state.into()),
    }
}

fn save(dir: &Path, state: &str) {
    let bytes = encode(&checkpoint(state)).expect("encoded");
    Store::open(dir).expect("locked").save(&bytes).expect("saved");
}

fn load(dir: &Path) -> Result<Loaded<String>, StartError> {
    Store::open(dir).expect("locked").load()
}

#[test]
fn a_saved_checkpoint_is_loaded() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path().join("new/state/directory");
    assert!(matches!(load(&dir), Ok(Loaded::Nothing)));
    save(&dir, "one");
    save(&dir, "two");
    let Ok(Loaded::Good(loaded)) = load(&dir) else { panic!("not loaded") };
    assert_eq!(*loaded, checkpoint("two"));
}

#[test]
fn every_corruption_is_detected_and_the_corrupt_file_is_kept() {
    let good = encode(&checkpoint("state")).expect("encoded");
    let mut corrupt: Vec<Vec<u8>> = (0..good.len()).map(|end| good[..end].to_vec()).collect();
    corrupt.extend((0..good.len()).map(|at| {
        let mut bytes = good.clone();
        bytes[at] ^= 0x20;
        bytes
    }));
    let dir = tempfile::tempdir().expect("a directory");
    for bytes in corrupt {
        fs::write(dir.path().join("checkpoint.json"), &bytes).expect("written");
        match load(dir.path()) {
            Ok(Loaded::Corrupt) => {
                assert_eq!(fs::read(dir.path().join("checkpoint.json.corrupt")).expect("kept"), bytes);
                assert!(matches!(load(dir.path()), Ok(Loaded::Nothing)));
            }
            // White space and upper case in the header line do no harm, and a corrupt version number may be a newer one.
            Ok(Loaded::Good(loaded)) => assert_eq!(*loaded, checkpoint("state")),
            Err(StartError::Newer { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_newer_version_is_refused_and_not_changed() {
    let dir = tempfile::tempdir().expect("a directory");
    let bytes = b"{\"llm_triage_checkpoint\":2,\"bytes\":7,\"crc32\":1,\"more\":[]}\nnot ours";
    fs::write(dir.path().join("checkpoint.json"), bytes).expect("written");
    let error = load(dir.path()).expect_err("refused").to_string();
    assert!(error.contains("version 2 is newer than this program"), "{error}");
    assert_eq!(fs::read(dir.path().join("checkpoint.json")).expect("read"), bytes);
}

#[test]
fn a_second_daemon_cannot_use_the_directory() {
    let dir = tempfile::tempdir().expect("a directory");
    let first = Store::open(dir.path()).expect("locked");
    let error = Store::open(dir.path()).expect_err("taken").to_string();
    assert!(error.starts_with("another llm-triage uses the state directory"), "{error}");
    drop(first);
    Store::open(dir.path()).expect("unlocked");
}

#[test]
fn the_writer_retries_when_the_directory_cannot_be_written() {
    let dir = tempfile::tempdir().expect("a directory");
    // A file with the name of the directory simulates a read-only disk: tests may run as root, who can write everywhere.
    let obstacle = dir.path().join("state");
    fs::write(&obstacle, "not a directory").expect("written");
    let store = Store::open(&obstacle.join("llm-triage")).expect("not fatal");
    let health = Arc::new(Health::default());
    let writer = Writer::spawn(store, Arc::clone(&health)).expect("a thread");
    let bytes = encode(&checkpoint("state")).expect("encoded");
    writer.write(bytes.clone());
    writer.write(bytes.clone());
    assert_eq!(health.failures.load(Ordering::Relaxed), 2);
    assert_eq!(health.written_micros.load(Ordering::Relaxed), 0);
    fs::remove_file(&obstacle).expect("removed");
    writer.write(bytes);
    assert_eq!(health.failures.load(Ordering::Relaxed), 2);
    assert!(health.written_micros.load(Ordering::Relaxed) > 0);
    writer.finish().expect("no panic");
    assert!(matches!(load(&obstacle.join("llm-triage")), Ok(Loaded::Good(_))));
}

/// In a directory that others can write to, a link could lead the daemon, which may run as root, to any file.
#[test]
fn no_link_is_followed_when_a_checkpoint_is_written() {
    let dir = tempfile::tempdir().expect("a directory");
    let victim = dir.path().join("victim");
    fs::write(&victim, "precious").expect("written");
    let state = dir.path().join("state");
    fs::create_dir(&state).expect("created");
    std::os::unix::fs::symlink(&victim, state.join("checkpoint.json.tmp")).expect("linked");
    save(&state, "one");
    assert_eq!(fs::read_to_string(&victim).expect("read"), "precious");
    assert!(matches!(load(&state), Ok(Loaded::Good(_))));
    // The rest of a process that was killed while it wrote is replaced.
    let temporary = state.join("checkpoint.json.tmp");
    fs::write(&temporary, "the first half of").expect("written");
    fs::set_permissions(&temporary, fs::Permissions::from_mode(0o666)).expect("changed");
    save(&state, "two");
    let mode = fs::metadata(state.join("checkpoint.json")).expect("exists").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{mode:o}");
    let Ok(Loaded::Good(loaded)) = load(&state) else { panic!("not loaded") };
    assert_eq!(*loaded, checkpoint("two"));
    // A lock in another place would not lock this directory.
    fs::remove_file(state.join("lock")).expect("removed");
    std::os::unix::fs::symlink(dir.path().join("elsewhere"), state.join("lock")).expect("linked");
    let bytes = encode(&checkpoint("three")).expect("encoded");
    Store::open(&state).expect("not fatal").save(&bytes).expect_err("not locked");
    assert!(!dir.path().join("elsewhere").exists());
}

/// A checkpoint that version 0.1.0 wrote, before the types were renamed. The names on disk must never change.
#[test]
fn a_checkpoint_of_an_older_program_is_loaded() {
    let bytes = include_bytes!("../data/checkpoint-v1.json");
    let old: Checkpoint<serde_json::Value> = decode(bytes).expect("a checkpoint");
    let app = old.positions.iter().find(|position| position.path == Path::new("/var/log/llm/app.log")).expect("followed");
    assert_eq!((app.stream, app.source.as_str(), app.offset, app.line), (1, "app", 665, 14));
    assert_eq!((app.key.dev, app.key.ino), (65_024, 10_658_026));
    assert_eq!((app.head.len, app.last_bytes.end, app.last_bytes.len), (665, 665, 256));
    assert_eq!((app.modified, app.closed), (Some(Timestamp::from_micros(1_796_069_986_747_401)), false));
    assert_eq!(old.sources, BTreeSet::from(["app".into()]));
    // Written again, it has the same fields.
    let body = |bytes: &[u8]| -> serde_json::Value {
        let header = bytes.iter().position(|byte| *byte == b'\n').expect("a header line");
        serde_json::from_slice(&bytes[header + 1..]).expect("JSON")
    };
    assert_eq!(body(&encode(&old).expect("encoded")), body(bytes));
    // The state of the pipeline is understood too.
    let state = old.state.expect("a state")["pipeline"].clone();
    serde_json::from_value::<llm_triage::pipeline::State>(state).expect("a state of the pipeline");
}
