use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::parse::{Reading, Wording, read_pattern};
use crate::domain::{Part, Template};
use crate::expr::Values;
use crate::spans::{Lexed, is_boundary, is_condition};

/// Most different covers of one text that are followed; more is an ambiguity all the same.
const MOST_COVERS: usize = 16;
/// Most readings tried on one text.
const MOST_TRIALS: usize = 20_000;

/// A template that covers a part of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// The template.
    pub template: Arc<Template>,
    /// First token covered.
    pub from: usize,
    /// One past the last token covered.
    pub to: usize,
    /// What its slots are.
    pub values: Values,
}

/// A part of a text that no block covers: whole sentences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// First token.
    pub from: usize,
    /// One past the last token.
    pub to: usize,
    /// Calls that the run had made in all when somebody else had done what the part says; `None`
    /// until then.
    pub until: Option<usize>,
}

/// How a text can be covered by templates' patterns, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Covers {
    /// The covers, each with its acting blocks (idle ones left out) in the order of the text.
    /// Covers that differ in idle blocks only are one.
    pub covers: Vec<Vec<Block>>,
    /// What the covers leave open, each different way once. Without gaps: one way, empty.
    pub gaps: Vec<Vec<Gap>>,
    /// The furthest token up to which the text could be covered from its start.
    pub reached: usize,
    /// The bounds on the search were met: there may be more covers.
    pub cut: bool,
}

/// Finds all covers of a text without gaps (at most 16). A text without tokens has none.
pub fn cover(templates: &[Arc<Template>], text: &Lexed, wording: Wording) -> Covers {
    search(templates, text, wording, None)
}

/// Finds the covers of a text that leave the least of it open.
///
/// What is left open are sentences. A block may depend on the sentence that it is a part of, so that
/// no sentence is covered in part; one that may say when others hold ("unless") is not left open; and
/// what follows a semicolon may be the last part of a list, so that a gap begins there only if a
/// template begins with the same word (`heads`, in lower case).
pub fn cover_around(
    templates: &[Arc<Template>],
    text: &Lexed,
    wording: Wording,
    heads: &HashSet<&str>,
) -> Covers {
    search(templates, text, wording, Some(heads))
}

fn search<'a>(
    templates: &'a [Arc<Template>],
    text: &'a Lexed,
    wording: Wording,
    heads: Option<&'a HashSet<&'a str>>,
) -> Covers {
    let mut search = Search {
        text,
        wording,
        heads,
        by_first: HashMap::new(),
        open_start: Vec::new(),
        readings: HashMap::new(),
        open: HashMap::new(),
        trials: 0,
        found: Covers::default(),
    };
    for template in templates {
        match template.pattern.parts.first() {
            Some(Part::Literal(word)) => search.by_first.entry(word).or_default().push(template),
            Some(_) => search.open_start.push(template),
            None => {}
        }
    }
    if !text.tokens.is_empty() {
        search.follow((0, false), &mut Vec::new(), &mut Vec::new());
    }
    search.found
}

/// Templates that can be read at a place, with what they read.
type Readings = Vec<(Arc<Template>, Reading)>;

/// A token, and whether a gap lies right before it.
type Place = (usize, bool);

struct Search<'a> {
    text: &'a Lexed,
    wording: Wording,
    /// Words that begin a part of its own; `None` where no gaps are looked for.
    heads: Option<&'a HashSet<&'a str>>,
    by_first: HashMap<&'a str, Vec<&'a Arc<Template>>>,
    open_start: Vec<&'a Arc<Template>>,
    readings: HashMap<usize, Arc<Readings>>,
    /// The fewest tokens left open from a place to the text's end; `None` if the end cannot be reached.
    open: HashMap<Place, Option<usize>>,
    trials: usize,
    found: Covers,
}

impl<'a> Search<'a> {
    /// Follows from a place every way that leaves the least open.
    fn follow(&mut self, at: Place, blocks: &mut Vec<Block>, gaps: &mut Vec<Gap>) {
        if at.0 == self.text.tokens.len() {
            self.keep(blocks, gaps);
            return;
        }
        let Some(best) = self.open(at) else { return };
        for (template, reading) in self.readings_at(at.0).iter() {
            if self.open((reading.end, false)) != Some(best) {
                continue;
            }
            if self.found.covers.len() >= MOST_COVERS || self.trials > MOST_TRIALS {
                self.found.cut = true;
                return;
            }
            self.trials += 1;
            let (template, values) = (template.clone(), reading.values.clone());
            blocks.push(Block { template, from: at.0, to: reading.end, values });
            self.follow((reading.end, false), blocks, gaps);
            blocks.pop();
        }
        if let Some(end) = self.skipped(at)
            && self.open((end, true)).map(|open| open + end - at.0) == Some(best)
        {
            gaps.push(Gap { from: at.0, to: end, until: None });
            self.follow((end, true), blocks, gaps);
            gaps.pop();
        }
    }

    /// The fewest tokens that are left open from a place on.
    fn open(&mut self, at: Place) -> Option<usize> {
        self.found.reached = self.found.reached.max(at.0);
        if at.0 == self.text.tokens.len() {
            return Some(0);
        }
        if let Some(known) = self.open.get(&at) {
            return *known;
        }
        let mut best = self.skipped(at).and_then(|end| Some(self.open((end, true))? + end - at.0));
        for (_, reading) in self.readings_at(at.0).iter() {
            if let Some(open) = self.open((reading.end, false)) {
                best = Some(best.map_or(open, |best| best.min(open)));
            }
        }
        self.open.insert(at, best);
        best
    }

