//! Whether one place of a passage says what a sentence says: all of its terms, all of its numbers, the same yes or no,
//! and the parties in the same order. A sentence that says `60 days` of a passage that says `90 days`, or `tenant` where
//! it says `landlord`, shares nearly every term with it: so nothing here is a matter of share. Knows no citation mark.

use crate::answer::denial::fold;
use crate::answer::denial::is_negated;
use crate::answer::language::is_chinese;
use crate::answer::numbers::numbers;
use crate::domain::content_terms;
use std::collections::BTreeSet;

/// Words of duty that stand for each other; `may` is none of them.
const DUTIES: &[&str] = &["shall", "must", "will"];

/// Who does what to whom is told by their order.
const PARTIES: &[&str] = &[
    "甲方",
    "乙方",
    "丙方",
    "丁方",
    "出租人",
    "承租人",
    "买方",
    "卖方",
    "出卖人",
    "买受人",
    "委托人",
    "受托人",
    "用人单位",
    "劳动者",
    "landlord",
    "tenant",
    "lessor",
    "lessee",
    "buyer",
    "seller",
    "purchaser",
    "vendor",
    "licensor",
    "licensee",
    "employer",
    "employee",
    "supplier",
    "customer",
    "lender",
    "borrower",
    "discloser",
    "recipient",
    "contractor",
    "client",
];

/// Share of a sentence's terms that a passage must have somewhere for one of its places to be shown instead.
const MIN_NAMED_SHARE: f32 = 0.85;

/// Share of a sentence's terms that must stand in a place that is shown instead of it.
const MIN_NEAR_SHARE: f32 = 0.5;

/// Where one clause of a sentence ends and the next may say the opposite. A line's end is none: pages break lines anywhere.
const CLAUSE_ENDS: &str = ",;:，；：、。.!?！？()（）";

/// What can be compared of a stretch of text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Substance {
    terms: BTreeSet<String>,
    numbers: BTreeSet<String>,
    negated: bool,
    /// Terms of the clauses before the first denial: `by the laws of New York` of a sentence that goes on `without regard
    /// to conflicts of laws`.
    affirmed: BTreeSet<String>,
    /// Terms from the first clause on that denies.
    denied: BTreeSet<String>,
    /// The Chinese characters of the same two parts: how these are cut into words depends on what stands beside them.
    affirmed_chinese: String,
    denied_chinese: String,
    /// In the order in which they are first named.
    parties: Vec<&'static str>,
}

impl Substance {
    /// Reads terms, numbers, denials and parties out of one sentence.
    pub(super) fn of(text: &str) -> Self {
        let folded: Vec<char> = fold(text);
        let clauses = clauses(&folded);
        let denial = clauses.iter().position(|clause| is_negated(clause)).unwrap_or(clauses.len());
        let terms_of = |clauses: &[&[char]]| -> BTreeSet<String> {
            clauses.iter().flat_map(|clause| content_terms(&clause.iter().collect::<String>())).collect()
        };
        let (affirmed, denied) = (terms_of(&clauses[..denial]), terms_of(&clauses[denial..]));
        let negated = denial < clauses.len();
        // What stands across the marks between clauses, such as a list's number, is read from the whole.
        let terms = content_terms(text);
        let affirmed = if negated { affirmed } else { terms.clone() };
        let chinese = |clauses: &[&[char]]| -> String {
            clauses.iter().flat_map(|clause| clause.iter().filter(|c| is_chinese(**c))).collect()
        };
        let lower: String = folded.iter().collect();
        Self {
            terms,
            numbers: numbers(&folded),
            negated,
            affirmed,
            denied,
            affirmed_chinese: chinese(&clauses[..denial]),
            denied_chinese: chinese(&clauses[denial..]),
            parties: parties(&lower),
        }
    }

    /// Says whether there is anything to compare.
    pub(super) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Leaves terms out of what is compared where it still says something of what was asked.
    pub(super) fn without(self, terms: &BTreeSet<String>, asked: &BTreeSet<String>) -> Self {
        let rest: BTreeSet<String> = self.terms.difference(terms).cloned().collect();
        if rest.is_disjoint(asked) { self } else { Self { terms: rest, ..self } }
    }

    /// Joins what two places say.
    pub(super) fn and(&self, other: &Self) -> Self {
        let join = |one: &BTreeSet<String>, two: &BTreeSet<String>| one.union(two).cloned().collect();
        let mut parties = self.parties.clone();
        parties.extend(other.parties.iter().filter(|party| !self.parties.contains(party)));
        Self {
            terms: join(&self.terms, &other.terms),
            numbers: join(&self.numbers, &other.numbers),
            negated: self.negated || other.negated,
            affirmed: join(&self.affirmed, &other.affirmed),
            denied: join(&self.denied, &other.denied),
            affirmed_chinese: [self.affirmed_chinese.as_str(), &other.affirmed_chinese].join("\n"),
            denied_chinese: [self.denied_chinese.as_str(), &other.denied_chinese].join("\n"),
            parties,
        }
    }

