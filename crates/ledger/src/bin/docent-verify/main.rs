//! `docent-verify`: checks a receipt or an export of Docent's audit log, offline, and says in plain words what it checked
//! and what it did not. It needs nothing but the files and the log's key, which comes from the auditor.
#![forbid(unsafe_code)]

/// The command line.
mod arguments;
/// `docent-verify export`.
mod export;
/// Files that the auditor names.
mod files;
/// How far it is, on a terminal.
mod progress;
/// `docent-verify receipt`.
mod receipt;
/// What is said of an export.
mod words;

use arguments::Command;
use std::io;
use std::io::Write;
use std::process::ExitCode;

/// What a run ends in; the numbers are in `--help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Holds = 0,
    Broken = 1,
    Incomplete = 2,
}

/// Nothing was checked.
const USAGE: u8 = 3;

fn main() -> ExitCode {
    let outcome = arguments::parse(std::env::args_os()).and_then(run);
    match outcome {
        Ok(verdict) => ExitCode::from(verdict as u8),
        Err(message) => {
            // a closed standard error leaves the exit code to speak
            let _unheard =
                writeln!(io::stderr(), "docent-verify: {message}\nNothing was checked. Try --help.");
            ExitCode::from(USAGE)
        }
    }
}

fn run(command: Command) -> Result<Verdict, String> {
    let (text, verdict) = match command {
        Command::Print(text) => (text, Verdict::Holds),
        Command::Receipt(arguments) => receipt::check(&arguments)?,
        Command::Export(arguments) => export::check(&arguments)?,
    };
    writeln!(io::stdout(), "{}", text.trim_end()).map_err(|error| format!("standard output: {error}"))?;
    Ok(verdict)
}
