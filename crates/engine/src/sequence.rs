//! One request while it is served: its tokens, how many of them have their KV in the pool, and where. Knows no other
//! sequence and no plan.

use crate::blocks::BLOCK_TOKENS;
use crate::blocks::BlockId;
use crate::blocks::Blocks;
use crate::blocks::Label;
use crate::blocks::Name;
use crate::blocks::Prefix;
use crate::blocks::blocks_for;
#[cfg(test)]
use crate::blocks::names;
use crate::request::Priority;

/// Which sequence; no two that were ever admitted have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SequenceId(pub(crate) u64);

/// How a sequence is to be served.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub priority: Priority,
    /// Opaque: whose turn a turn of this sequence is.
    pub user: u64,
    /// KV is shared with sequences of the same salt only; holds all that must separate prompts.
    pub salt: [u8; 16],
    /// The most tokens that prompt and answer can come to; at least the prompt's.
    pub limit: usize,
}

/// A prompt, its answer so far, and the blocks of both.
///
/// ```text
/// tokens   p p p p p p p p p p a a a      p: prompt, a: answer; the last one has no KV before its step
/// computed ────────────────────────┘
/// table    [ 0 ][ 1 ][ 2 ][ 3 ][ 4 ]      one block for BLOCK_TOKENS tokens
/// shared   ─────────┘                     findable by others, never written again
/// ```
#[derive(Debug)]
pub(crate) struct Sequence {
    id: SequenceId,
    terms: Terms,
    tokens: Vec<u32>,
    prompt: usize,
    /// Of the prompt's whole blocks.
    names: Vec<Name>,
    computed: usize,
    cached: usize,
    table: Vec<BlockId>,
    shared: usize,
    /// Whether its prompt may be found and reused; not after everything was to be forgotten.
    shares: bool,
    admission: u64,
}

impl Sequence {
    /// A sequence that holds nothing yet, with the names of its prompt's blocks.
    #[cfg(test)]
    pub(crate) fn new(id: SequenceId, prompt: Vec<u32>, terms: Terms) -> Self {
        let names = names(&terms.salt, &prompt);
        Self::with_names(id, prompt, terms, names)
    }

    /// A sequence that holds nothing yet; `names` are those of its prompt's blocks.
    pub(crate) fn with_names(id: SequenceId, prompt: Vec<u32>, terms: Terms, names: Vec<Name>) -> Self {
        assert!(!prompt.is_empty() && prompt.len() <= terms.limit, "prompts are checked before they wait");
        Self {
            id,
            terms,
            prompt: prompt.len(),
            tokens: prompt,
            names,
            computed: 0,
            cached: 0,
            table: Vec::new(),
            shared: 0,
            shares: true,
            admission: 0,
        }
    }

    pub(crate) fn id(&self) -> SequenceId {
        self.id
    }

    pub(crate) fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Prompt, then answer.
    pub(crate) fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// How many of its tokens are the prompt's.
    pub(crate) fn prompt_tokens(&self) -> usize {
        self.prompt
    }

    /// How many of its tokens have their KV.
    pub(crate) fn computed(&self) -> usize {
        self.computed
    }

    /// How many of the prompt's tokens were computed for another sequence.
    pub(crate) fn cached(&self) -> usize {
        self.cached
    }

    /// Where its KV is, a block for each [`BLOCK_TOKENS`] tokens.
    pub(crate) fn table(&self) -> &[BlockId] {
        &self.table
    }

    /// Whether its prompt is not read to the end.
    pub(crate) fn prefills(&self) -> bool {
        self.computed < self.prompt
    }

    /// Whether it waits for the token after the one it got last.
    pub(crate) fn decodes(&self) -> bool {
        !self.prefills() && self.computed < self.tokens.len()
    }

    /// The weakest sequence has the highest rank: bulk is weaker than interactive, late is weaker than early.
    pub(crate) fn rank(&self) -> (bool, u64) {
        (self.terms.priority == Priority::Bulk, self.admission)
    }

