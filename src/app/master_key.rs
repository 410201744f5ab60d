//! The key that wraps the keys of sealed content, and from which the log's signing key comes: from the environment, from a
//! file, from a program that asks a key store, or made once beside the data. Knows no use of it.

use crate::config::Config;
use anyhow::Context;
use anyhow::bail;
use rand::TryRng;
use rand::rngs::SysRng;
use secrecy::ExposeSecret;
use secrecy::SecretString;
use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

/// What a key store gets to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a program may say: a key has 64 digits.
const MAX_SAID: u64 = 1_024;

/// Finds the key. `kept` gives what a file of the data directory holds, and writes what it is given when there is none.
///
/// # Errors
/// When the place that the configuration names does not give one, or none may be made here.
pub(super) fn find(
    config: &Config,
    kept: impl FnOnce(&str) -> anyhow::Result<String>,
) -> anyhow::Result<[u8; 32]> {
    let (text, place) = if let Some(key) = &config.secrets.master_key {
        (key.clone(), "DOCENT_MASTER_KEY".to_owned())
    } else if !config.audit.master_key_file.as_os_str().is_empty() {
        let file = &config.audit.master_key_file;
        (read(file)?, file.display().to_string())
    } else if let [program, arguments @ ..] = config.audit.master_key_command.as_slice() {
        (ask(program, arguments)?, format!("what `{program}` says"))
    } else if config.database.url.is_empty() {
        let mut fresh = [0; 32];
        SysRng.try_fill_bytes(&mut fresh).context("the system gives no random numbers")?;
        (kept(&hex::encode(fresh))?.into(), "keys/master in the data directory".to_owned())
    } else {
        bail!(
            "`DOCENT_MASTER_KEY`, `audit.master_key_file` or `audit.master_key_command` is needed with a database of your \
             own, the same key on every replica: `openssl rand -hex 32`"
        )
    };
    let mut key = [0; 32];
    hex::decode_to_slice(text.expose_secret().trim(), &mut key)
        .ok()
        .with_context(|| format!("{place} is not a key of 64 hex digits"))?;
    Ok(key)
}

fn read(file: &Path) -> anyhow::Result<SecretString> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("`audit.master_key_file`: cannot read {}", file.display()))?;
    Ok(text.into())
}

/// Runs the program, which prints the key. What it says of errors goes to our own standard error.
fn ask(program: &str, arguments: &[String]) -> anyhow::Result<SecretString> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("`audit.master_key_command`: cannot run `{program}`"))?;
    let said = child.stdout.take().context("the program has no output")?;
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        said.take(MAX_SAID).read_to_string(&mut text).map(|_| text)
    });
    let until = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() >= until {
            let _ended_meanwhile = child.kill();
            let _status = child.wait();
            bail!("`audit.master_key_command`: `{program}` did not end within {} s", PATIENCE.as_secs());
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    if !status.success() {
        bail!("`audit.master_key_command`: `{program}` failed ({status})");
    }
    let text = reading.join().ok().context("the program's output cannot be read")??;
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn config(change: impl FnOnce(&mut Config)) -> Config {
        let mut config = Config::from_layers(None, &BTreeMap::new()).unwrap();
        change(&mut config);
        config
    }

    fn found(config: &Config) -> Result<[u8; 32], String> {
        find(config, |fresh| Ok(fresh.to_owned())).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn the_environment_comes_before_a_file_and_a_file_before_a_program() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{}\n", "02".repeat(32))).unwrap();
        let said = "03".repeat(32);
        let mut config = config(|config| {
            config.secrets.master_key = Some("01".repeat(32).into());
            config.audit.master_key_file = file.path().to_owned();
            config.audit.master_key_command = vec!["echo".to_owned(), said];
        });

        assert_eq!(found(&config), Ok([1; 32]));
        config.secrets.master_key = None;
        assert_eq!(found(&config), Ok([2; 32]));
        config.audit.master_key_file = std::path::PathBuf::new();
        assert_eq!(found(&config), Ok([3; 32]));
        config.audit.master_key_command.clear();
        assert_ne!(found(&config), found(&config), "one is made where nothing is kept");
    }

    #[test]
    fn what_gives_no_key_is_named() {
        let failed = config(|config| config.audit.master_key_command = vec!["false".to_owned()]);
        let wrong =
            config(|config| config.audit.master_key_command = vec!["echo".to_owned(), "no key".to_owned()]);
        let absent = config(|config| config.audit.master_key_file = "/nowhere/key".into());
        let needed = config(|config| config.database.url = "postgres://elsewhere/docent".to_owned());

        assert!(found(&failed).unwrap_err().contains("`false` failed"));
        assert!(found(&wrong).unwrap_err().contains("64 hex digits"));
        assert!(found(&absent).unwrap_err().contains("/nowhere/key"));
        assert!(found(&needed).unwrap_err().contains("openssl rand"));
    }
}
