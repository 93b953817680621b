use std::collections::BTreeSet;

use serde_json::Value;

use super::grounding::{any_scalar, declares, holds};
use crate::domain::{
    AnswerPart, Argument, Binding, Operand, Pair, Part, PathStep, ProgramPart, SlotPart, Template, Tool,
    Trace, Transform,
};
use crate::expr::Program;
use crate::spans::{Kind, is_value, lex, text_of};

/// The values of the run that a template still holds, each with the place where it does; empty if
/// the template is free of them. Ordinary words may stand in a pattern; identifiers, numbers,
/// addresses, quotations, names and whole arguments may not. A constant may stand if the tool's
/// schema declares it, or if at least `min_constant` distinct tasks showed it.
pub fn leftover_literals(template: &Template, trace: &Trace, min_constant: u32) -> Vec<String> {
    let audit = Audit { values: Values::of(trace), tools: &trace.task.tools, min_constant };
    let mut found = Vec::new();
    let mut report = |place: String, literal: Option<String>| {
        if let Some(literal) = literal {
            found.push(format!("{place}: {literal}"));
        }
    };
    for run in runs(&template.pattern.parts) {
        report("pattern".to_owned(), audit.words(&run));
    }
    report("name".to_owned(), audit.text(&template.name));
    for keyword in &template.keywords {
        report("keywords".to_owned(), audit.text(keyword));
    }
    for slot in &template.slots {
        report(format!("slot {}, name", slot.id), audit.text(&slot.name));
        for member in slot.members.iter().filter(|member| !audit.declared(&Value::String((*member).clone())))
        {
            report(format!("slot {}, members", slot.id), Some(member.clone()));
        }
    }
    for (n, step) in template.steps.iter().enumerate() {
        for (name, argument) in &step.arguments {
            spaces(argument, &mut |binding| report(format!("step {n}, {name}"), audit.binding(binding)));
            fixed(argument, &mut |text, is_sql| {
                report(format!("step {n}, {name}"), audit.fixed(text, is_sql))
            });
        }
        for guard in &step.guards {
            report(format!("step {n}, guard"), guard.cel.as_deref().and_then(|cel| audit.cel(cel)));
            report(format!("step {n}, guard"), audit.keys(&guard.field));
        }
        for state in &step.states {
            report(format!("step {n}, states"), audit.keys(&parts(&state.field)));
        }
        for condition in &step.when {
            report(format!("step {n}, when"), audit.keys(&parts(&condition.field)));
        }
    }
    for part in template.answer.iter().flat_map(|answer| &answer.parts) {
        report(
            "answer".to_owned(),
            match part {
                AnswerPart::Text(text) => audit.text(text),
                AnswerPart::Value(operand) => audit.operand(operand),
            },
        );
    }
    found
}

/// The names in that of a state, which may be that of a member's member.
fn parts(field: &str) -> Vec<String> {
    field.split('.').map(str::to_owned).collect()
}

/// What counts as a value of a run.
struct Values {
    /// Scalars of the calls' arguments and of the context, folded.
    arguments: BTreeSet<String>,
    /// Tokens of the task's text that are values by their own characters, folded.
    tokens: BTreeSet<String>,
    /// Capitalised words inside sentences that are also part of a short value of the run, folded.
    names: BTreeSet<String>,
}

