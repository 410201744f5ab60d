//! One receipt: is the record in the log, and is the content what was recorded?

use crate::Verdict;
use crate::arguments::ReceiptArguments;
use crate::files;
use crate::words::number;
use ledger::Receipt;
use ledger::RecordKey;
use ledger::Trusted;
use ledger::leaf_hash;
use ledger::record;
use ledger::record::Record;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Checks it and says what came of it.
pub(crate) fn check(arguments: &ReceiptArguments) -> Result<(String, Verdict), String> {
    let policy = files::policy(&arguments.trust)?;
    let name = arguments.file.display();
    let text = files::small(&arguments.file)?;
    let given = arguments.leaf.as_deref().map(read).transpose()?;
    let content =
        arguments.content.as_ref().map(|(file, key)| Ok::<_, String>((read(file)?, content_key(key)?)));
    let content = content.transpose()?;
    let broken =
        |why: String| Ok((format!("THE RECEIPT `{name}` DOES NOT HOLD.\n\n  {why}"), Verdict::Broken));

    let receipt = match Receipt::parse(&text) {
        Ok(receipt) => receipt,
        Err(error) => return broken(error.to_string()),
    };
    if let (Some(given), Some(own)) = (&given, receipt.leaf())
        && given != own
    {
        return broken("the record's text that you gave is not the one in the receipt".to_owned());
    }
    let leaf = given.as_deref().or(receipt.leaf());
    let leaf = leaf.ok_or("the receipt does not hold the record's text: give it with --leaf")?;
    let trusted = match receipt.check(&leaf_hash(leaf), &policy) {
        Ok(trusted) => trusted,
        Err(error) => return broken(error.to_string()),
    };
    let value = serde_json::from_slice(leaf).unwrap_or_default();
    let Some(record) = Record::read(&value) else {
        return broken("it is in the log, but it is not a record that this program knows".to_owned());
    };
    if let Some((content, key)) = &content {
        let committed = record.commitment.is_some_and(|commitment| key.commits(content, &commitment));
        if !committed {
            return broken(
                "the record is in the log, but the content is not what was recorded with it".to_owned(),
            );
        }
    }
    Ok((held(&receipt, &record, &trusted, content.is_some()), Verdict::Holds))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| files::unreadable(path, &error))
}

fn content_key(text: &str) -> Result<RecordKey, String> {
    let bytes = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(RecordKey::from_bytes).ok_or_else(|| "--content-key: 64 hexadecimal digits".to_owned())
}

fn held(receipt: &Receipt, record: &Record<'_>, trusted: &Trusted, content: bool) -> String {
    let (origin, size) = (trusted.origin(), number(trusted.head().size));
    let mut text = format!(
        "THE RECEIPT HOLDS.\n\n  Log       {origin}\n  Record    {} of {size}, id {}\n  Kind      {}\n  Recorded  {} (as \
         the log says)\n\nWhat was checked\n",
        number(receipt.index()),
        record::written_id(record.id),
        record.kind,
        record::written_time(record.at_us),
    );
    let mut say = |line: &str| writeln!(text, "{line}").expect("a string takes all");
    say(
        "  - The record's text leads, hash by hash, to the state of the log that the log's key signed: the record",
    );
    say("    stood at this position, word for word as the receipt has it.");
    if content {
        say("  - The content that you gave is what was recorded with it.");
    }
    for cosigned in trusted.cosigned() {
        let at = record::written_time(i64::try_from(cosigned.time).unwrap_or(0).saturating_mul(1_000_000));
        say(&format!("  - The witness `{}` saw this state of the log at {at}.", cosigned.witness));
    }
    say("\nWhat was not checked");
    if !content && record.commitment.is_some() {
        say(
            "  - The content that was recorded with it (such as question and answer): give it with --content.",
        );
    }
    if trusted.cosigned().is_empty() {
        say(
            "  - Whether the log showed others another history: no witness has signed. Only whoever holds the log's key",
        );
        say("    could have made two.");
    }
    say("  - Whether the log still has this record, and no other is missing: an export shows that.");
    say(
        "  - Whether what the record says is true: the log proves what was written and that it was not changed since.",
    );
    text
}
