//! `man`: the manual page, made from the definition of the command line.

use super::args::Args;
use super::exit::{CliError, Exit};
use super::output;
use clap::CommandFactory;
use std::io::Write as _;

pub(super) fn run() -> Result<Exit, CliError> {
    let mut out = Vec::new();
    let mut command = Args::command();
    command.build();
    let page = clap_mangen::Man::new(command.clone());
    page.render_title(&mut out)?;
    page.render_name_section(&mut out)?;
    page.render_synopsis_section(&mut out)?;
    page.render_description_section(&mut out)?;
    page.render_options_section(&mut out)?;
    write_commands(&command, &mut out)?;
    out.extend_from_slice(LAST_SECTIONS.as_bytes());
    output::print(&out)?;
    Ok(Exit::Success)
}

/// Appends a section for every command, with its options.
fn write_commands(parent: &clap::Command, out: &mut Vec<u8>) -> std::io::Result<()> {
    for command in parent.get_subcommands().filter(|command| command.get_name() != "help") {
        let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).replace('-', "\\-");
        let about = command.get_about().map(ToString::to_string).unwrap_or_default().replace('-', "\\-");
        writeln!(out, ".SH \"{}\"\n{about}", name.to_uppercase())?;
        if command.get_name() == "report" {
            out.extend_from_slice(b"The options are the same as above.\n");
            continue;
        }
        let mut options = Vec::new();
        clap_mangen::Man::new(command.clone()).render_options_section(&mut options)?;
        let options = String::from_utf8_lossy(&options).into_owned();
        out.extend_from_slice(options.replace(".SH OPTIONS\n", "").as_bytes());
        write_commands(command, out)?;
    }
    Ok(())
}

/// The sections that the definition of the command line does not contain.
const LAST_SECTIONS: &str = r#".SH "EXIT STATUS"
.IP 0 4
Success; also when the reader of standard output closed it.
.IP 1 4
A failure while running: a file cannot be read (the other files are read), or a port is in use.
.IP 2 4
Invalid command line.
.IP 3 4
\-\-fail\-on was met.
.IP 130 4
Ctrl\-C ended the reading; the report on what was read is printed.
.IP 78 4
The configuration or a pattern is invalid.
.SH FILES
.I /etc/llm\-triage/config.toml
is the configuration of the daemon unless \-\-config names another file.
.SH EXAMPLES
.nf
llm\-triage app.log
kubectl logs \-f app | llm\-triage
llm\-triage classify < app.log
llm\-triage explain 529
llm\-triage run \-\-file '/var/log/llm/*.jsonl'
.fi
"#;
