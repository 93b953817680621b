//! Whether a program that was derived for a task asks for the same as a learnt one.
//!
//! Their forms must be the same but for values, which the task's text has to say (or which the learnt
//! program always has), and names that the text says in place of the learnt one's. What the text says
//! must all stand in the program, or in the words that the learnt one was asked for with.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::domain::{Argument, Binding, ProgramPart, Template, Tier, canonical_hash};
use crate::policy::{Policy, ProgramNames};
use crate::programs::{Schema, Shape, canonical, render};
use crate::spans::{Kind, Lexed, Token, lex, said_number, same_text};

/// A learnt program, and how near its wording is to the task's.
#[derive(Clone, Debug)]
pub(super) struct Learnt {
    pub(super) template: Arc<Template>,
    /// The cosine of the angle between the wordings.
    pub(super) near: f32,
}

/// What a task's text says.
pub(super) struct Said {
    text: Lexed,
    words: BTreeSet<String>,
}

impl Said {
    pub(super) fn of(text: &str) -> Self {
        let text = lex(text);
        let words = text.tokens.iter().flat_map(|token| words(&token.folded)).collect();
        Self { text, words }
    }

    /// Whether all words of a name are said, in whatever form.
    fn names(&self, name: &str) -> bool {
        let words = words(name);
        !words.is_empty() && words.iter().all(|word| self.words.contains(word))
    }

    /// Whether a value is said: as words, or as a number in words.
    pub(super) fn value(&self, value: &Value) -> bool {
        let Some(text) = crate::spans::text_of(value) else { return false };
        let own = self.text.text.to_lowercase();
        let joined = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let text = text.to_lowercase();
        let stands = own.match_indices(&text).any(|(at, found)| {
            !joined(own[..at].chars().next_back()) && !joined(own[at + found.len()..].chars().next())
        });
        let number = |token: &Token| {
            let plain = token.folded.replace(',', "");
            let said = said_number(token).or_else(|| plain.trim_start_matches('$').parse().ok());
            said.is_some() && said == number_of(value)
        };
        (!text.trim().is_empty() && stands) || self.text.tokens.iter().any(number)
    }

    /// What the text says that neither a program nor the words that are known to ask for it have.
    fn left(&self, values: &[Value], names: &BTreeSet<String>, known: &BTreeSet<&str>) -> bool {
        let mut begins = true;
        self.text.tokens.iter().any(|token| {
            let first = std::mem::replace(&mut begins, crate::spans::is_boundary(&token.folded));
            let says = match token.kind {
                Kind::Number | Kind::Identifier | Kind::Quoted | Kind::Email | Kind::Object => true,
                Kind::Word { capital } => (capital && !first) || said_number(token).is_some(),
                Kind::Punct => false,
            };
            says && !known.contains(token.folded.as_str())
                && !words(&token.folded).iter().all(|word| names.contains(word))
                && !values.iter().any(|value| spells(value, token))
        })
    }
}

/// Whether a value is, or holds, what a token says.
fn spells(value: &Value, token: &Token) -> bool {
    let number =
        said_number(token).or_else(|| token.folded.replace(',', "").trim_start_matches('$').parse().ok());
    if number.is_some() && number == number_of(value) {
        return true;
    }
    let own = token.value.as_str().unwrap_or(&token.folded).to_lowercase();
    let text = crate::spans::text_of(value).unwrap_or_default().to_lowercase();
    text == own || words(&text).iter().any(|word| words(&own).first() == Some(word)) || same_text(&text, &own)
}

fn number_of(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.replace(',', "").parse().ok())
}

/// The words of a name or a text, without endings: "pet_types" and "PetType" are "pet", "type".
fn words(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && before.is_lowercase()) {
            parts.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(last) = parts.last_mut()
        {
            last.extend(c.to_lowercase());
        }
        before = c;
    }
    parts.retain(|part| !part.is_empty());
    parts.iter().map(|part| stem(part)).collect()
}

