//! `pip` and `npm` as children: no input, no secrets of ours, a deadline, and their last words when they fail.

use crate::adapters::models::ModelsError;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// One package, whatever its size, must come within this time.
const DEADLINE: Duration = Duration::from_mins(20);
const LAST_WORDS: usize = 400;

/// What only this service may know; a child inherits the rest (proxies, certificates, registries).
const SECRETS: [&str; 6] = [
    "DOCENT_BOOTSTRAP_KEY",
    "DOCENT_MASTER_KEY",
    "DOCENT_QDRANT_API_KEY",
    "DOCENT_S3_ACCESS_KEY_ID",
    "DOCENT_S3_SECRET_ACCESS_KEY",
    "HF_TOKEN",
];

/// Runs the first of `programs` that is there.
///
/// # Errors
/// `Source` when none is there, when it fails and when it takes too long; it is then killed.
pub(super) async fn run(programs: &[&str], arguments: &[&str], directory: &Path) -> Result<(), ModelsError> {
    for program in programs {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(directory).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.env_remove("DOCENT__DATABASE__URL");
        for secret in SECRETS {
            command.env_remove(secret);
        }
        let output = match tokio::time::timeout(DEADLINE, command.output()).await {
            Ok(Ok(output)) => output,
            Ok(Err(error)) if error.kind() == ErrorKind::NotFound => continue,
            Ok(Err(error)) => return Err(ModelsError::source(*program, error.to_string())),
            Err(_) => {
                let detail = format!("gave nothing within {} minutes", DEADLINE.as_secs() / 60);
                return Err(ModelsError::source(*program, detail));
            }
        };
        if output.status.success() {
            return Ok(());
        }
        let words = last_words(&output.stderr);
        return Err(ModelsError::source(*program, format!("ended with {}: {words}", output.status)));
    }
    Err(ModelsError::source(programs[0], "is not installed"))
}

/// The end of what it said, on one line.
fn last_words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let line = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
    let skip = line.chars().count().saturating_sub(LAST_WORDS);
    line.chars().skip(skip).filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn said(programs: &[&str], arguments: &[&str]) -> String {
        run(programs, arguments, Path::new("/")).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn the_first_program_that_is_there_runs() {
        run(&["no-such-program-1", "true"], &[], Path::new("/")).await.unwrap();
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named() {
        assert_eq!(said(&["no-such-program-1"], &[]).await, "no-such-program-1: is not installed");
    }

    #[tokio::test]
    async fn last_words_of_a_failed_program_are_kept() {
        let message = said(&["sh"], &["-c", "echo 'no matching distribution' >&2; exit 3"]).await;

        assert!(
            message.contains("exit status: 3") && message.contains("no matching distribution"),
            "{message}"
        );
    }
}
