//! Rotations and restarts at random places in a log.

use super::{RAISE, TRACEBACK, World, cri};
use crate::running::call;
use std::fs;
use std::time::Duration;

/// A small random number generator: the same cases in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// The two outputs of a container, line by line, with interleaved tracebacks, parts and records.
fn mixed_log(dice: &mut Dice, length: usize) -> Vec<String> {
    let mut log: Vec<String> = Vec::new();
    for number in 0..length {
        let (output, other) = if dice.below(2) == 0 { ("stdout", "stderr") } else { ("stderr", "stdout") };
        let good = call(number, 200);
        let bad = call(number, 500);
        let (head, tail) = good.trim_end().split_at(60);
        match dice.below(4) {
            0 => log.push(cri(output, "F", good.trim_end())),
            1 => log.extend([cri(output, "P", head), cri(other, "F", bad.trim_end()), cri(output, "F", tail)]),
            2 => {
                for line in TRACEBACK.lines().chain(RAISE.lines()) {
                    log.push(cri(output, "F", line));
                    if dice.below(3) == 0 {
                        log.push(cri(other, "F", call(1_000 + log.len(), 200).trim_end()));
                    }
                }
            }
            _ => log.push(cri(other, "F", bad.trim_end())),
        }
    }
    log
}

/// Writes a log line by line, and after each line rotates it, reads it, or restarts the process.
fn read_with_interruptions(log: &[String], dice: &mut Dice, actions: &[&'static str]) -> (Vec<String>, Vec<&'static str>) {
    let mut world = World::new("0.log");
    world.append("0.log", "INFO begins\n");
    world.poll();
    let mut saved = (world.save(), 0);
    let (mut done, mut rotations, mut lines) = (Vec::new(), 0, 0);
    for line in log {
        world.append("0.log", line);
        lines += 1;
        let index = usize::try_from(dice.below(actions.len() as u64)).expect("few");
        let action = actions[index];
        // An event may span at most two files.
        if matches!(action, "rename" | "copytruncate") && lines < 15 {
            continue;
        }
        done.push(action);
        let rotated = format!("0.log.20261120-09{rotations:04}");
        match action {
            "rename" => {
                world.rotate("0.log", &rotated);
                (rotations, lines) = (rotations + 1, 0);
                std::thread::sleep(Duration::from_millis(5)); // creation times must differ and cannot be set
            }
            "copytruncate" => {
                world.poll();
                fs::copy(world.path("0.log"), world.path(&rotated)).expect("copied");
                world.truncate("0.log");
                (rotations, lines) = (rotations + 1, 0);
                std::thread::sleep(Duration::from_millis(5)); // creation times must differ and cannot be set
            }
            "save" => saved = (world.save(), world.out.calls.len()),
            "kill" => {
                // The process loses what it counted after the checkpoint.
                world.restart(saved.0.clone());
                world.out.calls.truncate(saved.1);
                world.poll();
                saved = (world.save(), world.out.calls.len());
            }
            _ => world.poll(),
        }
    }
    world.poll();
    world.wait(2);
    world.balance();
    let mut calls = world.calls();
    calls.sort();
    (calls, done)
}

#[test]
fn rotations_and_restarts_anywhere_change_no_count() {
    let modes: [&[&str]; 6] = [
        &["poll", "rename", "rename"],
        &["poll", "copytruncate", "copytruncate"],
        &["poll", "rename", "save", "kill"],
        &["poll", "copytruncate", "save", "kill"],
        &["poll", "copytruncate", "rename"],
        &["poll", "poll", "copytruncate", "rename", "save", "kill"],
    ];
    for (case, mode) in (1..=48_u64).zip(modes.into_iter().cycle()) {
        let mut dice = Dice(case.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let log = mixed_log(&mut dice, 30);
        let mut whole = World::new("0.log");
        whole.append("0.log", &log.concat());
        whole.poll();
        whole.wait(2);
        let mut expected = whole.calls();
        expected.sort();
        let (calls, done) = read_with_interruptions(&log, &mut dice, mode);
        assert_eq!(calls, expected, "case {case}: {done:?}");
    }
}