    /// How many blocks it will hold when its prompt is read and one more block is begun.
    pub(crate) fn blocks_soon(&self) -> usize {
        (blocks_for(self.prompt.max(self.computed)) + 1).min(blocks_for(self.terms.limit))
    }

    /// How many blocks its prompt needs beyond those that it holds.
    pub(crate) fn blocks_to_read(&self) -> usize {
        blocks_for(self.prompt).saturating_sub(self.table.len())
    }

    /// How many tokens fit into the blocks that it holds, beyond those computed.
    pub(crate) fn room(&self) -> usize {
        self.table.len() * BLOCK_TOKENS - self.computed
    }

    /// Findable blocks that continue its table, if its next token begins a block and it may share.
    pub(crate) fn find(&self, blocks: &Blocks) -> Vec<BlockId> {
        let continues = self.shared == self.table.len() && (self.prefills() || self.table.is_empty());
        if self.shares && continues { blocks.find(self.prefix(), &self.table) } else { Vec::new() }
    }

    /// What the next block of its prompt is, if it is at the beginning of one that another may have computed.
    pub(crate) fn next_shared(&self) -> Option<Label> {
        let place = self.table.len();
        let aligned = self.prefills() && self.shared == place && self.computed == place * BLOCK_TOKENS;
        (self.shares && aligned && place < self.prefix().reusable()).then(|| self.prefix().label(place))
    }

    /// The names of the prompt's blocks that its table does not have yet.
    pub(crate) fn names_ahead(&self) -> &[Name] {
        self.names.get(self.table.len()..).unwrap_or_default()
    }

    /// A block whose KV comes from elsewhere continues its table; others find it at once.
    pub(crate) fn recall(&mut self, block: BlockId, blocks: &mut Blocks) {
        self.grow(block);
        self.advance(BLOCK_TOKENS, blocks);
        self.cached += BLOCK_TOKENS;
    }

    /// Takes its place among those admitted.
    pub(crate) fn enter(&mut self, admission: u64) {
        self.admission = admission;
    }

    /// Goes on with blocks that were found for it, from the end of its table.
    pub(crate) fn reuse(&mut self, found: &[BlockId], blocks: &mut Blocks) {
        if found.is_empty() {
            return;
        }
        blocks.hold(found);
        self.table.extend_from_slice(found);
        self.shared = self.table.len();
        let reached = self.table.len() * BLOCK_TOKENS;
        self.cached += reached.saturating_sub(self.computed);
        self.computed = self.computed.max(reached);
    }

    /// Gets a block of its own to write into.
    pub(crate) fn grow(&mut self, block: BlockId) {
        self.table.push(block);
    }

    /// The KV of `count` more tokens is there; whole blocks of the prompt become findable.
    pub(crate) fn advance(&mut self, count: usize, blocks: &mut Blocks) {
        self.computed += count;
        if self.shares {
            let whole = self.computed.min(self.prompt) / BLOCK_TOKENS;
            let prefix =
                Prefix { salt: self.terms.salt, tokens: &self.tokens[..self.prompt], names: &self.names };
            self.shared = blocks.publish(prefix, &mut self.table[..whole], self.shared);
        }
    }

    /// Adds a token of the answer.
    pub(crate) fn push(&mut self, token: u32) {
        assert!(self.tokens.len() < self.terms.limit, "an answer ends at its limit");
        self.tokens.push(token);
    }

    /// Gives its blocks back; gives those whose KV host memory must keep.
    pub(crate) fn leave(&mut self, blocks: &mut Blocks) -> Vec<BlockId> {
        let mut table = std::mem::take(&mut self.table);
        blocks.give_back(&table);
        table.truncate(blocks_for(self.computed));
        self.shared = 0;
        table
    }

    /// Never lets its prompt be found again, nor reuses another one.
    pub(crate) fn keep_to_itself(&mut self) {
        self.shares = false;
        self.shared = 0;
    }

    fn prefix(&self) -> Prefix<'_> {
        Prefix { salt: self.terms.salt, tokens: &self.tokens[..self.prompt], names: &self.names }
    }
}
