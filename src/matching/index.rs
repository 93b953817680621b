use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use imbl::{HashMap, OrdSet};

use super::rank::{LEVELS, class, least_level, levels, weight};
use super::slab::Slab;
use crate::domain::TemplateId;

/// Posting entries that one look-up reads, at most. What is left unread is counted in
/// [`Nominated::cut`].
pub const MOST_ENTRIES: usize = 4096;

/// A template that may serve the task.
#[derive(Clone, Debug, PartialEq)]
pub struct Nomination {
    /// Its lineage.
    pub id: TemplateId,
    /// The weighted share of its keywords that stand in the task, 0 to 1.
    pub score: f64,
    /// How many keywords it has.
    pub keywords: usize,
}

/// What a look-up found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Nominated {
    /// Best score first, then most keywords, then by id.
    pub nominations: Vec<Nomination>,
    /// What was left out because of a bound: nominations beyond `most`, and posting entries that
    /// were not read. Zero means that the list is complete.
    pub cut: usize,
}

/// The inverted index of one namespace. Clones share structure, so a snapshot costs nothing and
/// keeps its content while the original changes.
///
/// Each posting list is ordered by what a template can still score if this word is the rarest of
/// its keywords that the task has. A look-up stops reading a list where that falls below the
/// least score asked for, so a word that stands in every template opens no long list unless some
/// template has little else. The result is a function of what is stored, not of the order in
/// which it came.
#[derive(Clone, Debug, Default)]
pub struct Index {
    places: HashMap<TemplateId, u32>,
    entries: Slab<Entry>,
    numbers: HashMap<Arc<str>, u32>,
    words: Slab<Word>,
}

#[derive(Clone, Debug)]
struct Entry {
    id: Arc<TemplateId>,
    /// Rarest first.
    keywords: Arc<[Keyword]>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Keyword {
    word: u32,
    class: u8,
    level: u8,
}

#[derive(Clone, Debug)]
struct Word {
    text: Arc<str>,
    /// Highest level first.
    postings: OrdSet<(Reverse<u8>, u32)>,
    /// Postings by level.
    counts: [u32; LEVELS],
}

impl Index {
    /// An index without templates.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many templates it holds.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Adds a template, or replaces its keywords. One without keywords is held, but never found.
    ///
    /// Costs tens of microseconds, whatever the size (at 10^5 templates 17 to 61 on average). When
    /// the number of templates or the number of those with a keyword doubles, the levels of all
    /// that are concerned are computed anew: constant on average, some 80 ms for the one
    /// insertion that passes 65,536. Replacing a template costs less than removing and adding it.
    pub fn insert(&mut self, id: TemplateId, keywords: &[String]) {
        let before = class(self.len());
        let new: BTreeSet<u32> = keywords.iter().map(|word| self.number(word)).collect();
        let place = match self.places.get(&id) {
            Some(&place) => place,
            None => {
                let place = self.entries.add(Entry { id: Arc::new(id.clone()), keywords: Arc::from([]) });
                self.places.insert(id, place);
                place
            }
        };
        let mut concerned = self.change(place, &new);
        concerned.insert(place);
        self.settle(before, concerned);
    }

    /// Removes a template; says whether it was there.
    pub fn remove(&mut self, id: &TemplateId) -> bool {
        let Some(&place) = self.places.get(id) else { return false };
        let before = class(self.len());
        let concerned = self.change(place, &BTreeSet::new());
        self.places.remove(id);
        self.entries.take(place);
        self.settle(before, concerned);
        true
    }

    /// The templates of which at least the share `least` stands in a task with these words (lower
    /// case), at most `most` of them. With `least` 0 every template that shares a word competes,
    /// which is how the nearest miss is found.
    pub fn nominate(&self, words: &[&str], least: f64, most: usize) -> Nominated {
        let mut asked: Vec<u32> = words.iter().filter_map(|word| self.numbers.get(*word).copied()).collect();
        asked.sort_unstable();
        asked.dedup();
        let (places, mut cut) = self.candidates(&asked, least_level(least));
        let index = class(self.len());
        let asked = Marks::new(&asked, self.words.end());
        let mut found: Vec<(f64, &Entry)> = places
            .into_iter()
            .filter_map(|place| self.entries.get(place))
            .map(|entry| (entry.score(index, &asked), entry))
            .filter(|(score, _)| *score >= least)
            .collect();
        let best_first = |(a, x): &(f64, &Entry), (b, y): &(f64, &Entry)| {
            b.total_cmp(a).then(y.keywords.len().cmp(&x.keywords.len())).then_with(|| x.id.cmp(&y.id))
        };
        if found.len() > most {
            cut += found.len() - most;
            found.select_nth_unstable_by(most, best_first);
            found.truncate(most);
        }
        found.sort_unstable_by(best_first);
        let nominations = found
            .into_iter()
            .map(|(score, entry)| Nomination {
                id: (*entry.id).clone(),
                score,
                keywords: entry.keywords.len(),
            })
            .collect();
        Nominated { nominations, cut }
    }

