//! What was checked, and the first thing that does not hold. Knows no wording beyond an error's: the program that shows
//! it has its own.

use crate::checkpoint::CheckpointError;
use crate::export::line::Scope;
use crate::export::pairs::Open;
use crate::export::pairs::Unpaired;
use crate::policy::Cosigned;
use crate::policy::PolicyError;
use crate::tree::ProofError;

/// The first thing that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The first record that is bad, or where one is missing.
    pub position: Option<u64>,
    /// That record's id, as far as it can be read.
    pub event: Option<[u8; 16]>,
    /// What it is.
    pub problem: Problem,
}

/// What does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Not JSON, not one of the kinds of lines, or a field too many.
    #[error("the line is damaged, or not a line of an export")]
    Line,
    /// Another version, or another thing.
    #[error("the file is not an export of the format that this program knows")]
    Format,
    /// No header, or a second one.
    #[error("an export begins with one line that says what it is, and has no other")]
    Header,
    /// The number of hashes is not the one that the first position has.
    #[error("the export does not say properly what came before its first record")]
    Frontier,
    /// The record's text was changed, or the hash.
    #[error("the record was changed: its text does not have the fingerprint that stands beside it")]
    Hash,
    /// The same content could be written in another way.
    #[error("the record is not written in the one form that a record has")]
    Canonical,
    /// A field that every record has is missing.
    #[error("the record lacks what every record has (id, kind, time)")]
    Record,
    /// Content beside a record that has none.
    #[error("content stands beside a record that speaks of none")]
    Uncommitted,
    /// Another content than the sealed one.
    #[error("the content that is shown is not what was recorded")]
    Content,
    /// No checkpoint.
    #[error("a checkpoint cannot be read: {0}")]
    Checkpoint(CheckpointError),
    /// Not believed.
    #[error("a checkpoint is not to be believed: {0}")]
    Signature(PolicyError),
    /// Of another log.
    #[error("a checkpoint is of another log, `{origin}`")]
    Origin {
        /// Which one.
        origin: String,
    },
    /// A position was left out.
    #[error("records {from} to {to} are missing")]
    Missing {
        /// The first missing one.
        from: u64,
        /// The last missing one.
        to: u64,
    },
    /// A position came again.
    #[error("the record stands out of order: {expected} was due")]
    Order {
        /// The position that was due.
        expected: u64,
    },
    /// A checkpoint of an earlier state came again.
    #[error(
        "a checkpoint over {size} records stands after record {after}: an old one was put in a newer one's place"
    )]
    Old {
        /// What the checkpoint says.
        size: u64,
        /// The last record before it.
        after: u64,
    },
    /// Fewer records than the checkpoint after them speaks of.
    #[error(
        "the log signed {size} records up to here, but there are {have}: at least one of the records {from} to {size} was \
         removed"
    )]
    Short {
        /// Up to here a checkpoint held.
        from: u64,
        /// How many there are.
        have: u64,
        /// What the checkpoint says.
        size: u64,
    },
    /// The log signed something else.
    #[error(
        "the log signed other records than these: at least one of the records {from} to {to} was changed, added, removed \
         or moved"
    )]
    Root {
        /// Up to here a checkpoint held.
        from: u64,
        /// The last record that the checkpoint speaks of.
        to: u64,
    },
    /// Two signed histories.
    #[error("the log signed two different histories of {size} records: it was forked")]
    Fork {
        /// How many records both speak of.
        size: u64,
    },
    /// The auditor's own checkpoint says otherwise.
    #[error("the records up to here are not those of the checkpoint that you hold, `{source_name}`")]
    Held {
        /// Which one.
        source_name: String,
    },
    /// The auditor's own checkpoint says more.
    #[error(
        "you hold a checkpoint over {size} records, `{source_name}`, but the export ends after {end}: its end was cut off"
    )]
    CutOff {
        /// What the checkpoint says.
        size: u64,
        /// Where the export ends.
        end: u64,
        /// Which one.
        source_name: String,
    },
    /// The rule of intents and outcomes.
    #[error("{0}")]
    Unpaired(Unpaired),
    /// A chosen record's proof.
    #[error("the record is not in the log where the export says: {0}")]
    Proof(ProofError),
    /// A chosen record without a proof, or before the checkpoint.
    #[error("the record comes without what proves it")]
    Unproved,
    /// A record of a range with a proof, or a second checkpoint in a selection.
    #[error("this does not belong into an export of this kind")]
    Misplaced,
    /// The last line says other numbers.
    #[error(
        "the export says at its end that it holds {records} records and {checkpoints} checkpoints, which it does not"
    )]
    Count {
        /// Records.
        records: u64,
        /// Checkpoints.
        checkpoints: u64,
    },
    /// Lines after the last one.
    #[error("something follows after the export's end")]
    AfterEnd,
}