impl Values {
    fn of(trace: &Trace) -> Self {
        let mut arguments = BTreeSet::new();
        let mut scalars = BTreeSet::new();
        let add = |value: &Value, to: &mut BTreeSet<String>| {
            any_scalar(value, &mut |_, found| {
                to.extend(
                    found.filter(|v| !v.is_boolean()).and_then(text_of).map(|t| t.trim().to_lowercase()),
                );
                false
            });
        };
        for step in &trace.steps {
            step.call.arguments.values().for_each(|value| add(value, &mut arguments));
            if let Some(observation) = &step.observation {
                add(&observation.value, &mut scalars);
            }
        }
        add(&trace.task.context, &mut scalars);
        scalars.extend(arguments.iter().cloned());
        let lexed = lex(&trace.task.text);
        let mut tokens = BTreeSet::new();
        for token in lexed.tokens.iter().filter(|token| is_value(token)) {
            tokens.insert(token.folded.clone());
            add(&token.value, &mut tokens);
        }
        let (mut names, mut ordinary) = (BTreeSet::new(), BTreeSet::new());
        for (n, token) in lexed.tokens.iter().enumerate() {
            let before = n.checked_sub(1).and_then(|n| lexed.tokens.get(n));
            let inside = before.is_some_and(|b| matches!(b.kind, Kind::Word { .. }) || b.is(","));
            let of_length = token.folded.chars().count() > 1;
            let to = if inside && token.is_capital() && of_length { &mut names } else { &mut ordinary };
            to.insert(token.folded.clone());
        }
        // A word that also stands without a capital, or at a sentence's start, may be any word.
        names.retain(|name| {
            let in_a_value = |scalar: &String| scalar.split_whitespace().count() <= 6 && holds(scalar, name);
            !ordinary.contains(name) && scalars.iter().any(in_a_value)
        });
        arguments.retain(|argument| !argument.is_empty());
        Self { arguments, tokens, names }
    }
}

/// The runs of literals of a pattern, lists' units and separators apart.
fn runs(parts: &[Part]) -> Vec<Vec<&str>> {
    let mut runs = vec![Vec::new()];
    for part in parts {
        match part {
            Part::Literal(text) => {
                if let Some(run) = runs.last_mut() {
                    run.push(text.as_str());
                }
            }
            Part::List(list) => {
                runs.extend(self::runs(&list.unit));
                runs.extend(list.separators.iter().map(|tokens| tokens.iter().map(String::as_str).collect()));
                runs.push(Vec::new());
            }
            Part::Slot(_) | Part::Words => runs.push(Vec::new()),
        }
    }
    runs
}

fn spaces(argument: &Argument, visit: &mut dyn FnMut(&Binding)) {
    argument.spaces(&mut |space| space.bindings.iter().for_each(&mut *visit));
}

/// Calls `visit` on what is fixed in the programs of an argument, names apart: a name is no value, and
/// is used only where an observation says it.
fn fixed(argument: &Argument, visit: &mut dyn FnMut(&str, bool)) {
    match argument {
        Argument::One(_) => {}
        Argument::Each { element, .. } => fixed(element, visit),
        Argument::Array(items) => items.iter().for_each(|item| fixed(item, visit)),
        Argument::Object(members) => members.iter().for_each(|(_, item)| fixed(item, visit)),
        Argument::Program(parts) => {
            let is_sql = ProgramPart::are_sql(parts);
            for part in parts {
                match part {
                    ProgramPart::Text(text) => visit(text, is_sql),
                    ProgramPart::Value { of, before, after, .. } => {
                        // Its number among those that are called the same says nothing.
                        let of = of.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end();
                        [of, before, after].into_iter().for_each(|text| visit(text, is_sql));
                    }
                    ProgramPart::Name(_) => {}
                }
            }
        }
    }
}

struct Audit<'t> {
    values: Values,
    tools: &'t [Tool],
    min_constant: u32,
}

