//! The algorithms of the crate `keyword_extraction` (LGPL-3.0-or-later, so only behind a feature).

use std::collections::HashMap;
use std::sync::LazyLock;

use keyword_extraction::rake::{Rake, RakeParams};
use keyword_extraction::text_rank::{TextRank, TextRankParams};
use keyword_extraction::yake::{Yake, YakeParams};

use super::keywords::{FUNCTION_WORDS, is_content, literal_words, without_placeholders};
use super::{KeywordExtractor, MOST_KEYWORDS, RecurrenceKeywords, words};

/// How words are scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// RAKE (Rose et al. 2010): degree over frequency in phrases.
    Rake,
    /// TextRank (Mihalcea and Tarau 2004): PageRank on words that stand near each other.
    TextRank,
    /// YAKE (Campos et al. 2020): statistics of case, position, frequency and context.
    Yake,
}

/// Keywords by an algorithm of the crate: its score of a word as a share of the best word's,
/// times one plus the logarithm of the number of distinct tasks that the word occurred in. Where
/// it scores no word, those of [`RecurrenceKeywords`].
#[derive(Clone, Copy, Debug)]
pub struct CrateKeywords(pub Method);

static STOP_WORDS: LazyLock<Vec<String>> =
    LazyLock::new(|| FUNCTION_WORDS.iter().map(|word| (*word).to_owned()).collect());

impl CrateKeywords {
    fn scores(self, text: &str) -> HashMap<String, f32> {
        match self.0 {
            Method::Rake => {
                Rake::new(RakeParams::WithDefaults(text, &STOP_WORDS)).get_word_scores_map().clone()
            }
            Method::TextRank => {
                TextRank::new(TextRankParams::WithDefaults(text, &STOP_WORDS)).get_word_scores_map().clone()
            }
            Method::Yake => {
                Yake::new(YakeParams::WithDefaults(text, &STOP_WORDS)).get_term_scores_map().clone()
            }
        }
    }
}

impl KeywordExtractor for CrateKeywords {
    fn name(&self) -> &str {
        match self.0 {
            Method::Rake => "rake",
            Method::TextRank => "textrank",
            Method::Yake => "yake",
        }
    }

    fn keywords(&self, masked: &str, recurrence: &dyn Fn(&str) -> u32) -> Vec<String> {
        // A placeholder separates what stands around it.
        let text = without_placeholders(masked).join("\n");
        let mut scores: HashMap<String, f32> = HashMap::new();
        // The crate may keep hyphens and apostrophes that divide words here.
        for (term, score) in self.scores(&text) {
            for word in words(&term) {
                let best = scores.entry(word).or_insert(score);
                *best = best.max(score);
            }
        }
        let best = scores.values().copied().fold(f32::MIN_POSITIVE, f32::max);
        let mut found: Vec<(i64, String)> = literal_words(masked)
            .into_iter()
            .filter(|word| is_content(word))
            .filter_map(|word| {
                let weight = 1.0 + (1.0 + recurrence(&word) as f32).ln();
                // Rounded: the crate adds up in the order of its hash maps, which varies.
                // A word that the algorithm gives nothing (RAKE's of single words) still counts a bit.
                let score = ((0.1 + scores.get(&word)? / best) * weight * 1000.0).round() as i64;
                Some((score, word))
            })
            .collect();
        if found.is_empty() {
            return RecurrenceKeywords.keywords(masked, recurrence);
        }
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        found.truncate(MOST_KEYWORDS);
        found.into_iter().map(|(_, word)| word).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Exchange the <name> of order <identifier> for a smaller one, then credit the \
                        difference to <identifier>. The difference matters.";

    #[test]
    fn each_method_finds_words_of_the_intent_and_no_placeholder() {
        for method in [Method::Rake, Method::TextRank, Method::Yake] {
            let extractor = CrateKeywords(method);
            let keywords = extractor.keywords(TEXT, &|_| 0);
            assert!(keywords.iter().any(|word| word == "difference"), "{method:?}: {keywords:?}");
            for word in &keywords {
                assert!(literal_words(TEXT).contains(word) && is_content(word), "{method:?}: {word}");
            }
            assert_eq!(keywords, extractor.keywords(TEXT, &|_| 0), "{method:?} always says the same");
        }
    }

    #[test]
    fn recurrence_lifts_a_word() {
        for method in [Method::Rake, Method::TextRank, Method::Yake] {
            let place = |tasks: u32| {
                let often = |word: &str| if word == "credit" { tasks } else { 0 };
                let keywords = CrateKeywords(method).keywords(TEXT, &often);
                keywords.iter().position(|word| word == "credit").unwrap()
            };
            assert!(place(1_000_000) < place(0), "{method:?}: {} {}", place(1_000_000), place(0));
        }
    }

    #[test]
    fn texts_without_content_words_are_no_trouble() {
        for method in [Method::Rake, Method::TextRank, Method::Yake] {
            assert_eq!(CrateKeywords(method).keywords("and then <name>", &|_| 0), ["and", "then"]);
            assert!(CrateKeywords(method).keywords("<name>", &|_| 0).is_empty());
            assert!(CrateKeywords(method).keywords("", &|_| 0).is_empty());
        }
    }
}
