use super::{Kind, Lexed};

/// Ends of the lists of two or more single uncapitalised words that begin at token `at` and end at
/// `to` at the latest ("calm, kind and quick"), the shortest first.
pub fn word_list_ends(text: &Lexed, at: usize, to: usize) -> Vec<usize> {
    let word =
        |i: usize| i < to && text.tokens.get(i).is_some_and(|t| t.kind == Kind::Word { capital: false });
    let is = |i: usize, mark: &str| i < to && text.tokens.get(i).is_some_and(|t| t.is(mark));
    let mut ends = Vec::new();
    if !word(at) {
        return ends;
    }
    let mut end = at + 1;
    loop {
        let mut next = end;
        let comma = is(next, ",");
        next += usize::from(comma);
        let and = is(next, "and");
        next += usize::from(and);
        if !(comma || and) || !word(next) {
            return ends;
        }
        end = next + 1;
        ends.push(end);
    }
}

/// Whether a word (in lower case) joins something else to what stands before it, or makes it depend
/// on something: what follows such a word may be another wish.
pub fn is_connective(folded: &str) -> bool {
    matches!(
        folded,
        "and"
            | "or"
            | "but"
            | "if"
            | "unless"
            | "except"
            | "until"
            | "otherwise"
            | "instead"
            | "provided"
            | "when"
            | "whether"
            | "only"
            | "then"
            | "also"
            | "before"
            | "after"
    )
}

/// Whether a word (in lower case) makes what is said depend on something, or denies it.
pub fn is_condition(folded: &str) -> bool {
    let negated = folded.ends_with("n't") || folded.ends_with("n\u{2019}t");
    negated
        || matches!(
            folded,
            "not"
                | "no"
                | "never"
                | "none"
                | "nothing"
                | "neither"
                | "nor"
                | "cannot"
                | "without"
                | "but"
                | "if"
                | "unless"
                | "except"
                | "excluding"
                | "until"
                | "otherwise"
                | "instead"
                | "rather"
                | "provided"
                | "when"
                | "whether"
                | "only"
                | "either"
                | "or"
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spans::lex;

    #[test]
    fn lists_of_words_have_two_and_more() {
        let text = lex("calm, kind and quick, Ada.");
        assert_eq!(word_list_ends(&text, 0, text.tokens.len()), [3, 5]);
        assert_eq!(word_list_ends(&text, 0, 3), [3]);
        assert!(word_list_ends(&text, 4, text.tokens.len()).is_empty());
        assert!(word_list_ends(&text, 9, text.tokens.len()).is_empty());
    }
}