/// A word without the ending of its plural.
fn stem(word: &str) -> String {
    let long = word.chars().count() > 3;
    match (word.strip_suffix("ies"), word.strip_suffix("sses"), word.strip_suffix('s')) {
        (Some(head), ..) if long => format!("{head}y"),
        (_, Some(head), _) if long => format!("{head}ss"),
        (_, _, Some(head)) if long && !head.ends_with('s') => head.to_owned(),
        _ => word.to_owned(),
    }
}

/// The parts of a template's program.
fn parts(template: &Template) -> Option<&[ProgramPart]> {
    match &template.steps.last()?.arguments.first()?.1 {
        Argument::Program(parts) => Some(parts),
        _ => None,
    }
}

/// Whether a text asks for the same as a learnt program, for a task that says this.
pub(super) fn same(learnt: &Learnt, text: &str, said: &Said, schema: &Schema, others: ProgramNames) -> bool {
    let holds = || {
        let parts = self::parts(&learnt.template)?;
        let stand_in = |at: usize, before: &str, after: &str, quoting| {
            // A value of its own for each place, told again by its number.
            let number = Value::from(900_000_000_u64 + at as u64);
            let text = Value::from(format!("value {at}"));
            render(if before.is_empty() { &number } else { &text }, before, after, quoting)
        };
        let mut own = String::new();
        let mut spaces = Vec::new();
        for part in parts {
            match part {
                ProgramPart::Text(text) | ProgramPart::Name(text) => own.push_str(text),
                ProgramPart::Value { before, after, quoting, space, .. } => {
                    own.push_str(&stand_in(spaces.len(), before, after, *quoting)?);
                    spaces.push((space, before.as_str(), after.as_str()));
                }
            }
        }
        let (learnt_form, form) = (canonical(&own, schema)?, canonical(text, schema)?);
        let (Shape { skeleton, names, values }, asked) = (learnt_form.shape(), form.shape());
        if skeleton != asked.skeleton
            || names.len() != asked.names.len()
            || values.len() != asked.values.len()
        {
            return None;
        }
        for (old, new) in names.iter().zip(&asked.names).filter(|(old, new)| old != new) {
            // Another column.
            let (old, new) = (old.rsplit('.').next()?, new.rsplit('.').next()?);
            let stands = match others {
                ProgramNames::Same => false,
                ProgramNames::Said => said.names(new) && !said.names(old),
                ProgramNames::Observed => true,
            };
            if !stands {
                return None;
            }
        }
        let mut used = Vec::new();
        for (old, new) in values.iter().zip(&asked.values) {
            let (space, value) = spaces.iter().enumerate().find_map(|(at, (space, before, after))| {
                let (head, tail) =
                    (before.trim_start_matches(['\'', '"']), after.trim_end_matches(['\'', '"']));
                let number = old.as_f64() == Some((900_000_000_u64 + at as u64) as f64);
                let text = old.as_str().is_some_and(|old| old == format!("{head}value {at}{tail}"));
                if text {
                    let new = crate::spans::text_of(new)?;
                    return Some((*space, Value::from(new.strip_prefix(head)?.strip_suffix(tail)?)));
                }
                number.then(|| (*space, new.clone()))
            })?;
            let always = space
                .bindings
                .iter()
                .any(|b| matches!(b, Binding::Constant { hash, .. } if *hash == canonical_hash(&value)));
            if !said.value(&value) && !always {
                return None;
            }
            used.push(value);
        }
        let named = asked.names.iter().flat_map(|name| words(name)).collect();
        (!said.left(&used, &named, &learnt.template.pattern.literals().collect())).then_some(())
    };
    holds().is_some()
}

