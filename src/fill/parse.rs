use std::collections::BTreeMap;

use crate::domain::{ListId, ListPart, Part, Shape, SlotId, SlotSpec, Template};
use crate::expr::{Read, Values};
use crate::spans::{
    Kind, Lexed, Token, days_at, is_boundary, is_connective, said_number, same_value, whole, word_list_ends,
};

/// Most readings of one pattern at one place that are followed.
const MOST_READINGS: usize = 16;
/// Longest phrase, in tokens.
const MOST_PHRASE: usize = 12;
/// Most elements of a list.
const MOST_UNITS: usize = 256;

/// One way to read a pattern at a place of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// One past the last token that the pattern covers.
    pub end: usize,
    /// What its slots are.
    pub values: Values,
}

/// How a text has to spell the members of enumerations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wording {
    /// As the tool's schema does.
    Exact,
    /// As it likes: where no member is spelt, the words up to the next literal of the pattern stand
    /// for one, and are left open.
    Free,
}

/// All ways to read a template's pattern from token `at` (at most 16, those with the longest names
/// and the shortest phrases first).
pub fn read_pattern(template: &Template, text: &Lexed, at: usize, wording: Wording) -> Vec<Reading> {
    let parser = Parser { text, slots: &template.slots, wording };
    let start = State { at, ..State::default() };
    let mut out = Vec::new();
    parser.parts(&template.pattern.parts, start, &mut out);
    out.retain(|state| names_the_same(template, &state.values));
    out.into_iter().map(|state| Reading { end: state.at, values: state.values }).collect()
}

/// Whether a reading names the same thing twice just where the template's own text did, if it did.
pub(super) fn names_the_same(template: &Template, values: &Values) -> bool {
    if template.slots.iter().all(|slot| slot.same_as.is_none()) {
        return true;
    }
    let single: Vec<(SlotId, SlotId, &serde_json::Value)> = template
        .slots
        .iter()
        .filter(|slot| slot.list.is_none())
        .filter_map(|slot| {
            Some((slot.id, slot.same_as.unwrap_or(slot.id), &values.get(slot.id, None)?.value))
        })
        .collect();
    single.iter().enumerate().all(|(at, (_, thing, value))| {
        let before = single[..at].iter();
        let mut equal = before.filter(|(_, _, other)| same_value(value, other)).map(|(id, _, _)| *id);
        equal.next().unwrap_or(single[at].0) == *thing
    })
}

#[derive(Clone, Debug, Default)]
struct State {
    at: usize,
    values: Values,
    /// Slots of the list elements being read.
    unit: BTreeMap<SlotId, Read>,
    /// The list whose element is being read.
    outer: Option<ListId>,
}

struct Parser<'a> {
    text: &'a Lexed,
    slots: &'a [SlotSpec],
    wording: Wording,
}

