//! A whole export, or a selection.

use crate::Verdict;
use crate::arguments::ExportArguments;
use crate::files;
use crate::progress::Progress;
use crate::words;
use ledger::Policy;
use ledger::VerifierKey;
use ledger::export;
use ledger::export::examine;

/// Checks it and says what came of it.
pub(crate) fn check(arguments: &ExportArguments) -> Result<(String, Verdict), String> {
    let policy = if arguments.trust_own_key { own_key(arguments)? } else { files::policy(&arguments.trust)? };
    let held = files::held(&arguments.checkpoints, &policy)?;
    let holds_some = !held.is_empty();
    let source = files::export(&arguments.path)?;
    let mut progress = Progress::new(source.bytes, arguments.quiet);
    let outcome = export::verify(source.stream, &policy, held, |read| progress.show(read));
    progress.clear();
    let outcome = outcome.map_err(|error| files::unreadable(&arguments.path, &error))?;
    let name = arguments.path.display().to_string();
    let circumstances = words::Circumstances {
        name: &name,
        own_key: arguments.trust_own_key,
        witnesses_asked: policy.needs_witnesses(),
        holds_some,
    };
    Ok(words::of(&outcome, &circumstances))
}

/// The key that the export itself gives: no proof against whoever made the export.
fn own_key(arguments: &ExportArguments) -> Result<Policy, String> {
    if arguments.path == std::path::Path::new("-") {
        return Err("--trust-key-in-export needs a file that can be read twice".to_owned());
    }
    let key = examine::key_in_header(&files::first_line(&arguments.path)?);
    let key =
        VerifierKey::parse(&key.ok_or("the export gives no key")?).map_err(|error| error.to_string())?;
    Policy::of_log(key).map_err(|error| error.to_string())
}