    /// Templates that can reach the level, from the shortest lists on; and how many posting
    /// entries were left unread.
    fn candidates(&self, asked: &[u32], least: u8) -> (Vec<u32>, usize) {
        let mut lists: Vec<(usize, &Word)> = asked
            .iter()
            .filter_map(|&number| self.words.get(number))
            .map(|word| (word.counts[usize::from(least)..].iter().map(|&n| n as usize).sum(), word))
            .collect();
        lists.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.text.cmp(&b.1.text)));
        let mut places = Vec::new();
        let mut cut = 0;
        for (length, word) in lists {
            let room = length.min(MOST_ENTRIES - places.len());
            places.extend(word.postings.iter().take(room).map(|&(_, place)| place));
            cut += length - room;
        }
        places.sort_unstable();
        places.dedup();
        (places, cut)
    }

    fn number(&mut self, word: &str) -> u32 {
        if let Some(&number) = self.numbers.get(word) {
            return number;
        }
        let text: Arc<str> = Arc::from(word);
        let number =
            self.words.add(Word { text: text.clone(), postings: OrdSet::new(), counts: [0; LEVELS] });
        self.numbers.insert(text, number);
        number
    }

    /// Gives a template other keywords, at a level to be settled; returns the templates whose
    /// weights change by it.
    fn change(&mut self, place: u32, new: &BTreeSet<u32>) -> BTreeSet<u32> {
        let mut concerned = BTreeSet::new();
        let Some(entry) = self.entries.get(place).cloned() else { return concerned };
        let (kept, gone): (Vec<Keyword>, Vec<Keyword>) =
            entry.keywords.iter().copied().partition(|keyword| new.contains(&keyword.word));
        let mut keywords = kept;
        for keyword in gone {
            self.post(keyword.word, place, keyword.level, false, &mut concerned);
        }
        for &word in new {
            if !keywords.iter().any(|keyword| keyword.word == word) {
                self.post(word, place, 0, true, &mut concerned);
                keywords.push(Keyword { word, class: 0, level: 0 });
            }
        }
        if let Some(entry) = self.entries.get_mut(place) {
            entry.keywords = keywords.into();
        }
        concerned.remove(&place);
        concerned
    }

    /// Adds or removes one posting. If that moves the word to another class, all its templates
    /// are concerned.
    fn post(&mut self, number: u32, place: u32, level: u8, add: bool, concerned: &mut BTreeSet<u32>) {
        let Some(word) = self.words.get_mut(number) else { return };
        let before = class(word.postings.len());
        if add {
            word.postings.insert((Reverse(level), place));
            word.counts[usize::from(level)] += 1;
        } else {
            word.postings.remove(&(Reverse(level), place));
            word.counts[usize::from(level)] -= 1;
        }
        if class(word.postings.len()) != before {
            concerned.extend(word.postings.iter().map(|&(_, place)| place));
        }
        if word.postings.is_empty() {
            let text = word.text.clone();
            self.numbers.remove(&text);
            self.words.take(number);
        }
    }

    /// Brings levels up to date: of the templates concerned, or of all if the number of templates
    /// moved to another class.
    fn settle(&mut self, before: u8, concerned: BTreeSet<u32>) {
        if class(self.len()) == before {
            concerned.into_iter().for_each(|place| self.anchor(place));
        } else {
            (0..self.entries.end()).for_each(|place| self.anchor(place));
        }
    }

    fn anchor(&mut self, place: u32) {
        let Some(entry) = self.entries.get(place).cloned() else { return };
        let mut ordered: Vec<Keyword> = entry
            .keywords
            .iter()
            .map(|keyword| {
                let count = self.words.get(keyword.word).map_or(0, |word| word.postings.len());
                Keyword { class: class(count), ..*keyword }
            })
            .collect();
        ordered.sort_by_key(|keyword| (keyword.class, keyword.word));
        let classes: Vec<u8> = ordered.iter().map(|keyword| keyword.class).collect();
        for (keyword, level) in ordered.iter_mut().zip(levels(class(self.len()), &classes)) {
            if keyword.level != level {
                if let Some(word) = self.words.get_mut(keyword.word) {
                    word.postings.remove(&(Reverse(keyword.level), place));
                    word.postings.insert((Reverse(level), place));
                    word.counts[usize::from(keyword.level)] -= 1;
                    word.counts[usize::from(level)] += 1;
                }
                keyword.level = level;
            }
        }
        if ordered[..] != entry.keywords[..]
            && let Some(kept) = self.entries.get_mut(place)
        {
            kept.keywords = ordered.into();
        }
    }
}

impl Entry {
    /// The weighted share of the keywords that are asked for.
    fn score(&self, index: u8, asked: &Marks) -> f64 {
        let (mut held, mut total) = (0, 0);
        for keyword in self.keywords.iter() {
            let weight = weight(index, keyword.class);
            total += weight;
            held += weight * u32::from(asked.has(keyword.word));
        }
        if total == 0 { 0.0 } else { f64::from(held) / f64::from(total) }
    }
}

/// A set of small numbers, a bit each.
struct Marks(Vec<u64>);

impl Marks {
    fn new(numbers: &[u32], end: u32) -> Self {
        let mut bits = vec![0; end as usize / 64 + 1];
        for &number in numbers {
            if let Some(word) = bits.get_mut(number as usize / 64) {
                *word |= 1 << (number % 64);
            }
        }
        Self(bits)
    }

    fn has(&self, number: u32) -> bool {
        self.0.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests;
