use std::collections::{BTreeMap, BTreeSet};

use super::spans::Found;
use super::{LooseReader, LooseReading, LooseText, said};
use crate::domain::{ListId, Part, Shape, SlotId, SlotSpec, Template};
use crate::expr::{Read, Values};
use crate::fill::parse::names_the_same;
use crate::spans::{Kind, Lexed, build_of, is_boundary, said_number, same_value, text_of, whole};

/// Most readings kept of one region as one template.
const MOST_READINGS: usize = 8;
/// Most placings of values tried.
const MOST_TRIALS: usize = 20_000;

/// What it is worth that a value's build is one that its slot had, or that another slot had.
const BUILD: f32 = 1.0;
/// What a word next to a value is worth that also stands next to its slot.
const NEXT: f32 = 1.0;
/// What a word one further away is worth.
const NEAR: f32 = 0.5;
/// What two values cost that stand in another order than their slots.
const ORDER: f32 = 0.25;

/// A value of the region with the slot that takes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Placed {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) slot: SlotId,
    /// Which unit of the list, for a slot of a list.
    pub(super) unit: Option<usize>,
}

/// The slots of a template in the order of its pattern, with the words around each.
#[derive(Clone, Debug)]
pub(super) struct Layout<'a> {
    single: Vec<(&'a SlotSpec, Around)>,
    list: Option<(ListId, Vec<(&'a SlotSpec, Around)>)>,
}

/// Up to two words before and after a slot, the nearest first.
#[derive(Clone, Debug, Default, PartialEq)]
struct Around {
    before: Vec<String>,
    after: Vec<String>,
}

impl LooseReader<'_> {
    /// All ways to give every value of a region to a slot of the template, best first.
    pub(super) fn assign(&self, of: &LooseText<'_>, region: (usize, usize)) -> Vec<LooseReading> {
        let Self { template, layout, .. } = self;
        let (text, found) = (of.text, &of.spans.within(region.0, region.1));
        let mut search = Search { text, found, layout, trials: 0, out: Vec::new() };
        search.from(0, &mut Partial::default());
        let mut out: Vec<LooseReading> = Vec::new();
        for placed in search.out {
            if self.says_more(of, region, &placed) {
                continue;
            }
            let Some(values) = values(template, text, region, layout, &placed) else { continue };
            let fit = fit(text, found, layout, &placed);
            let wording = said::masked(template, text, region, &placed);
            out.push(LooseReading { values, fit, wording });
        }
        out.sort_by(|a, b| b.fit.total_cmp(&a.fit));
        let mut kept: Vec<LooseReading> = Vec::new();
        for reading in out {
            let same = |k: &LooseReading| valued(&k.values) == valued(&reading.values);
            if kept.len() < MOST_READINGS && !kept.iter().any(same) {
                kept.push(reading);
            }
        }
        kept
    }

    /// Whether a clause of the region holds none of the values: it may be a wish of its own, which the
    /// likeness of the whole would hide. A pattern of several clauses may have such ones.
    fn says_more(&self, of: &LooseText<'_>, region: (usize, usize), placed: &[Placed]) -> bool {
        let tokens = &of.text.tokens;
        let has_words = |(from, to): &(usize, usize)| tokens[*from..*to].iter().any(|t| is_word(&t.folded));
        let holds = |(from, to): &(usize, usize)| placed.iter().any(|p| *from <= p.from && p.to <= *to);
        let clauses: Vec<_> = of.clauses(region).filter(has_words).collect();
        !self.has_clauses && clauses.len() > 1 && !clauses.iter().all(holds)
    }
}

/// Values without where they stand.
fn valued(values: &Values) -> Vec<(SlotId, String)> {
    values.all().map(|(id, read)| (id, read.value.to_string().to_lowercase())).collect()
}

impl<'a> Layout<'a> {
    /// `None` for a template that cannot be read so (see [`LooseReader::of`]).
    pub(super) fn of(template: &'a Template) -> Option<Self> {
        let mut layout = Self { single: Vec::new(), list: None };
        let parts = &template.pattern.parts;
        for (at, part) in parts.iter().enumerate() {
            match part {
                Part::Slot(id) => layout.single.push((template.slot(*id)?, Around::of(parts, at))),
                Part::List(list) if layout.list.is_none() => {
                    let mut slots = Vec::new();
                    for (at, part) in list.unit.iter().enumerate() {
                        match part {
                            Part::Slot(id) => slots.push((template.slot(*id)?, Around::of(&list.unit, at))),
                            Part::Literal(_) | Part::Words => {}
                            Part::List(_) => return None,
                        }
                    }
                    layout.list = Some((list.id, slots));
                }
                Part::List(_) => return None,
                Part::Literal(_) | Part::Words => {}
            }
        }
        let listed = layout.list.iter().flat_map(|(_, slots)| slots);
        let formless = |(slot, _): &(&SlotSpec, Around)| slot.shape == Shape::Phrase && !slot.idle;
        (!layout.single.iter().chain(listed).any(formless)).then_some(layout)
    }
}

impl Around {
    fn of(parts: &[Part], at: usize) -> Self {
        let word = |part: &Part| match part {
            Part::Literal(word) => Some(word.clone()),
            _ => None,
        };
        Self {
            before: parts[..at].iter().rev().map_while(word).filter(|w| is_word(w)).take(2).collect(),
            after: parts[at + 1..].iter().map_while(word).filter(|w| is_word(w)).take(2).collect(),
        }
    }

    fn in_text(text: &Lexed, found: &[Found], from: usize, to: usize) -> Self {
        let is_free = |at: &usize| !found.iter().any(|f| f.from <= *at && *at < f.to);
        let word = |at: usize| text.tokens[at].folded.clone();
        let words = |all: &mut dyn Iterator<Item = usize>| {
            all.take_while(is_free).map(word).filter(|w| is_word(w)).take(2).collect()
        };
        Self { before: words(&mut (0..from).rev()), after: words(&mut (to..text.tokens.len())) }
    }

    /// How much of the words around a slot stands around a value.
    fn shared(&self, other: &Self) -> f32 {
        let side = |own: &[String], other: &[String]| -> f32 {
            let worth = |(at, word): (usize, &String)| match other.iter().position(|o| o == word) {
                Some(0) if at == 0 => NEXT,
                Some(_) => NEAR,
                None => 0.0,
            };
            own.iter().enumerate().map(worth).sum()
        };
        side(&self.before, &other.before) + side(&self.after, &other.after)
    }
}

fn is_word(token: &str) -> bool {
    token.chars().any(char::is_alphanumeric)
}

#[derive(Clone, Debug, Default)]
struct Partial {
    placed: Vec<Placed>,
    taken: BTreeSet<SlotId>,
    /// Where the list stands: units begun, and how many of the last one's slots are passed.
    units: usize,
    passed: usize,
}

struct Search<'a> {
    text: &'a Lexed,
    found: &'a [Found],
    layout: &'a Layout<'a>,
    trials: usize,
    out: Vec<Vec<Placed>>,
}