impl Parser<'_> {
    fn token(&self, at: usize) -> Option<&Token> {
        self.text.tokens.get(at)
    }

    fn parts(&self, parts: &[Part], state: State, out: &mut Vec<State>) {
        if out.len() >= MOST_READINGS {
            return;
        }
        let Some((part, rest)) = parts.split_first() else {
            out.push(state);
            return;
        };
        match part {
            Part::Literal(word) => {
                if self.token(state.at).is_some_and(|token| token.is(word)) {
                    self.parts(rest, State { at: state.at + 1, ..state }, out);
                }
            }
            Part::Slot(id) => {
                let Some(spec) = self.slots.iter().find(|slot| slot.id == *id) else { return };
                let mut ends = self.ends(spec, state.at);
                let open = self.wording == Wording::Free && spec.shape == Shape::Member && ends.is_empty();
                if open {
                    ends = self.other_words(state.at);
                }
                for end in ends {
                    let mut next = state.clone();
                    let value = self.value(spec, state.at, end);
                    if spec.only.as_ref().is_some_and(|only| *only != SlotSpec::only_hash(&value)) {
                        continue;
                    }
                    let read = Read { value, span: Some(self.text.bytes(state.at, end)), open };
                    let slots = if spec.list.is_some() { &mut next.unit } else { &mut next.values.slots };
                    slots.insert(*id, read);
                    next.at = end;
                    self.parts(rest, next, out);
                }
                if spec.optional {
                    let mut next = state;
                    let slots = if spec.list.is_some() { &mut next.unit } else { &mut next.values.slots };
                    slots.insert(*id, Read::absent());
                    self.parts(rest, next, out);
                }
            }
            Part::List(list) => {
                let mut state = state;
                state.values.lists.entry(list.id).or_default();
                self.list(list, rest, state, out);
            }
            Part::Words => {
                for end in word_list_ends(self.text, state.at, self.text.tokens.len()).into_iter().rev() {
                    self.parts(rest, State { at: end, ..state.clone() }, out);
                }
            }
        }
    }

    /// Reads one more unit of a list, then either a separator and the next unit, or the rest. Longer
    /// lists come first.
    fn list(&self, list: &ListPart, rest: &[Part], state: State, out: &mut Vec<State>) {
        let units = state.values.units(list.id);
        if units >= MOST_UNITS {
            return;
        }
        let mut read = Vec::new();
        let outer = state.outer;
        self.parts(&list.unit, State { outer: Some(list.id), ..state }, &mut read);
        for mut after in read {
            let own = |slot: &SlotSpec| slot.list == Some(list.id);
            let mut unit = BTreeMap::new();
            for slot in self.slots.iter().filter(|slot| own(slot)) {
                unit.extend(after.unit.remove_entry(&slot.id));
            }
            after.outer = outer;
            if let Some(outer) = outer {
                let number = after.values.units(outer);
                let within = after.values.within.entry(list.id);
                within.or_insert_with(|| (outer, Vec::new())).1.push(number);
            }
            after.values.lists.entry(list.id).or_default().push(unit);
            for separator in &list.separators {
                if let Some(at) = self.text.spelt(separator, after.at) {
                    self.list(list, rest, State { at, ..after.clone() }, out);
                }
            }
            self.parts(rest, after, out);
        }
    }

    /// Where a slot's value may end, likeliest first.
    fn ends(&self, spec: &SlotSpec, at: usize) -> Vec<usize> {
        let Some(token) = self.token(at) else { return Vec::new() };
        let one = |fits: bool| if fits { vec![at + 1] } else { Vec::new() };
        match spec.shape {
            Shape::Email => one(token.kind == Kind::Email),
            Shape::Identifier => one(matches!(token.kind, Kind::Identifier | Kind::Number)),
            Shape::Number => one(token.kind == Kind::Number || said_number(token).is_some()),
            Shape::Quoted => one(token.kind == Kind::Quoted),
            Shape::Object => {
                one(token.kind == Kind::Object && spec.keys.iter().all(|key| token.value.get(key).is_some()))
            }
            Shape::Name => {
                let mut end = at;
                while self.token(end).is_some_and(Token::is_capital) && end - at < MOST_PHRASE {
                    end += 1;
                }
                match end > at {
                    true => (at + 1..=end).rev().collect(),
                    false => one(token.is_numbered_name()),
                }
            }
            Shape::Day => days_at(self.text, at),
            Shape::Member => {
                let mut ends: Vec<usize> =
                    spec.members.iter().filter_map(|member| self.spelt(member, at)).collect();
                ends.sort_unstable_by(|a, b| b.cmp(a));
                ends.dedup();
                ends
            }
            Shape::Phrase => {
                let mut ends = Vec::new();
                for end in at..self.text.tokens.len().min(at + MOST_PHRASE) {
                    if is_boundary(&self.text.tokens[end].folded)
                        || self.text.tokens[end].kind == Kind::Object
                    {
                        break;
                    }
                    ends.push(end + 1);
                }
                ends
            }
        }
    }

    /// Where words that may stand for a member end: plain words only, none of which may begin
    /// another wish.
    fn other_words(&self, at: usize) -> Vec<usize> {
        let plain = |token: &&Token| match token.kind {
            Kind::Word { capital } => {
                (!capital || token.folded.chars().count() == 1) && !is_connective(&token.folded)
            }
            _ => false,
        };
        let rest = self.text.tokens.get(at..).unwrap_or_default();
        let words = rest.iter().take(MOST_PHRASE).take_while(plain).count();
        (at + 1..=at + words).collect()
    }

    /// Where a member of an enumeration ends if the text spells it at `at`.
    fn spelt(&self, member: &str, at: usize) -> Option<usize> {
        self.text.spelt(&crate::spans::lex(member).folded(), at)
    }

    /// A member takes the schema's own spelling; everything else the text's.
    fn value(&self, spec: &SlotSpec, from: usize, to: usize) -> serde_json::Value {
        if spec.shape == Shape::Member {
            let longest = spec
                .members
                .iter()
                .find(|member| self.spelt(member, from) == Some(to))
                .cloned()
                .unwrap_or_else(|| self.text.slice(from, to).to_owned());
            return serde_json::Value::String(longest);
        }
        if spec.shape == Shape::Number
            && let Some(number) = self.token(from).and_then(said_number)
        {
            return whole(number);
        }
        self.text.value(from, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spans::lex;
    use serde_json::json;

    fn literal(word: &str) -> Part {
        Part::Literal(word.into())
    }

    fn template(parts: Vec<Part>, slots: &[(SlotId, Shape, Option<u32>)]) -> Template {
        let members = |shape| match shape {
            Shape::Member => vec!["too small".into(), "too small for me".into()],
            _ => vec![],
        };
        let spec = |(id, shape, list): &(SlotId, Shape, Option<u32>)| SlotSpec {
            id: *id,
            name: format!("s{id}"),
            shape: *shape,
            members: members(*shape),
            list: *list,
            keys: vec![],
            optional: false,
            idle: false,
            builds: vec![],
            same_as: None,
            only: None,
        };
        crate::fill::testing::template(parts, slots.iter().map(spec).collect())
    }

    #[test]
    fn a_list_is_read_to_its_end_and_no_further() {
        let list = ListPart { id: 0, unit: vec![Part::Slot(1)], separators: vec![vec![";".into()]] };
        let template = template(
            vec![literal("send"), Part::Slot(0), literal(":"), Part::List(list), literal(";")],
            &[(0, Shape::Identifier, None), (1, Shape::Name, Some(0))],
        );
        let text = lex("Send x_1: Blue Lamp; Chair; Then x_2");
        let readings = read_pattern(&template, &text, 0, Wording::Exact);
        assert_eq!(readings[0].end, 8);
        assert_eq!(readings[0].values.units(0), 2);
        assert_eq!(readings[0].values.get(1, Some((0, 0))).map(|r| &r.value), Some(&json!("Blue Lamp")));
        // A list may also stop early; whether the rest is then covered is another's question.
        assert_eq!(readings.len(), 2);
        assert!(read_pattern(&template, &lex("Send x_1: lamp;"), 0, Wording::Exact).is_empty());
    }

    #[test]
    fn an_optional_slot_may_be_left_out() {
        let list =
            ListPart { id: 0, unit: vec![Part::Slot(0), Part::Slot(1)], separators: vec![vec![",".into()]] };
        let mut template = template(
            vec![literal("send"), Part::List(list), literal(".")],
            &[(0, Shape::Name, Some(0)), (1, Shape::Object, Some(0))],
        );
        let text = lex("Send Lamp {size: big}, Chair.");
        assert!(read_pattern(&template, &text, 0, Wording::Exact).is_empty());
        template.slots[1].optional = true;
        let readings = read_pattern(&template, &text, 0, Wording::Exact);
        assert_eq!(readings.len(), 1);
        let left_out = |unit| readings[0].values.get(1, Some((0, unit))).map(Read::is_absent);
        assert_eq!((left_out(0), left_out(1)), (Some(false), Some(true)));
    }

    #[test]
    fn members_are_spelt_and_longest_first() {
        let template = template(vec![literal("because"), Part::Slot(0)], &[(0, Shape::Member, None)]);
        let readings = read_pattern(&template, &lex("because Too Small for me."), 0, Wording::Exact);
        assert_eq!(readings[0].values.get(0, None).map(|r| &r.value), Some(&json!("too small for me")));
        assert_eq!(readings.len(), 2);
        assert!(read_pattern(&template, &lex("because too big"), 0, Wording::Exact).is_empty());
    }

    #[test]
    fn a_member_in_other_words_is_open_unless_more_is_said() {
        let template =
            template(vec![literal("because"), Part::Slot(0), literal(".")], &[(0, Shape::Member, None)]);
        let read = |text: &str| read_pattern(&template, &lex(text), 0, Wording::Free);
        let readings = read("because it does not fit me.");
        assert_eq!(readings.len(), 1);
        let value = readings[0].values.get(0, None).unwrap();
        assert_eq!((&value.value, value.open), (&json!("it does not fit me"), true));
        assert!(!read("because too small.")[0].values.get(0, None).unwrap().open);
        for text in ["because it is small unless you mend it.", "because of x_1.", "because Ada says so."] {
            assert!(read(text).is_empty(), "{text}");
        }
        assert!(read_pattern(&template, &lex("because it does not fit me."), 0, Wording::Exact).is_empty());
    }

    #[test]
    fn word_lists_need_two_words() {
        let template = template(vec![literal("be"), Part::Words, literal(".")], &[]);
        assert_eq!(read_pattern(&template, &lex("Be calm, kind and quick."), 0, Wording::Exact).len(), 1);
        assert!(read_pattern(&template, &lex("Be calm."), 0, Wording::Exact).is_empty());
        assert!(read_pattern(&template, &lex("Be calm, Ada."), 0, Wording::Exact).is_empty());
    }
}
