//! Asks witnesses to sign the newest checkpoint, too (C2SP `tlog-witness`). What a witness says of the log counts as a
//! checkpoint from outside: one that saw more, or another log, makes this one doubted. Knows no HTTP.

use crate::audit::AuditError;
use crate::audit::tree;
use crate::ports::LogStore;
use crate::ports::StoreError;
use crate::ports::WitnessClient;
use ledger::Purpose;
use ledger::Signature;
use ledger::SignedCheckpoint;
use ledger::Submission;
use ledger::VerifierKey;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// A witness may have seen the log at another size than we think, once.
const TRIES: usize = 2;

/// A witness of the configuration.
pub(super) struct Witness {
    url: String,
    key: VerifierKey,
    /// The size at which it saw the log last, as far as we know.
    seen: AtomicU64,
    client: Arc<dyn WitnessClient>,
}

/// What a witness made of a checkpoint.
pub(super) enum Said {
    /// Its line.
    Cosigned(Signature),
    /// What speaks against the log.
    Against(String),
    /// Nothing that counts.
    Nothing(String),
}

impl Witness {
    /// Reads `URL KEY`.
    pub(super) fn parse(text: &str, client: Arc<dyn WitnessClient>) -> Result<Self, AuditError> {
        let wrong = || AuditError::Witness(text.to_owned());
        let (url, key) = text.trim().split_once(' ').ok_or_else(wrong)?;
        let key = VerifierKey::parse(key.trim()).map_err(|_| wrong())?;
        if key.purpose() != Purpose::Witness || !(url.starts_with("https://") || url.starts_with("http://")) {
            return Err(wrong());
        }
        Ok(Self { url: url.to_owned(), key, seen: AtomicU64::new(0), client })
    }

    /// The name of its key.
    pub(super) fn name(&self) -> &str {
        self.key.name()
    }

    /// How many entries it saw, as far as we know.
    pub(super) fn seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    /// Asks it to sign a checkpoint of ours.
    pub(super) async fn ask(&self, store: &dyn LogStore, note: &str) -> Result<Said, StoreError> {
        let Ok(checkpoint) = SignedCheckpoint::parse(note) else {
            return Ok(Said::Nothing("our checkpoint is none".to_owned()));
        };
        let size = checkpoint.checkpoint().head().size;
        for _ in 0..TRIES {
            let seen = self.seen.load(Ordering::Relaxed);
            if seen > size {
                return Ok(Said::Against(format!(
                    "the log is behind: it has {size} entries, the witness `{}` saw {seen}",
                    self.name()
                )));
            }
            let proof = tree::consistency(store, seen, size).await?;
            let submission = Submission::new(seen, proof, checkpoint.clone()).to_string();
            let said = match self.client.submit(&self.url, submission).await {
                Ok((200, lines)) => self.cosigned(&checkpoint, &lines),
                Ok((409, latest)) => match latest.trim().parse() {
                    Ok(latest) if latest != seen => {
                        self.seen.store(latest, Ordering::Relaxed);
                        continue;
                    }
                    // The same size, another root.
                    Ok(_) => self.against(seen),
                    Err(_) => Said::Nothing("it answered 409 without a size".to_owned()),
                },
                Ok((422, _)) => self.against(seen),
                Ok((status, said)) => Said::Nothing(format!("it answered {status}: {}", said.trim())),
                Err(why) => Said::Nothing(why),
            };
            if let Said::Cosigned(_) = said {
                self.seen.store(size, Ordering::Relaxed);
            }
            return Ok(said);
        }
        Ok(Said::Nothing("it says another size each time".to_owned()))
    }

    fn cosigned(&self, checkpoint: &SignedCheckpoint, lines: &str) -> Said {
        let text = checkpoint.note().text();
        let ours = lines.lines().filter_map(Signature::parse).find(|line| self.key.made(line));
        match ours.filter(|line| self.key.check(text, line).is_some()) {
            Some(line) => Said::Cosigned(line),
            None => Said::Nothing("its answer is not signed with its key".to_owned()),
        }
    }

    fn against(&self, seen: u64) -> Said {
        Said::Against(format!(
            "the log is another one: its first {seen} entries are not those that the witness `{}` saw",
            self.name()
        ))
    }
}

/// Reads the witnesses of the configuration.
pub(super) fn all(witnesses: &[String], client: &Arc<dyn WitnessClient>) -> Result<Vec<Witness>, AuditError> {
    witnesses.iter().map(|witness| Witness::parse(witness, Arc::clone(client))).collect()
}