impl Audit<'_> {
    fn declared(&self, value: &Value) -> bool {
        self.tools.iter().any(|tool| declares(tool, value))
    }

    /// A run of literal tokens: no token may be a value, and together they may not spell an argument.
    fn words(&self, run: &[&str]) -> Option<String> {
        let value = run.iter().find(|word| {
            let lexed = lex(word);
            let folded = word.to_lowercase();
            lexed.tokens.iter().any(is_value) || self.values.names.contains(&folded)
        });
        value.map(|word| (*word).to_owned()).or_else(|| {
            let text = run.join(" ");
            self.spelt(&text)
        })
    }

    /// An argument of the run (two words or more, or no plain word) that a text spells out.
    fn spelt(&self, text: &str) -> Option<String> {
        self.values
            .arguments
            .iter()
            .find(|argument| {
                argument.contains(char::is_whitespace)
                    && holds(text, argument)
                    && !self.declared(&Value::String((*argument).clone()))
            })
            .cloned()
    }

    /// Free text: no value of the run may stand in it.
    fn text(&self, text: &str) -> Option<String> {
        let lexed = lex(text);
        lexed
            .tokens
            .iter()
            .find(|token| {
                let known = self.values.tokens.contains(&token.folded)
                    || self.values.arguments.contains(&token.folded) && is_value(token);
                known || self.values.names.contains(&token.folded)
            })
            .map(|token| text[token.start..token.end].to_owned())
            .or_else(|| self.spelt(text))
    }

    /// A fixed part of a program: keywords and signs, but nothing between quotation marks and no
    /// number, and no value of the run. Of a program that is no SQL, all that is between quotation marks is
    /// cut into values anyway, and digits name what it reads and writes.
    fn fixed(&self, text: &str, is_sql: bool) -> Option<String> {
        let least = if is_sql { 1 } else { 2 };
        let number = |word: &&str| word.chars().take_while(char::is_ascii_digit).count() >= least;
        let words = || text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
        // The signs around a value are one part each, so that a pair in one part holds something.
        let quoted = |quote: char| text.matches(quote).count() > 1;
        if is_sql && (quoted('\'') || quoted('"')) {
            return Some(text.to_owned());
        }
        words().find(number).or_else(|| words().find(|word| self.key(word).is_some())).map(str::to_owned)
    }

    /// A key of a path: a keyed collection's key is a value, a field's name is not.
    fn key(&self, key: &str) -> Option<String> {
        let folded = key.to_lowercase();
        let token = lex(key).tokens.into_iter().next();
        let value = self.values.tokens.contains(&folded)
            || self.values.arguments.contains(&folded) && token.as_ref().is_some_and(is_value);
        value.then(|| key.to_owned())
    }

    fn keys(&self, keys: &[String]) -> Option<String> {
        keys.iter().find_map(|key| self.key(key))
    }

    fn binding(&self, binding: &Binding) -> Option<String> {
        match binding {
            Binding::Value(operand) => self.operand(operand),
            Binding::Context { path } => self.path(path),
            Binding::Compute { cel } => self.cel(cel),
            Binding::Constant { json: Some(json), seen, .. } => {
                let declared = serde_json::from_str::<Value>(json)
                    .is_ok_and(|value| value.is_boolean() || value.is_null() || self.declared(&value));
                (!declared && *seen < self.min_constant).then(|| json.clone())
            }
            Binding::Constant { json: None, .. } | Binding::Written => None,
        }
    }

    fn operand(&self, operand: &Operand) -> Option<String> {
        match operand {
            Operand::Slot { part: SlotPart::Field(key), .. } => {
                self.key(key).filter(|_| self.is_argument(key))
            }
            Operand::Slot { .. } => None,
            Operand::Observed { path, .. } => self.path(path),
            Operand::Merge { base, changes } => self.operand(base).or_else(|| self.operand(changes)),
            Operand::Made { by, of } => self.made(by).or_else(|| of.iter().find_map(|o| self.operand(o))),
        }
    }

    /// A way to make values names none, but for the lines of a table.
    fn made(&self, by: &Transform) -> Option<String> {
        match by {
            Transform::Table(lines) => {
                let few = |line: &&Pair| line.json.is_some() && line.seen < self.min_constant;
                lines.iter().find(few).and_then(|line| line.json.clone())
            }
            Transform::Join(mark) => mark.chars().any(char::is_alphanumeric).then(|| mark.clone()),
            Transform::Scale { unit, .. } => unit.chars().any(|c| !c.is_alphabetic()).then(|| unit.clone()),
            Transform::Total(keys) => self.keys(keys),
            _ => None,
        }
    }

    fn is_argument(&self, text: &str) -> bool {
        self.values.arguments.contains(&text.to_lowercase())
    }

    fn path(&self, path: &[PathStep]) -> Option<String> {
        path.iter().find_map(|step| match step {
            PathStep::Key(key) => self.key(key),
            PathStep::Select(predicates) => {
                predicates.iter().find_map(|p| self.keys(&p.field).or_else(|| self.operand(&p.equals)))
            }
            PathStep::Least(keys) | PathStep::Greatest(keys) => self.keys(keys),
            PathStep::KeyOf | PathStep::Only | PathStep::Position(_) => None,
        })
    }

    /// The literals of an expression: none may be a value of the task's text or an argument that
    /// no schema declares.
    fn cel(&self, cel: &str) -> Option<String> {
        let literals = Program::compile(cel).map(|program| program.literals()).unwrap_or_default();
        literals.into_iter().find_map(|literal| {
            let text = text_of(&literal)?;
            let folded = text.to_lowercase();
            let names = self.values.names.contains(&folded);
            let argument = literal.is_string() && self.values.arguments.contains(&folded);
            let token = literal.is_string() && self.values.tokens.contains(&folded);
            ((names || argument || token) && !self.declared(&literal)).then_some(text)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::domain::{AnswerTemplate, Guard, canonical_hash};
    use crate::validate::examples::{one, template, trace, words};

    fn left(edit: impl FnOnce(&mut Template)) -> Vec<String> {
        let mut edited = template();
        edit(&mut edited);
        leftover_literals(&edited, &trace(), 3)
    }

    #[test]
    fn a_clean_template_has_none() {
        assert_eq!(left(|_| {}), Vec::<String>::new());
    }

    #[test]
    fn values_are_found_wherever_they_hide() {
        let literal = |text: &str| words(text);
        let cases: Vec<(&str, Vec<String>)> = vec![
            ("pattern: R-2041", left(|t| t.pattern.parts.splice(1..2, literal("R-2041")).for_each(drop))),
            ("pattern: the", left(|t| t.pattern.parts.splice(3..4, literal("the tin drum")).for_each(drop))),
            ("name: R-2041", left(|t| t.name = "extend for R-2041".into())),
            ("keywords: drum", left(|t| t.keywords.push("drum".into()))),
            ("slot 2, members: boredom", left(|t| t.slots[2].members.push("boredom".into()))),
            ("step 1, weeks: 2", left(|t| t.steps[1].arguments[1].1 = constant(1))),
            (
                "step 0, guard: L77",
                left(|t| {
                    let cel = Some("obs.loans.exists(l, l.loan == 'L77')".into());
                    t.steps[0].guards.push(Guard { cel, field: vec![], hash: None });
                }),
            ),
            (
                "step 0, guard: R-2041",
                left(|t| {
                    t.steps[0].guards.push(Guard { cel: None, field: vec!["R-2041".into()], hash: None });
                }),
            ),
            (
                "step 1, loan: L77",
                left(|t| {
                    let path = vec![PathStep::Key("L77".into())];
                    t.steps[1].arguments[0].1 = one(Binding::Value(Operand::Observed { step: 0, path }));
                }),
            ),
            (
                "answer: The",
                left(|t| {
                    let parts = vec![AnswerPart::Text("Extended The Tin Drum".into())];
                    t.answer = Some(AnswerTemplate { parts });
                }),
            ),
        ];
        for (expected, found) in cases {
            assert_eq!(found, [expected], "{expected}");
        }
    }

    fn constant(seen: u32) -> Argument {
        one(Binding::Constant { hash: canonical_hash(&json!(2)), json: Some("2".into()), seen })
    }

    #[test]
    fn constants_stand_once_they_are_shown_or_declared() {
        assert!(left(|t| t.steps[1].arguments[1].1 = constant(3)).is_empty());
        let declared = json!("illness");
        let schema = Argument::One(crate::domain::Space::schema_constant(&declared));
        assert!(left(|t| t.steps[1].arguments[2].1 = schema).is_empty());
        let undeclared = Argument::One(crate::domain::Space::schema_constant(&json!("L77")));
        assert_eq!(left(|t| t.steps[1].arguments[0].1 = undeclared), ["step 1, loan: \"L77\""]);
        assert!(
            left(|t| {
                let cel = Some("obs.state == 'travel' || obs.state == 'open'".into());
                t.steps[0].guards.push(Guard { cel, field: vec![], hash: None });
            })
            .is_empty()
        );
    }

    proptest! {
        /// Whatever identifier the task names, a pattern that keeps it is found out.
        #[test]
        fn identifiers_never_pass(id in "[A-Z]{1,3}-?[0-9]{2,6}", at in 0_usize..6) {
            let mut trace = trace();
            trace.task.text = trace.task.text.replace("R-2041", &id);
            let mut kept = template();
            kept.pattern.parts.insert(at, Part::Literal(id.to_lowercase()));
            prop_assert!(!leftover_literals(&kept, &trace, 3).is_empty());
        }
    }
}
