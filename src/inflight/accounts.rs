//! The accounts of the budget: what each body holds, and which may have more. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::Holder;

/// One client may hold one part in so many of the budget.
const CLIENT_PARTS: u64 = 4;

#[derive(Debug, Default)]
pub(super) struct Accounts {
    pub(super) held_bytes: u64,
    /// Numbers are given in the order in which grants are asked for, and anew in the order in which they
    /// are given: of those that hold something the least is the oldest.
    next: u64,
    entries: BTreeMap<u64, Entry>,
    /// The numbers of those that may grow.
    pub(super) growing: BTreeSet<u64>,
    /// The numbers of those that wait for bytes to come free, one of each client at most.
    pub(super) waiting: BTreeMap<u64, Holder>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    bytes: u64,
    holder: Holder,
}

/// One body's claim to bytes of the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) number: u64,
    pub(super) grows: bool,
    holder: Holder,
}

/// Whether a claim is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClaimOutcome {
    /// The bytes are held, under this claim from now on.
    Granted(Claim),
    /// It waits in the queue.
    Queued,
    /// It waits for other bytes of its own holder, outside the queue.
    OverShare,
}

impl Accounts {
    pub(super) fn claim(&mut self, grows: bool, holder: Holder) -> Claim {
        self.next += 1;
        Claim {
            number: self.next,
            grows,
            holder,
        }
    }

    pub(super) fn try_take(&mut self, claim: Claim, more: u64, bytes_max: u64) -> ClaimOutcome {
        let outcome = self.judge(claim, more, bytes_max);
        match outcome {
            ClaimOutcome::Granted(_) => {
                self.waiting.remove(&claim.number);
                let claim = match self.holds(claim) {
                    true => claim,
                    // Whoever waited is not older than what was given before it.
                    false => self.claim(claim.grows, claim.holder),
                };
                self.add(claim, more);
                return ClaimOutcome::Granted(claim);
            }
            ClaimOutcome::Queued => {
                self.waiting.insert(claim.number, claim.holder);
            }
            ClaimOutcome::OverShare => {
                self.waiting.remove(&claim.number);
            }
        }
        outcome
    }

    fn holds(&self, claim: Claim) -> bool {
        self.entries.contains_key(&claim.number)
    }

    fn judge(&self, claim: Claim, more: u64, bytes_max: u64) -> ClaimOutcome {
        if self.is_over_share(claim, more, bytes_max / CLIENT_PARTS) {
            return ClaimOutcome::OverShare;
        }
        let oldest = self.growing.first();
        let is_oldest = claim.grows && oldest.is_none_or(|oldest| *oldest == claim.number);
        if is_oldest {
            return ClaimOutcome::Granted(claim);
        }
        let is_behind = self
            .waiting
            .first_key_value()
            .is_some_and(|(first, _)| *first < claim.number);
        let of_the_oldest = oldest.map_or(0, |oldest| self.bytes_of(*oldest));
        let left_to_the_oldest = (bytes_max / 2).saturating_sub(of_the_oldest);
        let fits = self.held_bytes + more + left_to_the_oldest <= bytes_max;
        match fits && !is_behind {
            true => ClaimOutcome::Granted(claim),
            false => ClaimOutcome::Queued,
        }
    }

    /// Whether a client's bytes would exceed its share. The oldest that it holds may: one body at a time
    /// can be had by everybody, however large. Of what it doesn't hold yet, one waits for the others.
    fn is_over_share(&self, claim: Claim, more: u64, share: u64) -> bool {
        if claim.holder.is_none() {
            return false;
        }
        let waits =
            |(number, holder): (&u64, &Holder)| *holder == claim.holder && *number < claim.number;
        if !self.holds(claim) && self.waiting.iter().any(waits) {
            return true;
        }
        let mut own = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.holder == claim.holder)
            .peekable();
        let is_first = own
            .peek()
            .is_none_or(|(number, _)| **number == claim.number);
        let held: u64 = own.map(|(_, entry)| entry.bytes).sum();
        !is_first && held + more > share
    }

    fn bytes_of(&self, number: u64) -> u64 {
        self.entries.get(&number).map_or(0, |entry| entry.bytes)
    }

    pub(super) fn add(&mut self, claim: Claim, more: u64) {
        let entry = self.entries.entry(claim.number).or_insert(Entry {
            bytes: 0,
            holder: claim.holder,
        });
        entry.bytes += more;
        self.held_bytes += more;
        if claim.grows {
            self.growing.insert(claim.number);
        }
    }

    /// Nothing of it is held any more.
    pub(super) fn remove(&mut self, claim: Claim, bytes: u64) {
        self.give_back(claim, bytes);
        self.entries.remove(&claim.number);
        self.growing.remove(&claim.number);
    }

    pub(super) fn give_back(&mut self, claim: Claim, bytes: u64) {
        if let Some(entry) = self.entries.get_mut(&claim.number) {
            entry.bytes -= bytes;
            self.held_bytes -= bytes;
        }
    }
}
