//! What is announced must end in exactly one outcome. Followed in bounded memory: only intents that are open now are
//! kept, and the ids of the last `RECENT` records; an outcome closes its intent and lets go of it, so that a second
//! outcome finds nothing open. Knows no tree.

use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;

/// How many records back an id is remembered.
pub const RECENT: usize = 65_536;

/// Intents open at the same time beyond which following them is given up. A service has a few dozen.
pub const MAX_OPEN: usize = 100_000;

/// A record's id: the 16 bytes of a UUID.
pub type EventId = [u8; 16];

/// The things that are announced before they begin. The service's store knows the same kinds.
const ANNOUNCED: [&str; 2] = ["chat", "search"];
const OUTCOMES: [&str; 4] = ["completed", "refused", "failed", "abandoned"];

/// What a record is to this rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Announces something.
    Intent(Topic),
    /// Ends what another record announced.
    Outcome(Topic),
    /// Neither.
    Other,
}

/// What is announced: a question or a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic(usize);

impl Role {
    /// Reads a record's kind, such as `chat.intent`.
    pub fn of(kind: &str) -> Self {
        let Some((topic, act)) = kind.split_once('.') else { return Self::Other };
        match ANNOUNCED.iter().position(|&announced| announced == topic).map(Topic) {
            Some(topic) if act == "intent" => Self::Intent(topic),
            Some(topic) if OUTCOMES.contains(&act) => Self::Outcome(topic),
            Some(_) | None => Self::Other,
        }
    }
}

/// What breaks the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unpaired {
    /// A record with this id came before.
    #[error("a record with the same id stands there already")]
    Repeated,
    /// The outcome names no intent.
    #[error("the record says how something ended, but not what")]
    Nothing,
    /// The outcome's intent has an outcome already, or is no intent.
    #[error("the record gives a second outcome to what had one already")]
    Second,
    /// No record before announced it.
    #[error("the record says how something ended that is not open: it was never announced, or has ended")]
    Unannounced,
    /// More than [`MAX_OPEN`] intents have no outcome.
    #[error("more than {MAX_OPEN} questions and searches are without outcome at this point")]
    TooMany,
}

/// An intent without an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    /// Where it stands in the log.
    pub position: u64,
    /// When it was recorded, in microseconds since 1970.
    pub at_us: i64,
    topic: Topic,
}

/// The state between two records.
#[derive(Debug)]
pub struct Pairs {
    /// Records before the first one are unknown: an outcome may belong to one of them.
    begins_later: bool,
    open: HashMap<EventId, Open>,
    recent: HashSet<EventId>,
    order: VecDeque<EventId>,
    /// Outcomes of intents before the first record.
    pub earlier: u64,
    /// Intents seen.
    pub intents: u64,
    /// Outcomes seen.
    pub outcomes: u64,
}