    /// Of an item below a line that denies: all of it is denied.
    pub(super) fn below_a_denial(self) -> Self {
        let denied_chinese = self.affirmed_chinese + "\n" + &self.denied_chinese;
        let (affirmed, affirmed_chinese) = (BTreeSet::new(), String::new());
        Self { negated: true, denied: self.terms.clone(), affirmed, affirmed_chinese, denied_chinese, ..self }
    }

    /// Says whether this place bears out the claim. What a claim denies must be denied here; what it affirms must stand
    /// before any denial. Headings do not help: they name what is denied below them, and other subjects too.
    pub(super) fn bears_out(&self, claim: &Self) -> bool {
        let (said, chinese) = if claim.negated {
            (&self.denied, &self.denied_chinese)
        } else {
            (&self.affirmed, &self.affirmed_chinese)
        };
        let all = claim.terms.iter().all(|term| {
            said.contains(term)
                || (is_duty(term) && DUTIES.iter().any(|duty| said.contains(*duty)))
                || (term.chars().all(is_chinese) && chinese.contains(term.as_str()))
        });
        let order = self.parties.iter().filter(|party| claim.parties.contains(party));
        !claim.is_empty() && all && order.eq(claim.parties.iter()) && claim.numbers.is_subset(&self.numbers)
    }

    /// Says whether this place has half of the claim's terms, all of its numbers and nearly all that it says beyond what
    /// was asked, whatever this place says of them.
    pub(super) fn comes_near(&self, claim: &Self, asked: &BTreeSet<String>) -> bool {
        let answering: BTreeSet<String> =
            claim.terms.difference(asked).filter(|term| !is_negated(&fold(term))).cloned().collect();
        let answers = answering.is_empty() || share(&self.terms, &answering) >= MIN_NAMED_SHARE;
        let speaks = self.share_of(claim) >= MIN_NEAR_SHARE;
        !claim.is_empty() && answers && speaks && claim.numbers.is_subset(&self.numbers)
    }

    /// Says whether nearly all of the claim's terms are among `terms`.
    pub(super) fn is_named_by(&self, terms: &BTreeSet<&str>) -> bool {
        let named = self.terms.iter().filter(|term| terms.contains(term.as_str())).count();
        named as f32 / self.terms.len().max(1) as f32 >= MIN_NAMED_SHARE
    }

    /// Share of some terms that stand here, 0 to 1.
    pub(super) fn share_in(&self, terms: &BTreeSet<String>) -> f32 {
        share(&self.terms, terms)
    }

    /// Share of the claim's terms that stand here, 0 to 1.
    pub(super) fn share_of(&self, claim: &Self) -> f32 {
        share(&self.terms, &claim.terms)
    }
}

fn is_duty(term: &str) -> bool {
    DUTIES.contains(&term)
}

fn parties(lower: &str) -> Vec<&'static str> {
    let mut found: Vec<(usize, &str)> =
        PARTIES.iter().filter_map(|party| Some((lower.find(party)?, *party))).collect();
    found.sort_unstable();
    found.into_iter().map(|(_, party)| party).collect()
}

/// The comma of `2,500` ends no clause.
fn clauses(folded: &[char]) -> Vec<&[char]> {
    let (mut clauses, mut start) = (Vec::new(), 0);
    for (at, character) in folded.iter().enumerate() {
        let in_number = folded.get(at + 1).is_some_and(char::is_ascii_digit);
        if CLAUSE_ENDS.contains(*character) && !in_number {
            clauses.push(&folded[start..at]);
            start = at + 1;
        }
    }
    clauses.push(&folded[start..]);
    clauses
}

