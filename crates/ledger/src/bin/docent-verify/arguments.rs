//! The command line. Knows no file's content.

use lexopt::Arg;
use lexopt::Parser;
use lexopt::ValueExt;
use std::ffi::OsString;
use std::path::PathBuf;

const HELP: &str = "\
docent-verify checks evidence from Docent's audit log, offline.

  docent-verify receipt FILE  --key KEY | --policy FILE   one record, from its .tlog-proof
  docent-verify export  PATH  --key KEY | --policy FILE   many records, from an export

PATH is a file, a folder of .jsonl files (taken in the order of their names), or - for standard input.

The key decides what the result is worth. Get it from somebody you trust, not from the log's operators' export:
  --key KEY            the log's public key, `name+id+base64`, or a file with it; may be given more than once
  --policy FILE        a policy (C2SP tlog-policy): keys of logs and witnesses, and how many witnesses are enough
  --trust-key-in-export
                       export: take the key from the export itself. That shows damage and mistakes, but not deceit

  --checkpoint PATH    export: a checkpoint that you hold, a folder of them, or an export with some; may be given more
                       than once. The export must agree with it and reach it: this is what shows a cut-off end
  --leaf FILE          receipt: the record's text, when the receipt does not hold it
  --content FILE --content-key HEX
                       receipt: content that you were shown, and its key: is it what was recorded?
  --quiet              no progress bar
  --help, --version

Exit codes:
  0  everything that was checked holds
  1  something does not hold: the first bad record is named
  2  what is there holds, but it is not complete: the output says in what
  3  nothing was checked: wrong arguments, or a file or key that cannot be read";

/// What to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// Say something and end.
    Print(String),
    /// Check a receipt.
    Receipt(ReceiptArguments),
    /// Check an export.
    Export(ExportArguments),
}

/// Whom to believe.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    pub(crate) keys: Vec<String>,
    pub(crate) policy: Option<PathBuf>,
}

#[derive(Debug)]
pub(crate) struct ReceiptArguments {
    pub(crate) file: PathBuf,
    pub(crate) trust: Trust,
    pub(crate) leaf: Option<PathBuf>,
    /// The content's file and its key in hexadecimal.
    pub(crate) content: Option<(PathBuf, String)>,
}

#[derive(Debug)]
pub(crate) struct ExportArguments {
    pub(crate) path: PathBuf,
    pub(crate) trust: Trust,
    pub(crate) trust_own_key: bool,
    pub(crate) checkpoints: Vec<PathBuf>,
    pub(crate) quiet: bool,
}

#[derive(Default)]
struct Given {
    words: Vec<OsString>,
    trust: Trust,
    trust_own_key: bool,
    checkpoints: Vec<PathBuf>,
    leaf: Option<PathBuf>,
    content: Option<PathBuf>,
    content_key: Option<String>,
    quiet: bool,
}

/// Reads the command line, the program's name first.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    let mut parser = Parser::from_iter(arguments);
    let mut given = Given::default();
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        let option = match argument {
            Arg::Value(word) => {
                given.words.push(word);
                continue;
            }
            Arg::Short(letter) => letter.to_string(),
            Arg::Long(name) => name.to_owned(),
        };
        if let Some(text) = given.take(&option, &mut parser).map_err(|error| error.to_string())? {
            return Ok(Command::Print(text));
        }
    }
    given.command()
}

impl Given {
    /// Takes one option; gives a text when that is all that is asked for.
    fn take(&mut self, option: &str, parser: &mut Parser) -> Result<Option<String>, lexopt::Error> {
        match option {
            "h" | "help" => return Ok(Some(HELP.to_owned())),
            "version" => return Ok(Some(concat!("docent-verify ", env!("CARGO_PKG_VERSION")).to_owned())),
            "quiet" => self.quiet = true,
            "trust-key-in-export" => self.trust_own_key = true,
            "key" => self.trust.keys.push(parser.value()?.string()?),
            "policy" => self.trust.policy = Some(parser.value()?.into()),
            "checkpoint" => self.checkpoints.push(parser.value()?.into()),
            "leaf" => self.leaf = Some(parser.value()?.into()),
            "content" => self.content = Some(parser.value()?.into()),
            "content-key" => self.content_key = Some(parser.value()?.string()?),
            unknown => return Err(format!("there is no option `{unknown}`").into()),
        }
        Ok(None)
    }

    fn command(self) -> Result<Command, String> {
        let [what, path] = self.words.as_slice() else {
            return Err("say `receipt FILE` or `export PATH`".to_owned());
        };
        let path = PathBuf::from(path);
        let believed = !self.trust.keys.is_empty() || self.trust.policy.is_some();
        if believed == self.trust_own_key {
            return Err(
                "say whom to believe: --key or --policy, from a source other than the log's operators"
                    .to_owned(),
            );
        }
        match what.to_str() {
            Some("receipt") if believed && self.checkpoints.is_empty() => {
                let content = match (self.content, self.content_key) {
                    (None, None) => None,
                    (Some(file), Some(key)) => Some((file, key)),
                    (Some(_), None) | (None, Some(_)) => {
                        return Err("--content and --content-key belong together".to_owned());
                    }
                };
                Ok(Command::Receipt(ReceiptArguments {
                    file: path,
                    trust: self.trust,
                    leaf: self.leaf,
                    content,
                }))
            }
            Some("export") if self.leaf.is_none() && self.content.is_none() && self.content_key.is_none() => {
                Ok(Command::Export(ExportArguments {
                    path,
                    trust: self.trust,
                    trust_own_key: self.trust_own_key,
                    checkpoints: self.checkpoints,
                    quiet: self.quiet,
                }))
            }
            Some("receipt" | "export") => {
                Err("one of the options does not belong to this command".to_owned())
            }
            Some(_) | None => Err("say `receipt FILE` or `export PATH`".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, right: bool) {
        let words = std::iter::once("docent-verify").chain(line.split_whitespace());
        assert_eq!(parse(words.map(OsString::from)).is_ok(), right, "{line}");
    }

    #[test]
    fn a_key_is_always_asked_for_and_options_belong_to_their_command() {
        check("--help", true);
        check("receipt a --key k", true);
        check("receipt a --policy p --content c --content-key 00", true);
        check("receipt a", false);
        check("receipt a --trust-key-in-export", false);
        check("receipt a --key k --checkpoint c", false);
        check("receipt a --key k --content c", false);
        check("export a --key k --key l --checkpoint c --checkpoint d", true);
        check("export a --trust-key-in-export", true);
        check("export a --key k --trust-key-in-export", false);
        check("export a --key k --leaf l", false);
        check("export --key k", false);
        check("both a b --key k", false);
        check("export a --key k --unknown", false);
    }
}