/// A learnt program with the values that the task says in their places, where they can only be meant
/// for these: as many of each form as the program takes, in the order in which they were said. A
/// column that was said and is no longer gives way to the one that is said in its place; `strict` says
/// that there is none where several could.
pub(super) fn filled(
    learnt: &Learnt,
    text: &str,
    policy: &Policy,
    schema: &Schema,
    strict: bool,
) -> Option<String> {
    let template = &learnt.template;
    let least = policy.min_constant;
    let said = Said::of(text);
    let before = Said::of(&template.pattern.literals().collect::<Vec<_>>().join(" "));
    let own = |name: &str| name.trim_matches(['`', '"', '[', ']']).to_lowercase();
    let known: BTreeSet<String> = self::parts(template)?
        .iter()
        .filter_map(|part| if let ProgramPart::Name(name) = part { Some(own(name)) } else { None })
        .collect();
    let mut instead: Vec<&str> = schema
        .relations()
        .filter(|(relation, _)| known.contains(*relation))
        .flat_map(|(_, columns)| columns.iter().map(String::as_str))
        .filter(|column| !known.contains(*column) && said.names(column) && !before.names(column))
        .collect();
    instead.sort_unstable();
    instead.dedup();
    let is_relation = |name: &str| schema.relations().any(|(relation, _)| relation == name);
    let gone: Vec<&String> =
        known.iter().filter(|name| !is_relation(name) && before.names(name) && !said.names(name)).collect();
    let replaced = match (policy.program_names, gone.as_slice(), instead.as_slice()) {
        (ProgramNames::Same, ..) | (_, [], []) => None,
        (_, [old], [new]) => Some((old.as_str(), *new)),
        _ if strict => return None,
        _ => None,
    };
    let text = lex(text);
    let mut out = String::new();
    for part in self::parts(template)? {
        match part {
            ProgramPart::Name(name) => match replaced.filter(|(old, _)| own(name) == *old) {
                Some((_, new)) => out.push_str(new),
                None => out.push_str(name),
            },
            ProgramPart::Text(own) => out.push_str(own),
            ProgramPart::Value { before, after, quoting, space, .. } => {
                let best = space.best().next()?;
                let value = match best {
                    Binding::Constant { json: Some(json), seen, .. } if *seen == 0 || *seen >= least => {
                        serde_json::from_str(json).ok()?
                    }
                    Binding::Value(crate::domain::Operand::Slot { slot, .. })
                        if best.tier() == Tier::Anchored =>
                    {
                        let spec = template.slot(*slot)?;
                        let same: Vec<_> = template.slots.iter().filter(|s| s.shape == spec.shape).collect();
                        let all = crate::fill::candidates(spec, &text);
                        let at = same.iter().position(|s| s.id == spec.id)?;
                        all.get(at).filter(|_| all.len() == same.len())?.value.clone()
                    }
                    _ => return None,
                };
                out.push_str(&render(&value, before, after, *quoting)?);
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_said_in_whatever_form() {
        let said = Said::of("How heavy are the pets of each pet type?");
        assert!(said.names("PetType") && said.names("pet_types") && !said.names("pet_age"));
        assert_eq!(words("countryLanguages"), ["country", "language"]);
        assert_eq!(stem("boss"), "boss");
    }

    #[test]
    fn values_are_said_as_words_or_numbers() {
        let said = Said::of("Show the two lakes in Peru deeper than 1,200 metres.");
        for value in [Value::from(2), Value::from("Peru"), Value::from(1200), Value::from("lakes in Peru")] {
            assert!(said.value(&value), "{value}");
        }
        assert!(!said.value(&Value::from("Per")) && !said.value(&Value::from(3)));
    }

    #[test]
    fn nothing_that_is_said_may_be_left() {
        let said = Said::of("Show the lakes in Peru deeper than 1,200 metres.");
        let names: BTreeSet<String> = ["lake".to_owned()].into();
        let none = BTreeSet::new();
        assert!(!said.left(&[Value::from("Peru"), Value::from(1200)], &names, &none));
        assert!(said.left(&[Value::from("Peru")], &names, &none));
        assert!(said.left(&[Value::from(1200)], &names, &none));
        assert!(!said.left(&[Value::from(1200)], &names, &BTreeSet::from(["peru"])));
    }
}