impl Search<'_> {
    /// Gives the value number `at` and all after it to slots, in every way.
    fn from(&mut self, at: usize, partial: &mut Partial) {
        self.trials += 1;
        if self.trials > MOST_TRIALS || self.out.len() >= 16 * MOST_READINGS {
            return;
        }
        let Some(value) = self.found.get(at) else {
            if self.is_full(partial) {
                self.out.push(partial.placed.clone());
            }
            return;
        };
        let layout = self.layout;
        for (slot, _) in layout.single.iter().filter(|(slot, _)| fits(slot, self.text, value)) {
            if partial.taken.insert(slot.id) {
                partial.placed.push(Placed { from: value.from, to: value.to, slot: slot.id, unit: None });
                self.from(at + 1, partial);
                partial.placed.pop();
                partial.taken.remove(&slot.id);
            }
        }
        if let Some((_, slots)) = &layout.list {
            self.in_list(at, value, slots, partial);
        }
        // What was said before in the same clause says nothing new.
        let own = self.text.value(value.from, value.to);
        let same_clause =
            |p: &Placed| !self.text.tokens[p.to..value.from].iter().any(|token| is_boundary(&token.folded));
        let again =
            partial.placed.iter().any(|p| same_clause(p) && same_value(&self.text.value(p.from, p.to), &own));
        if value.optional || again {
            self.from(at + 1, partial);
        }
    }

    /// Gives a value to the next slot of the unit at hand, or to the first of another one.
    fn in_list(&mut self, at: usize, value: &Found, slots: &[(&SlotSpec, Around)], partial: &mut Partial) {
        let skippable = |from: usize, to: usize| slots[from..to].iter().all(|(s, _)| s.optional || s.idle);
        let before = (partial.units, partial.passed);
        let mut tries = Vec::new();
        if partial.units > 0 {
            let next = (partial.passed..slots.len()).filter(|n| skippable(partial.passed, *n));
            tries.extend(next.map(|n| (partial.units, n)));
        }
        if partial.units == 0 || skippable(partial.passed, slots.len()) {
            let first = (0..slots.len()).filter(|n| skippable(0, *n));
            tries.extend(first.map(|n| (partial.units + 1, n)));
        }
        for (units, number) in tries {
            let Some((slot, _)) = slots.get(number).filter(|(s, _)| fits(s, self.text, value)) else {
                continue;
            };
            (partial.units, partial.passed) = (units, number + 1);
            let unit = Some(units - 1);
            partial.placed.push(Placed { from: value.from, to: value.to, slot: slot.id, unit });
            self.from(at + 1, partial);
            partial.placed.pop();
            (partial.units, partial.passed) = before;
        }
    }

    fn is_full(&self, partial: &Partial) -> bool {
        let filled = |(slot, _): &(&SlotSpec, Around)| {
            partial.taken.contains(&slot.id) || may_be_left_out(slot) || slot.shape == Shape::Member
        };
        let listed = self.layout.list.as_ref().is_none_or(|(_, slots)| {
            partial.units > 0
                && slots[partial.passed.min(slots.len())..].iter().all(|(slot, _)| slot.optional || slot.idle)
        });
        listed && self.layout.single.iter().all(filled)
    }
}

