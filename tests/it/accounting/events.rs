//! Events that continue across rotations and restarts, and events without an end.

use super::{RAISE, TRACEBACK, World, cri, parts};
use crate::running::call;
use std::fs;

#[test]
fn a_traceback_continues_in_the_next_file() {
    for restarts in [0, 1, 2] {
        let mut world = World::new("app.log");
        world.append("app.log", TRACEBACK);
        world.poll();
        let saved = world.save();
        if restarts == 1 {
            world.rotate("app.log", "app.log.1");
            world.append("app.log", RAISE);
            world.restart(saved);
        } else {
            world.rotate("app.log", "app.log.1");
            world.append("app.log", RAISE.split_inclusive('\n').next().expect("a line"));
            world.poll();
            if restarts == 2 {
                // The process is killed while the event is in two files.
                let saved = world.save();
                world.restart(saved);
            }
            world.append("app.log", RAISE.split_inclusive('\n').next_back().expect("a line"));
        }
        world.poll();
        world.wait(2);
        assert_eq!(world.calls().len(), 1, "{restarts}: {:?}", world.events());
        assert_eq!(world.events(), ["1+5 error"], "{restarts}");
        world.append("app.log", &call(1, 200));
        world.wait(2);
        assert_eq!(world.calls().len(), 2, "{restarts}: {:?}", world.events());
        world.balance();
    }
}

#[test]
fn a_record_in_parts_continues_in_the_next_file() {
    let (head, tail) = parts();
    for saved_at in 0..4 {
        let mut world = World::new("0.log");
        world.append("0.log", &(cri("stderr", "F", "INFO starting") + &head));
        world.poll();
        let mut saved = world.save();
        world.rotate("0.log", "0.log.20261120-091651");
        world.append("0.log", &cri("stderr", "F", "INFO going on"));
        world.poll();
        if saved_at >= 1 {
            saved = world.save();
        }
        if saved_at >= 2 {
            // No part arrives for a while, but the time limit for parts is longer.
            world.wait(10);
            saved = world.save();
        }
        if saved_at < 3 {
            let known = world.out.calls.len();
            assert_eq!(known, 0);
            world.restart(saved);
        }
        world.append("0.log", &tail);
        world.poll();
        // A failure that may be told again is held for two to three seconds.
        world.wait(4);
        assert_eq!(world.calls(), ["anthropic-overloaded"], "saved at {saved_at}: {:?}", world.events());
        world.balance();
    }
}

#[test]
fn an_open_event_continues_after_a_copytruncate_and_after_a_truncation() {
    for copies in [true, false] {
        let mut world = World::new("app.log");
        world.append("app.log", &(call(0, 200) + TRACEBACK));
        world.poll();
        if copies {
            fs::copy(world.path("app.log"), world.path("app.log.1")).expect("copied");
        }
        world.truncate("app.log");
        world.append("app.log", RAISE);
        world.poll();
        world.wait(3);
        assert_eq!(world.calls().len(), 2, "{copies}: {:?}", world.events());
        assert_eq!(world.events()[1], "2+5 error");
        world.balance();
    }
}

#[test]
fn the_context_of_a_stream_continues_in_the_next_file() {
    // An earlier attempt of the same call is in the previous file.
    let mut world = World::new("app.log");
    let asked = "2026-11-20 09:16:51,100 INFO httpx HTTP Request: POST https://api.openai.com/v1/chat/completions \"HTTP/1.1 429 Too Many Requests\"\n";
    let again = "2026-11-20 09:16:53,100 INFO httpx HTTP Request: POST https://api.openai.com/v1/chat/completions \"HTTP/1.1 200 OK\"\n";
    let retry = "2026-11-20 09:16:51,101 INFO openai._base_client Retrying request to /chat/completions in 0.9 seconds\n";
    world.append("app.log", &(asked.to_owned() + retry));
    world.poll();
    world.rotate("app.log", "app.log.1");
    world.append("app.log", again);
    world.poll();
    world.wait(200);
    assert_eq!(world.calls().len(), 1, "one call with a retry: {:?}", world.calls());
}

#[test]
fn the_wait_for_the_rest_of_a_line_has_a_limit() {
    let (head, tail) = parts();
    let mut world = World::new("0.log");
    world.append("0.log", &head);
    world.poll();
    world.wait(29);
    assert!(world.events().is_empty(), "{:?}", world.events());
    world.wait(2);
    assert_eq!(world.events().len(), 1, "the partial line is emitted");
    assert_eq!(world.balance().partial_lines, 1, "and counted as partial");
    world.wait(4);
    // The rest arrives late, after a restart: it must not become an event of its own.
    let saved = world.save();
    world.restart(saved);
    let before = world.calls().len();
    world.append("0.log", &(tail + &cri("stdout", "F", call(1, 200).trim_end())));
    world.poll();
    world.wait(2);
    assert_eq!(world.calls().len(), before + 1, "{:?}", world.calls());
    world.balance();
}

#[test]
fn the_parts_of_one_line_are_bounded() {
    let mut world = World::new("0.log");
    // Five megabytes of one line, in parts of 16 KiB, with the error at the end.
    let part = cri("stdout", "P", &"x".repeat(16 << 10));
    world.append(
        "0.log",
        &cri("stdout", "P", r#"{"level":"error","event":"llm_api_error","provider":"openai","status_code":429,"prompt":""#),
    );
    for _ in 0..320 {
        world.append("0.log", &part);
    }
    world.append("0.log", &cri("stdout", "F", r#"","error_code":"rate_limit_exceeded","error":"Rate limit reached"}"#));
    world.poll();
    let stats = world.balance();
    assert_eq!((stats.lines, stats.event_lines, stats.partial_lines), (322, 322, 1));
    assert_eq!(world.calls().len(), 1, "{:?}", world.events());
    // Parts of one byte each.
    for _ in 0..5 {
        world.append("0.log", &cri("stdout", "P", "y").repeat(1_000));
    }
    world.poll();
    let stats = world.balance();
    assert_eq!(stats.lines, 5_322);
    assert!(stats.open_lines <= 2_000, "{stats:?}");
}
