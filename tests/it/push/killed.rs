//! A daemon that is killed while a sender pushes. What the last checkpoint has counts once; what the daemon took after it is lost
//! with the process, unless the sender sends it again; what gets no answer is sent again and counts once.

use super::{Door, post, start};
use crate::running::{Server, call, until};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const WINDOW: &str = "llm_triage_window_requests{provider=\"openai\",window=\"1h\"}";

/// The calls in the window of an hour, which the checkpoint has.
fn calls(daemon: &Server) -> usize {
    let count = daemon.metric(WINDOW).unwrap_or(0.0);
    format!("{count}").parse().expect("a whole number")
}

fn wait_for_calls(daemon: &Server, expected: usize) {
    until(&format!("{expected} calls, now {}", calls(daemon)), || (calls(daemon) == expected).then_some(()));
}

fn send(address: &str, number: usize, status: u16) -> Option<u16> {
    post(address, "/", &[], call(number, status).as_bytes()).map(|answer| answer.status)
}

#[test]
fn a_sender_that_continues_after_a_kill_loses_only_what_the_checkpoint_did_not_have() {
    let Door { daemon, address, dir } = Door::open(&[]);
    let answered = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&answered);
    let sender = std::thread::spawn(move || {
        // The kill comes in the middle of a request, or between two.
        while send(&address, counting.load(Ordering::Relaxed), 200) == Some(204) {
            counting.fetch_add(1, Ordering::Relaxed);
        }
    });
    let sent_before = until("the first checkpoint with calls", || {
        let text = std::fs::read_to_string(checkpoint(dir.path())).unwrap_or_default();
        text.contains("openai").then(|| answered.load(Ordering::Relaxed))
    });
    until("more requests", || (answered.load(Ordering::Relaxed) >= sent_before + 30).then_some(()));
    daemon.signal("KILL");
    daemon.end();
    sender.join().expect("no panic");
    let repeated = answered.load(Ordering::Relaxed);
    let (daemon, address) = start(dir.path(), &[]);
    let restored = calls(&daemon);
    assert!(restored > 0 && restored <= repeated + 1, "{restored} of {repeated}");
    let end = repeated + 50;
    for number in repeated..end {
        assert_eq!(send(&address, number, 200), Some(204));
    }
    // The request without an answer may be in the checkpoint. It counts once all the same.
    let expected = restored.min(repeated) + (end - repeated);
    wait_for_calls(&daemon, expected);
    assert_eq!(send(&address, end, 200), Some(204));
    wait_for_calls(&daemon, expected + 1);
}

/// The file of the checkpoint.
fn checkpoint(dir: &Path) -> PathBuf {
    dir.join("state/checkpoint.json")
}

#[test]
fn what_the_checkpoint_has_counts_once_however_often_it_is_sent() {
    let Door { daemon, address, dir } = Door::open(&[]);
    for number in 0..20 {
        assert_eq!(send(&address, number, 401), Some(204));
    }
    wait_for_calls(&daemon, 20);
    daemon.terminate();
    let kept = std::fs::read(checkpoint(dir.path())).expect("a checkpoint");
    let (daemon, address) = start(dir.path(), &[]);
    for number in 20..30 {
        assert_eq!(send(&address, number, 401), Some(204));
    }
    wait_for_calls(&daemon, 30);
    daemon.signal("KILL");
    daemon.end();
    // As if no checkpoint had come since the start.
    std::fs::write(checkpoint(dir.path()), kept).expect("written");
    let (daemon, address) = start(dir.path(), &[]);
    wait_for_calls(&daemon, 20);
    // A sender that had no answer cannot know what arrived.
    for number in 15..30 {
        assert_eq!(send(&address, number, 401), Some(204));
    }
    wait_for_calls(&daemon, 30);
    assert_eq!(send(&address, 30, 401), Some(204));
    wait_for_calls(&daemon, 31);
}
