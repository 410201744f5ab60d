//! The language of a question: the prompt and a refusal are written in it. Knows two languages; others are answered
//! with English instructions.

/// Chinese or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Chinese,
    English,
}

impl Language {
    /// Chinese when Chinese characters weigh as much as Latin letters, a word of which has about four.
    pub(super) fn of(text: &str) -> Self {
        let chinese = text.chars().filter(|&character| is_chinese(character)).count();
        let latin = text.chars().filter(char::is_ascii_alphabetic).count();
        if chinese > 0 && chinese * 4 >= latin { Self::Chinese } else { Self::English }
    }

    /// The name in the audit record (BCP 47).
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Chinese => "zh",
            Self::English => "en",
        }
    }
}

/// Says whether it is a Chinese character, in the blocks in which modern documents are written.
pub(super) const fn is_chinese(character: char) -> bool {
    matches!(character, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(question: &str, expected: Language) {
        assert_eq!(Language::of(question), expected, "{question}");
    }

    #[test]
    fn a_question_is_chinese_when_chinese_outweighs_names_in_it() {
        check("差旅报销需要在多久内提交？", Language::Chinese);
        check("Kubernetes 集群的备份保留多久？", Language::Chinese);
        check("What does 违约金 mean in clause 8.2?", Language::English);
        check("How long are backups kept?", Language::English);
        check("12 + 5?", Language::English);
    }
}
