//! `classify`: prints one JSON verdict per record.

use super::args::{Classify, Only};
use super::exit::{CliError, Exit};
use super::input::Input;
use super::output;
use super::replay::Replay;
use crate::pipeline::Wanted;
use std::io::{self, Write};
use std::ops::ControlFlow;

pub(super) fn run(args: &Classify) -> Result<Exit, CliError> {
    let inputs = Input::list(&args.logs.files)?;
    let mut replay = Replay::new(&args.logs, &inputs)?;
    replay.out.wanted = match args.only {
        Only::All => Wanted::All,
        Only::Outcome(outcome) => Wanted::Only(outcome),
    };
    let mut stdout = io::BufWriter::with_capacity(256 << 10, io::stdout().lock());
    let is_live = args.logs.files.is_empty();
    let mut is_closed = false;
    let exit = replay.run(&inputs, &mut |_, out| {
        let written = stdout.write_all(&out.verdicts).and_then(|()| if is_live { stdout.flush() } else { Ok(()) });
        out.verdicts.clear();
        is_closed = written.is_err();
        if is_closed { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    match stdout.flush() {
        Err(error) if !output::is_closed(&error) => Err(error.into()),
        _ => Ok(if is_closed { Exit::Success } else { exit }),
    }
}