impl From<Problem> for Flaw {
    fn from(problem: Problem) -> Self {
        Self { position: None, event: None, problem }
    }
}

/// What was checked, up to the end or to the flaw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Which log.
    pub origin: String,
    /// All records or chosen ones; none before the header was read.
    pub scope: Option<Scope>,
    /// Who made it when and for what, as it says itself.
    pub about: Option<String>,
    /// Lines that hold.
    pub lines: u64,
    /// Of a range: the position of its first record.
    pub first: u64,
    /// Of a range: the position after its last record.
    pub next: u64,
    /// Records that hold.
    pub records: u64,
    /// Checkpoints that hold.
    pub checkpoints: u64,
    /// How many records of the log the newest signed checkpoint speaks of.
    pub signed: Option<u64>,
    /// The same of the newest that enough witnesses signed.
    pub witnessed: Option<u64>,
    /// Who cosigned that one.
    pub cosigned: Vec<Cosigned>,
    /// Checkpoints of the auditor that the export agrees with.
    pub held: u64,
    /// Checkpoints of the auditor that could not be compared: older than the export, or it is a selection.
    pub held_unused: u64,
    /// Records whose content is shown and is what was recorded.
    pub disclosed: u64,
    /// Records whose content is not shown.
    pub undisclosed: u64,
    /// Intents.
    pub intents: u64,
    /// Outcomes.
    pub outcomes: u64,
    /// Outcomes of intents before a range.
    pub earlier: u64,
    /// Intents without an outcome at the end, the first hundred.
    pub open: Vec<Open>,
    /// How many there are.
    pub open_count: u64,
    /// How many of them were an hour old when the last record was written.
    pub overdue: u64,
    /// When the earliest and the latest record were written, in microseconds since 1970.
    pub times_us: Option<(i64, i64)>,
    /// The record before which the clock went back the most, and by how many microseconds.
    pub back: Option<(u64, i64)>,
    /// The last line was there.
    pub ended: bool,
}

/// The end of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What was checked.
    pub report: Report,
    /// What does not hold; nothing after it was checked.
    pub flaw: Option<Flaw>,
}

/// Why records that hold are not all that one has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// Others were left out by choice.
    Selection,
    /// No last line.
    BrokenOff,
    /// So many records are after the newest signed checkpoint.
    Unsigned(u64),
    /// So many signed records are after the newest one that enough witnesses saw.
    Unwitnessed(u64),
    /// So many intents have no outcome, an hour later.
    Overdue(u64),
    /// So many checkpoints of the auditor could not be compared.
    HeldUnused(u64),
}

impl Report {
    /// What keeps the export from being complete, where it holds.
    pub fn gaps(&self) -> Vec<Gap> {
        let range = self.scope != Some(Scope::Selection);
        let size = if range { self.next } else { self.signed.unwrap_or_default() };
        let signed = self.signed.unwrap_or(self.first);
        let unwitnessed = signed - self.witnessed.unwrap_or(self.first).min(signed);
        [
            (!range).then_some(Gap::Selection),
            (!self.ended).then_some(Gap::BrokenOff),
            (self.signed.is_none() || size > signed).then_some(Gap::Unsigned(size - signed.min(size))),
            (unwitnessed > 0 && range || self.signed.is_some() && self.witnessed.is_none())
                .then_some(Gap::Unwitnessed(unwitnessed)),
            (self.overdue > 0).then_some(Gap::Overdue(self.overdue)),
            (self.held_unused > 0).then_some(Gap::HeldUnused(self.held_unused)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