impl Pairs {
    /// Begins at this position of the log.
    pub fn new(first: u64) -> Self {
        Self {
            begins_later: first > 0,
            open: HashMap::new(),
            recent: HashSet::new(),
            order: VecDeque::new(),
            earlier: 0,
            intents: 0,
            outcomes: 0,
        }
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// When it breaks the rule.
    pub fn take(
        &mut self,
        id: EventId,
        role: Role,
        reference: Option<EventId>,
        at: (u64, i64),
    ) -> Result<(), Unpaired> {
        self.remember(id)?;
        match role {
            Role::Other => Ok(()),
            Role::Intent(topic) => {
                if self.open.len() >= MAX_OPEN {
                    return Err(Unpaired::TooMany);
                }
                let (position, at_us) = at;
                self.intents += 1;
                self.open.insert(id, Open { position, at_us, topic });
                Ok(())
            }
            Role::Outcome(topic) => self.close(reference.ok_or(Unpaired::Nothing)?, topic),
        }
    }

    /// Intents without an outcome, in the order of the log.
    pub fn open(&self) -> Vec<Open> {
        let mut open: Vec<Open> = self.open.values().copied().collect();
        open.sort_unstable_by_key(|open| open.position);
        open
    }

    fn close(&mut self, intent: EventId, topic: Topic) -> Result<(), Unpaired> {
        self.outcomes += 1;
        match self.open.get(&intent) {
            Some(open) if open.topic == topic => {
                self.open.remove(&intent);
                Ok(())
            }
            None if self.recent.contains(&intent) => Err(Unpaired::Second),
            None if self.begins_later => {
                self.earlier += 1;
                Ok(())
            }
            Some(_) | None => Err(Unpaired::Unannounced),
        }
    }

    fn remember(&mut self, id: EventId) -> Result<(), Unpaired> {
        if self.open.contains_key(&id) || !self.recent.insert(id) {
            return Err(Unpaired::Repeated);
        }
        self.order.push_back(id);
        if self.order.len() > RECENT
            && let Some(oldest) = self.order.pop_front()
        {
            self.recent.remove(&oldest);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Role = Role::Intent(Topic(0));
    const ANSWERED: Role = Role::Outcome(Topic(0));
    const FOUND: Role = Role::Outcome(Topic(1));

    fn id(number: u32) -> EventId {
        u128::from(number).to_be_bytes()
    }

    fn follow(first: u64, records: &[(u32, Role, Option<u32>)]) -> (Result<(), Unpaired>, Pairs) {
        let mut pairs = Pairs::new(first);
        let result = records.iter().try_for_each(|&(number, role, reference)| {
            pairs.take(id(number), role, reference.map(id), (u64::from(number), 0))
        });
        (result, pairs)
    }

    fn check(first: u64, records: &[(u32, Role, Option<u32>)], expected: Result<(), Unpaired>) {
        assert_eq!(follow(first, records).0, expected, "{records:?}");
    }

    #[test]
    fn kinds_have_roles() {
        assert_eq!(Role::of("chat.intent"), ASKED);
        assert_eq!(Role::of("chat.refused"), ANSWERED);
        assert_eq!(Role::of("search.abandoned"), FOUND);
        for other in ["chat.sentence", "document.failed", "chat", "", "chat.intent.x"] {
            assert_eq!(Role::of(other), Role::Other);
        }
    }

    #[test]
    fn each_intent_ends_once() {
        check(
            0,
            &[(1, ASKED, None), (2, ASKED, None), (3, ANSWERED, Some(2)), (4, ANSWERED, Some(1))],
            Ok(()),
        );
        check(0, &[(1, ASKED, None), (2, ANSWERED, Some(1)), (3, ANSWERED, Some(1))], Err(Unpaired::Second));
        check(0, &[(1, ANSWERED, Some(7))], Err(Unpaired::Unannounced));
        check(0, &[(1, ASKED, None), (2, FOUND, Some(1))], Err(Unpaired::Unannounced));
        check(0, &[(1, ANSWERED, None)], Err(Unpaired::Nothing));
        check(0, &[(1, Role::Other, None), (1, Role::Other, None)], Err(Unpaired::Repeated));
    }

    #[test]
    fn an_export_that_begins_later_may_hold_outcomes_of_earlier_intents_but_no_second_one_of_its_own() {
        check(5, &[(6, ANSWERED, Some(3))], Ok(()));
        check(5, &[(6, ASKED, None), (7, ANSWERED, Some(6)), (8, ANSWERED, Some(6))], Err(Unpaired::Second));
    }

    #[test]
    fn what_stays_open_is_told_in_order() {
        let (result, pairs) =
            follow(0, &[(1, ASKED, None), (2, ASKED, None), (3, ASKED, None), (4, ANSWERED, Some(2))]);

        assert_eq!(result, Ok(()));
        assert_eq!(pairs.open().iter().map(|open| open.position).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn memory_is_bounded_however_long_the_log_is() {
        let mut pairs = Pairs::new(0);
        for number in 0..200_000 {
            pairs.take(id(2 * number), ASKED, None, (0, 0)).unwrap();
            pairs.take(id(2 * number + 1), ANSWERED, Some(id(2 * number)), (0, 0)).unwrap();
        }

        assert!(pairs.open.is_empty() && pairs.recent.len() == RECENT && pairs.order.len() == RECENT);
    }
}