/// A value that nothing reads need not be said again; one that was the same in every run may be what
/// the plan depends on.
fn may_be_left_out(slot: &SlotSpec) -> bool {
    slot.optional || slot.idle && slot.only.is_none()
}

/// Whether a value has the form that a slot asks for.
fn fits(slot: &SlotSpec, text: &Lexed, value: &Found) -> bool {
    let token = &text.tokens[value.from];
    match slot.shape {
        Shape::Email => token.kind == Kind::Email,
        Shape::Identifier => matches!(value.shape, Shape::Identifier | Shape::Number) && !value.optional,
        Shape::Number => value.shape == Shape::Number,
        Shape::Quoted => matches!(value.shape, Shape::Quoted | Shape::Name),
        Shape::Object => {
            token.kind == Kind::Object && slot.keys.iter().all(|key| token.value.get(key).is_some())
        }
        Shape::Name => matches!(value.shape, Shape::Name | Shape::Quoted),
        Shape::Member => {
            let own = text.slice(value.from, value.to);
            slot.members.iter().any(|member| member.eq_ignore_ascii_case(own))
        }
        Shape::Day => value.shape == Shape::Day,
        Shape::Phrase => false,
    }
}

/// The slots' values; `None` where the template asks for another one, or for the same thing twice
/// where the text names two.
fn values(
    template: &Template,
    text: &Lexed,
    (from, to): (usize, usize),
    layout: &Layout<'_>,
    placed: &[Placed],
) -> Option<Values> {
    let mut values = Values::default();
    for (slot, _) in &layout.single {
        let read = match placed.iter().find(|p| p.slot == slot.id) {
            Some(place) => read(slot, text, place),
            // What the text says of it in other words is for the filler to choose.
            None if slot.shape == Shape::Member && !may_be_left_out(slot) => {
                let value = text.slice(from, to).into();
                Read { value, span: Some(text.bytes(from, to)), open: true }
            }
            None => Read::absent(),
        };
        if slot.only.as_ref().is_some_and(|only| *only != SlotSpec::only_hash(&read.value)) {
            return None;
        }
        values.slots.insert(slot.id, read);
    }
    if let Some((list, slots)) = &layout.list {
        let count = placed.iter().filter_map(|p| p.unit).max().map_or(0, |last| last + 1);
        let mut units: Vec<BTreeMap<SlotId, Read>> = vec![BTreeMap::new(); count];
        for (number, unit) in units.iter_mut().enumerate() {
            for (slot, _) in slots {
                let place = placed.iter().find(|p| p.slot == slot.id && p.unit == Some(number));
                unit.insert(slot.id, place.map_or_else(Read::absent, |place| read(slot, text, place)));
            }
        }
        values.lists.insert(*list, units);
    }
    names_the_same(template, &values).then_some(values)
}

fn read(slot: &SlotSpec, text: &Lexed, place: &Placed) -> Read {
    let token = &text.tokens[place.from];
    let value = match slot.shape {
        Shape::Number if token.kind != Kind::Number => {
            said_number(token).map_or_else(|| text.value(place.from, place.to), whole)
        }
        Shape::Member => {
            let own = text.slice(place.from, place.to);
            let member = slot.members.iter().find(|member| member.eq_ignore_ascii_case(own));
            member.map_or_else(|| text.value(place.from, place.to), |member| member.clone().into())
        }
        _ => text.value(place.from, place.to),
    };
    Read { value, span: Some(text.bytes(place.from, place.to)), open: false }
}

/// How well values and slots go together.
fn fit(text: &Lexed, found: &[Found], layout: &Layout<'_>, placed: &[Placed]) -> f32 {
    let listed = layout.list.iter().flat_map(|(_, slots)| slots);
    let slots: Vec<&(&SlotSpec, Around)> = layout.single.iter().chain(listed).collect();
    let mut sum = 0.0;
    for place in placed {
        let Some((slot, around)) = slots.iter().find(|(slot, _)| slot.id == place.slot) else { continue };
        sum += around.shared(&Around::in_text(text, found, place.from, place.to));
        let build = text_of(&text.value(place.from, place.to)).map(|own| build_of(&own));
        if let Some(build) = build.filter(|_| slot.shape == Shape::Identifier) {
            let other = slots.iter().any(|(s, _)| s.id != slot.id && s.builds.contains(&build));
            sum += match (slot.builds.contains(&build), other) {
                (true, _) => BUILD,
                (false, true) => -BUILD,
                (false, false) => 0.0,
            };
        }
    }
    let single: Vec<(usize, usize)> = placed
        .iter()
        .filter_map(|p| Some((layout.single.iter().position(|(s, _)| s.id == p.slot)?, p.from)))
        .collect();
    let crossed = |(n, a): (usize, &(usize, usize))| {
        single[n + 1..].iter().filter(|b| (a.0 < b.0) != (a.1 < b.1)).count()
    };
    let crossings: usize = single.iter().enumerate().map(crossed).sum();
    sum - ORDER * crossings as f32
}
