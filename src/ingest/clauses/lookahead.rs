//! Whether what looks like a mark at the start of a line is one, by what follows it: no reference, no number. Knows no
//! list.

use crate::domain::clause::Dress;
use crate::domain::clause::Mark;
use crate::domain::clause::Unit;
use crate::ingest::clauses::lines;

/// Says whether what follows lets it be a mark and no reference or number.
pub(super) fn reads_as_mark(mark: &Mark, rest: &[char]) -> bool {
    let after = &rest[mark.length..];
    let next = after.iter().find(|c| !c.is_whitespace());
    let apart = after.first().is_none_or(|c| c.is_whitespace());
    let is_within = matches!(mark.segment.unit, Unit::Paragraph | Unit::Item);
    let follows = match (lines::is_chinese_mark(&rest[..mark.length]), next) {
        (_, None) => true,
        (true, Some(next)) => {
            apart || "：:．.、，【[（(—－-《“".contains(*next) || !goes_on_as_reference(after)
        }
        (false, Some(next)) => {
            // `1.Definitions` and `(a)any`, as bilingual contracts have them
            let word = mark.style.dress == Dress::Word;
            let bracket = matches!(mark.style.dress, Dress::Brackets | Dress::Bracket);
            let tight = (!word && next.is_ascii_uppercase()) || (bracket && next.is_ascii_alphabetic());
            let parted = apart || ".:：,，-–—([（【“\"".contains(*next) || !next.is_ascii();
            (parted || tight) && !begins_low(mark, after)
        }
    };
    !is_within && follows
}

/// `第三条规定的`, `第五条至第七条`.
fn goes_on_as_reference(after: &[char]) -> bool {
    const WORDS: &[&str] = &[
        "规定", "约定", "载明", "列明", "明确", "的", "所", "中", "内", "下", "第", "至", "到", "和", "及",
        "或", "以", "之", "与", "为", "系", "是", "作", "不", "未", "均", "项", "款",
    ];
    let after: String = after.iter().take(2).collect();
    WORDS.iter().any(|word| after.starts_with(word))
}

/// `Section 5 of the lease`, `Article 4, as amended`; `(a) the` is none.
fn begins_low(mark: &Mark, after: &[char]) -> bool {
    let word = mark.style.dress == Dress::Word;
    let next = after.iter().find(|c| !c.is_whitespace());
    word && next.is_some_and(|next| next.is_ascii_lowercase() || matches!(next, ',' | ';' | ')'))
}
