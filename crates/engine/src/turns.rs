//! Whose turn it is: interactive work before bulk work, which still gets every fifth turn, and of each kind the user
//! served longest ago first. Knows neither what is done in a turn nor how long it lasts.

use std::collections::HashMap;

use crate::request::Priority;

/// After so many interactive turns in a row waiting bulk work gets one.
const INTERACTIVE_STREAK: u32 = 4;
/// Of more users than these the ones served longest ago count as never served.
const REMEMBERED_USERS: usize = 1024;

/// Something that wants a turn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim {
    pub priority: Priority,
    /// Opaque: who shares turns with whom.
    pub user: u64,
    /// Whether it had a turn and goes on before all others of its priority.
    pub begun: bool,
}

/// Who had turns so far.
#[derive(Default)]
pub(crate) struct Turns {
    streak: u32,
    clock: u64,
    last: HashMap<(Priority, u64), u64>,
}

/// A user while an order is made.
struct User {
    /// When it had its last turn.
    last: u64,
    /// The place of its first claim.
    first: usize,
    /// How many of its claims have their place in the order.
    round: usize,
}

impl Turns {
    /// In which order `claims`, given in the order of their arrival, get their turns if no other comes: their places.
    pub(crate) fn order(&self, claims: &[Claim]) -> Vec<usize> {
        let mut interactive = self.fair(claims, Priority::Interactive).into_iter();
        let mut bulk = self.fair(claims, Priority::Bulk).into_iter();
        let mut streak = self.streak;
        let mut order = Vec::with_capacity(claims.len());
        while order.len() < claims.len() {
            let bulk_is_due = streak >= INTERACTIVE_STREAK && bulk.len() > 0;
            let next = if bulk_is_due { None } else { interactive.next() };
            streak = if next.is_some() { streak + 1 } else { 0 };
            order.extend(next.or_else(|| bulk.next()));
        }
        order
    }

    /// Notes that a claim gets its turn.
    pub(crate) fn give(&mut self, claim: Claim) {
        let Claim { priority, user, .. } = claim;
        self.streak = match priority {
            Priority::Interactive => (self.streak + 1).min(INTERACTIVE_STREAK),
            Priority::Bulk => 0,
        };
        self.clock += 1;
        self.last.insert((priority, user), self.clock);
        if self.last.len() > REMEMBERED_USERS {
            let oldest = self.clock - REMEMBERED_USERS as u64 / 2;
            self.last.retain(|_, last| *last > oldest);
        }
    }

    /// The order within a priority. Users that wait take turns, so each round has the order of the first.
    fn fair(&self, claims: &[Claim], priority: Priority) -> Vec<usize> {
        let (begun, fresh): (Vec<_>, Vec<_>) = (claims.iter().enumerate())
            .filter(|(_, claim)| claim.priority == priority)
            .partition(|(_, claim)| claim.begun);
        let mut users: HashMap<u64, User> = HashMap::new();
        for (place, claim) in &fresh {
            let last = self.last.get(&(priority, claim.user)).copied().unwrap_or(0);
            users.entry(claim.user).or_insert(User { last, first: *place, round: 0 });
        }
        for (turn, (_, claim)) in begun.iter().enumerate() {
            users.entry(claim.user).and_modify(|user| user.last = self.clock + 1 + turn as u64);
        }
        let mut keys = Vec::with_capacity(fresh.len());
        for (place, claim) in fresh {
            users.entry(claim.user).and_modify(|user| {
                user.round += 1;
                keys.push((user.round, user.last, user.first, place));
            });
        }
        keys.sort_unstable();
        let fresh = keys.into_iter().map(|(.., place)| place);
        begun.into_iter().map(|(place, _)| place).chain(fresh).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn claim(priority: Priority, user: u64) -> Claim {
        Claim { priority, user, begun: false }
    }

    #[test]
    fn users_take_turns_and_the_one_served_longest_ago_begins() {
        let claims = [1, 1, 1, 2, 2, 3].map(|user| claim(Priority::Interactive, user));
        let mut turns = Turns::default();
        assert_eq!(turns.order(&claims), [0, 3, 5, 1, 4, 2]);

        turns.give(claims[3]);
        turns.give(claims[0]);

        assert_eq!(turns.order(&claims), [5, 3, 0, 4, 1, 2]);
    }

    #[test]
    fn bulk_gets_every_fifth_turn() {
        let mut claims = vec![claim(Priority::Bulk, 0); 2];
        claims.extend([claim(Priority::Interactive, 0); 9]);

        assert_eq!(Turns::default().order(&claims), [2, 3, 4, 5, 0, 6, 7, 8, 9, 1, 10]);
    }

    #[test]
    fn what_has_begun_goes_before_other_users_of_its_priority_only() {
        let begun = Claim { begun: true, ..claim(Priority::Bulk, 1) };
        let claims = [claim(Priority::Bulk, 2), begun, claim(Priority::Interactive, 3)];
        let mut turns = Turns::default();
        turns.give(begun);

        assert_eq!(turns.order(&claims), [2, 1, 0]);
    }

    #[test]
    fn no_more_users_are_remembered_than_there_is_room_for() {
        let mut turns = Turns::default();

        for user in 0..10_000 {
            turns.give(claim(Priority::Bulk, user));
            assert!(turns.last.len() <= REMEMBERED_USERS);
        }

        let claims = [9_999, 9_600, 3, 2].map(|user| claim(Priority::Bulk, user));
        assert_eq!(turns.order(&claims), [2, 3, 1, 0]);
    }

    fn claims() -> impl Strategy<Value = Vec<Claim>> {
        let claim = (any::<bool>(), 0_u64..4, prop::bool::weighted(0.1));
        proptest::collection::vec(claim, 0..24).prop_map(|claims| {
            let claim = |(interactive, user, begun)| Claim {
                priority: if interactive { Priority::Interactive } else { Priority::Bulk },
                user,
                begun,
            };
            claims.into_iter().map(claim).collect()
        })
    }

    proptest! {
        #[test]
        fn the_order_told_is_the_order_of_service(claims in claims(), before in claims()) {
            let mut turns = Turns::default();
            for claim in before {
                turns.give(claim);
            }
            let told = turns.order(&claims);

            let mut waiting: Vec<(usize, Claim)> = claims.into_iter().enumerate().collect();
            let mut served = Vec::new();
            while !waiting.is_empty() {
                let claims: Vec<Claim> = waiting.iter().map(|(_, claim)| *claim).collect();
                let (place, claim) = waiting.remove(turns.order(&claims)[0]);
                turns.give(claim);
                served.push(place);
            }

            prop_assert_eq!(told, served);
        }
    }
}