    /// The end of the sentence that begins at a place, if it may be left open.
    fn skipped(&self, (at, in_gap): Place) -> Option<usize> {
        let heads = self.heads?;
        let tokens = &self.text.tokens;
        let before = at.checked_sub(1).map(|before| tokens[before].folded.as_str());
        let begins = match before {
            None => true,
            Some(";") => in_gap || heads.contains(tokens[at].folded.as_str()),
            Some(other) => is_boundary(other),
        };
        let end =
            (at..tokens.len()).find(|i| is_boundary(&tokens[*i].folded)).map_or(tokens.len(), |i| i + 1);
        let depends = tokens[at..end].iter().any(|token| is_condition(&token.folded));
        (begins && !depends).then_some(end)
    }

    fn readings_at(&mut self, at: usize) -> Arc<Readings> {
        if let Some(readings) = self.readings.get(&at) {
            return readings.clone();
        }
        let first = self.text.tokens[at].folded.as_str();
        let starting = self.by_first.get(first).into_iter().flatten();
        let mut readings = Vec::new();
        for template in starting.chain(&self.open_start) {
            for reading in read_pattern(template, self.text, at, self.wording) {
                // A pattern that covers nothing would be read for ever.
                if reading.end > at {
                    readings.push(((*template).clone(), reading));
                }
            }
        }
        let readings = Arc::new(readings);
        self.readings.insert(at, readings.clone());
        readings
    }

    fn keep(&mut self, blocks: &[Block], gaps: &[Gap]) {
        let acting: Vec<Block> = blocks.iter().filter(|block| !block.template.is_idle()).cloned().collect();
        let mut parts: Vec<Gap> = Vec::new();
        for gap in gaps {
            match parts.last_mut() {
                // Idle text between two gaps belongs to them.
                Some(last) if !acting.iter().any(|b| last.to <= b.from && b.from < gap.from) => {
                    last.to = gap.to
                }
                _ => parts.push(*gap),
            }
        }
        if !self.found.gaps.contains(&parts) {
            self.found.gaps.push(parts);
        }
        if !self.found.covers.contains(&acting) {
            self.found.covers.push(acting);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fill::testing::template;
    use crate::spans::lex;

    fn says(words: &str, acts: bool) -> Arc<Template> {
        let parts = lex(words).folded().into_iter().map(Part::Literal).collect();
        let mut template = template(parts, vec![]);
        if acts {
            let step = serde_json::from_value(serde_json::json!({"tool": "t", "arguments": []}));
            template.steps.push(step.unwrap());
        }
        Arc::new(template)
    }

    /// What is left open, with `/` between the parts; `None` if nothing may be.
    fn left(known: &[Arc<Template>], text: &str, heads: &[&str]) -> Option<String> {
        let lexed = lex(text);
        let covers = cover_around(known, &lexed, Wording::Exact, &heads.iter().copied().collect());
        let [gaps] = &covers.gaps[..] else { return None };
        Some(gaps.iter().map(|gap| lexed.slice(gap.from, gap.to)).collect::<Vec<_>>().join(" / "))
    }

    #[test]
    fn whole_sentences_are_left_open() {
        let known = [says("Open the door.", true), says("It is late.", false)];
        let left = |text| left(&known, text, &[]);
        assert_eq!(left("Open the door. Feed the cat. Open the door."), Some("Feed the cat.".into()));
        assert_eq!(left("Open the door."), Some(String::new()));
        assert_eq!(
            left("Feed the cat. It is late. Wash up. Open the door.").as_deref(),
            Some("Feed the cat. It is late. Wash up.")
        );
        assert_eq!(
            left("Feed the cat. Open the door. Wash up.").as_deref(),
            Some("Feed the cat. / Wash up.")
        );
        // A block says what to do only as the whole of its sentence.
        assert_eq!(left("Feed the cat and open the door."), Some("Feed the cat and open the door.".into()));
        assert_eq!(left("Open the door. Do this only once I am in."), None);
    }

    #[test]
    fn after_a_semicolon_a_part_begins_only_with_a_known_word() {
        let known = [says("Fetch: milk;", true), says("Open the door;", true)];
        // The list may go on, so that the block before is left open too.
        assert_eq!(
            left(&known, "Fetch: milk; an egg; open the door;", &[]).as_deref(),
            Some("Fetch: milk; an egg;")
        );
        let heads = ["feed"];
        assert_eq!(
            left(&known, "Fetch: milk; Feed the cat; the dog; open the door;", &heads).as_deref(),
            Some("Feed the cat; the dog;")
        );
    }

    #[test]
    fn without_gaps_all_of_the_text_is_covered() {
        let known = [says("Open the door.", true), says("It is late.", false)];
        let found = cover(&known, &lex("It is late. Open the door."), Wording::Exact);
        assert_eq!((found.covers.len(), found.gaps), (1, vec![vec![]]));
        let found = cover(&known, &lex("Open the door. Feed the cat."), Wording::Exact);
        assert_eq!((found.covers.len(), found.reached), (0, 4));
    }
}