fn share(terms: &BTreeSet<String>, of: &BTreeSet<String>) -> f32 {
    terms.intersection(of).count() as f32 / of.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::window::windows;

    fn check(passage: &str, claim: &str, expected: bool) {
        let text: Vec<char> = passage.chars().collect();
        let claimed = Substance::of(claim);
        let borne_out =
            windows(&text).iter().any(|window| window.coherent && window.substance.bears_out(&claimed));
        assert_eq!(borne_out, expected, "`{claim}` by `{passage}`");
    }

    #[test]
    fn a_claim_is_borne_out_by_its_terms_in_one_place() {
        let passage = "Backups of the production database are kept for ninety days. The office is in Bremen.";

        check(passage, "The production database backups are kept for ninety days.", true);
        check(passage, "Backups of the office printers are kept in the cellar.", false);
        check("", "Backups are kept.", false);
    }

    #[test]
    fn a_denial_in_another_clause_does_not_deny_the_first() {
        let passage = "This Agreement shall be governed by the laws of the State of New York, without giving effect to any \
                       conflicts of laws principles.";

        check(passage, "The law governing this agreement is the laws of the State of New York.", true);
        check(passage, "This agreement is not governed by the laws of New York.", false);
        check("The tenant may not sublet the premises.", "The tenant may sublet the premises.", false);
    }

    #[test]
    fn a_swapped_party_or_word_is_another_claim() {
        let passage = "The landlord shall pay the water charges to the utility within 30 days of receiving the invoice.";

        check(
            passage,
            "The landlord must pay the water charges within 30 days of receiving the invoice.",
            true,
        );
        check(
            passage,
            "The tenant shall pay the water charges within 30 days of receiving the invoice.",
            false,
        );
        check(
            "甲方应当在收到发票后三十日内支付全部水电费用。",
            "乙方应当在收到发票后三十日内支付全部水电费用。",
            false,
        );
        check("甲方向乙方支付500元。", "乙方向甲方支付500元。", false);
        check(
            "Fees are refunded within 30 days. Deposits are paid in May.",
            "Deposits are refunded within 30 days.",
            false,
        );
        check(
            "The deposit is EUR 500. It is refunded in May.",
            "The deposit of EUR 500 is refunded in May.",
            true,
        );
    }

    #[test]
    fn chinese_is_compared_however_it_is_cut_into_words() {
        let passage = "TEX Live包含多个tlmgr的GUI。图9展示了tlshell，它是用Tcl/Tk编写的，在Windows和\nMacOSX下直接就能用。";

        check(passage, "tlshell 是用Tcl/Tk编写的，在Windows和MacOSX下直接就能用。", true);
        check(passage, "tlcockpit 是用Tcl/Tk编写的，在Windows和MacOSX下直接就能用。", false);
        check("乙方不得转租该房屋。", "乙方转租该房屋。", false);
    }

    #[test]
    fn what_stands_after_a_denial_is_denied() {
        check("The tenant may keep pets, but not smoke in the flat.", "The tenant may not keep pets.", false);
        check(
            "The tenant may not, without the landlord's consent, sublet the flat.",
            "The tenant can sublet the flat.",
            false,
        );
        check(
            "The tenant may not, without consent, sublet the flat.",
            "The tenant may not sublet the flat.",
            true,
        );
        check("The tenant shall not: (a) sublet the flat; (b) keep pets.", "You can keep pets.", false);
        check("乙方不得：转租；分租；抵押。", "可以分租。", false);
        check(
            "The following are not covered:\n- Damage by water.\n- Damage by frost.",
            "Damage by frost.",
            false,
        );
    }

    #[test]
    fn every_number_must_stand_there_as_it_is_written() {
        check("The fee is 2,500 euro within 30 days.", "The fee is 2500 euro within 30 days.", true);
        check("The fee is 2,500 euro within 30 days.", "The fee is 2500 euro within 60 days.", false);
        check("Backups are kept for ninety days.", "Backups are kept for sixty days.", false);
        check("The rate is 5.2 percent per year.", "The rate is 5 percent per year.", false);
        check(
            "差旅费用须在行程结束后三十日内提交报销单。",
            "差旅费用须在行程结束后三十日内提交报销单。",
            true,
        );
        check(
            "差旅费用须在行程结束后三十日内提交报销单。",
            "差旅费用须在行程结束后六十日内提交报销单。",
            false,
        );
        check(
            "差旅费用须在行程结束后三十日内提交报销单。",
            "差旅费用须在行程结束后十日内提交报销单。",
            false,
        );
    }

    #[test]
    fn yes_is_not_no() {
        check("The tenant may not sublet the flat.", "The tenant may sublet the flat.", false);
        check("The tenant may sublet the flat.", "The tenant may not sublet the flat.", false);
        check("The tenant can’t sublet the flat.", "The tenant can't sublet the flat.", true);
        check("乙方不得转让本合同。", "乙方可以转让本合同。", false);
        check("甲方不同意乙方转租。", "甲方同意乙方转租。", false);
        check("The tenant shall not\nsublet the flat to others.", "The flat is sublet to others.", false);
        check(
            "Fees are refunded within 30 days. Deposits are not refunded.",
            "Deposits are refunded within 30 days.",
            false,
        );
    }
}
