//! The binary: starts the command line of the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    llm_triage::cli::main()
}
