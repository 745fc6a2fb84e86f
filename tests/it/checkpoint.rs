//! Checkpoints: whole or not at all, never two writers, never a silent step back.

use llm_triage::checkpoint::{Checkpoint, Health, Loaded, StartError, Store, Writer, encode};
use llm_triage::time::Timestamp;
use std::collections::BTreeSet;
use std::fs;
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
    Store::open(dir).expect("ours").save(&bytes).expect("saved");
}

fn load(dir: &Path) -> Result<Loaded<String>, StartError> {
    Store::open(dir).expect("ours").load()
}

#[test]
fn what_was_saved_is_loaded() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path().join("made/on/the/way");
    assert!(matches!(load(&dir), Ok(Loaded::Nothing)));
    save(&dir, "one");
    save(&dir, "two");
    let Ok(Loaded::Good(loaded)) = load(&dir) else { panic!("not loaded") };
    assert_eq!(*loaded, checkpoint("two"));
}

#[test]
fn every_damage_is_noticed_and_the_damaged_file_kept() {
    let good = encode(&checkpoint("state")).expect("encoded");
    let mut damaged: Vec<Vec<u8>> = (0..good.len()).map(|end| good[..end].to_vec()).collect();
    damaged.extend((0..good.len()).map(|at| {
        let mut bytes = good.clone();
        bytes[at] ^= 0x20;
        bytes
    }));
    let dir = tempfile::tempdir().expect("a directory");
    for bytes in damaged {
        fs::write(dir.path().join("checkpoint.json"), &bytes).expect("written");
        match load(dir.path()) {
            Ok(Loaded::Corrupt) => {
                assert_eq!(fs::read(dir.path().join("checkpoint.json.corrupt")).expect("kept"), bytes);
                assert!(matches!(load(dir.path()), Ok(Loaded::Nothing)));
            }
            // White space and upper case in the first line do no harm, and a damaged version may be a newer one.
            Ok(Loaded::Good(loaded)) => assert_eq!(*loaded, checkpoint("state")),
            Err(StartError::Newer { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_newer_version_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let bytes = b"{\"llm_triage_checkpoint\":2,\"bytes\":7,\"crc32\":1,\"more\":[]}\nnot ours";
    fs::write(dir.path().join("checkpoint.json"), bytes).expect("written");
    let error = load(dir.path()).expect_err("refused").to_string();
    assert!(error.contains("version 2 is newer than this program"), "{error}");
    assert_eq!(fs::read(dir.path().join("checkpoint.json")).expect("there"), bytes);
}

#[test]
fn a_second_daemon_is_kept_out() {
    let dir = tempfile::tempdir().expect("a directory");
    let first = Store::open(dir.path()).expect("ours");
    let error = Store::open(dir.path()).expect_err("taken").to_string();
    assert!(error.starts_with("another llm-triage uses the state directory"), "{error}");
    drop(first);
    Store::open(dir.path()).expect("free again");
}

#[test]
fn a_directory_that_cannot_be_written_costs_durability_only() {
    let dir = tempfile::tempdir().expect("a directory");
    // A file in the way stands for a read-only disk: tests may run as root, who writes everywhere.
    let way = dir.path().join("state");
    fs::write(&way, "in the way").expect("written");
    let store = Store::open(&way.join("llm-triage")).expect("runs on");
    let health = Arc::new(Health::default());
    let writer = Writer::spawn(store, Arc::clone(&health)).expect("a thread");
    let bytes = encode(&checkpoint("state")).expect("encoded");
    writer.write(bytes.clone());
    writer.write(bytes.clone());
    assert_eq!(health.failures.load(Ordering::Relaxed), 2);
    assert_eq!(health.written_micros.load(Ordering::Relaxed), 0);
    fs::remove_file(&way).expect("removed");
    writer.write(bytes);
    assert_eq!(health.failures.load(Ordering::Relaxed), 2);
    assert!(health.written_micros.load(Ordering::Relaxed) > 0);
    writer.finish().expect("ended well");
    assert!(matches!(load(&way.join("llm-triage")), Ok(Loaded::Good(_))));
}
