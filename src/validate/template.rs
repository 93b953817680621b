use std::collections::BTreeSet;

use serde::Deserialize;

use super::references;
use crate::domain::{
    ListPart, Part, SCHEMA_VERSION, Shape, SlotSpec, Template, TemplateRecord, ToolContract,
};

/// The most bindings that a space may hold.
pub(super) const MAX_BINDINGS: usize = 64;
/// The most predicates that a selection may hold.
pub const MAX_CONJUNCTS: usize = 2;
/// The most steps, slots and keywords, and the most parts of a pattern.
const MAX_STEPS: usize = 128;
const MAX_SLOTS: usize = 256;
const MAX_KEYWORDS: usize = 64;
const MAX_PARTS: usize = 4_096;

/// Why a template cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}; {remedy}")]
pub struct Invalid {
    /// Where: line and column of the file, or a path into the template.
    pub place: String,
    /// What is wrong there.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

pub(super) fn invalid(
    place: impl Into<String>,
    what: impl Into<String>,
    remedy: impl Into<String>,
) -> Invalid {
    Invalid { place: place.into(), what: what.into(), remedy: remedy.into() }
}

/// Reads a template from JSON text and checks it as [`template`] does.
///
/// # Errors
/// Text that is no JSON or no template is named by line and column, an unknown field by its path.
pub fn read_template(text: &str) -> Result<Template, Invalid> {
    let read: Template = read(text)?;
    template(&read)?;
    Ok(read)
}

/// Reads a template with its evidence and state from JSON text, and checks it.
///
/// # Errors
/// As [`read_template`].
pub fn read_record(text: &str) -> Result<TemplateRecord, Invalid> {
    let read: TemplateRecord = read(text)?;
    template(&read.template)?;
    Ok(read)
}

fn read<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, Invalid> {
    let mut unknown = None;
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_ignored::deserialize(&mut json, |path| {
        unknown.get_or_insert_with(|| path.to_string());
    });
    let value = value.and_then(|value| json.end().map(|()| value)).map_err(|error| {
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or(&what).to_owned();
        let place = format!("line {}, column {}", error.line(), error.column());
        invalid(place, what, "compare with plan_templates/FORMAT.md")
    })?;
    match unknown {
        Some(path) => {
            Err(invalid(path, "unknown field", "remove it, or compare with plan_templates/FORMAT.md"))
        }
        None => Ok(value),
    }
}

/// Checks a template, wherever it comes from: format version, bounds, that every slot, list and
/// step that is named exists and is in scope, that expressions compile, and that its version is the
/// hash of its content.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn template(template: &Template) -> Result<(), Invalid> {
    if template.schema_version != SCHEMA_VERSION {
        return Err(invalid(
            "schema_version",
            format!("the format is version {}, this program reads {SCHEMA_VERSION}", template.schema_version),
            "export the template again with this version of the program",
        ));
    }
    for (place, text) in [("id", template.id.as_str()), ("namespace", template.namespace.as_str())] {
        if text.is_empty() {
            return Err(invalid(place, "it is empty", "give it a value"));
        }
    }
    bound("steps", template.steps.len(), MAX_STEPS)?;
    bound("slots", template.slots.len(), MAX_SLOTS)?;
    bound("keywords", template.keywords.len(), MAX_KEYWORDS)?;
    slots(&template.slots)?;
    pattern(template)?;
    contract(template)?;
    output_format(template.output_format.as_deref())?;
    references::check(template)?;
    let version = template.content_version();
    if template.version != version {
        return Err(invalid(
            "version",
            format!("it is not the hash of the content, which is {version}"),
            "if you edited the template by hand, import it with --rehash",
        ));
    }
    Ok(())
}

pub(super) fn bound(place: &str, is: usize, most: usize) -> Result<(), Invalid> {
    if is > most {
        return Err(invalid(
            place,
            format!("{is} entries, at most {most} are allowed"),
            "split the template",
        ));
    }
    Ok(())
}

fn slots(slots: &[SlotSpec]) -> Result<(), Invalid> {
    let mut ids = BTreeSet::new();
    for (n, slot) in slots.iter().enumerate() {
        let place = format!("slots[{n}]");
        if !ids.insert(slot.id) {
            return Err(invalid(
                place,
                format!("slot {} is declared twice", slot.id),
                "number slots uniquely",
            ));
        }
        if (slot.shape == Shape::Member) == slot.members.is_empty() {
            return Err(invalid(
                format!("{place}.members"),
                "a slot has members if and only if its shape is `member`",
                "list the enumeration's members, or choose another shape",
            ));
        }
    }
    Ok(())
}

/// The pattern: slots and lists exist, stand where they say they do, and something is literal.
fn pattern(template: &Template) -> Result<(), Invalid> {
    let parts = &template.pattern.parts;
    let mut walk = Walk { template, lists: BTreeSet::new(), slots: BTreeSet::new(), parts: 0, literals: 0 };
    walk.parts(parts, None, "pattern.parts")?;
    if walk.literals == 0 {
        return Err(invalid(
            "pattern.parts",
            "no part is a literal, so that any text would match",
            "name at least one word that the task must say",
        ));
    }
    for (n, slot) in template.slots.iter().enumerate() {
        if !walk.slots.contains(&slot.id) {
            return Err(invalid(
                format!("slots[{n}]"),
                format!("slot {} does not stand in the pattern", slot.id),
                "remove it or place it",
            ));
        }
    }
    Ok(())
}

struct Walk<'t> {
    template: &'t Template,
    lists: BTreeSet<u32>,
    slots: BTreeSet<u32>,
    parts: usize,
    literals: usize,
}

impl Walk<'_> {
    fn parts(&mut self, parts: &[Part], list: Option<u32>, place: &str) -> Result<(), Invalid> {
        for (n, part) in parts.iter().enumerate() {
            self.parts += 1;
            bound("pattern.parts", self.parts, MAX_PARTS)?;
            let place = format!("{place}[{n}]");
            match part {
                Part::Literal(text) if text.is_empty() => {
                    return Err(invalid(place, "the literal is empty", "remove it"));
                }
                Part::Literal(_) => self.literals += 1,
                Part::Words => {}
                Part::Slot(id) => self.slot(*id, list, &place)?,
                Part::List(part) => self.list(part, list, &place)?,
            }
        }
        Ok(())
    }

    fn slot(&mut self, id: u32, list: Option<u32>, place: &str) -> Result<(), Invalid> {
        let Some(slot) = self.template.slot(id) else {
            return Err(invalid(place, format!("slot {id} is not declared"), "declare it under `slots`"));
        };
        if slot.list != list {
            let says = slot.list.map_or("in no list".to_owned(), |list| format!("in list {list}"));
            let is = list.map_or("in none".to_owned(), |list| format!("in list {list}"));
            return Err(invalid(
                place,
                format!("slot {id} is declared {says}, but stands {is}"),
                "correct the slot's `list`",
            ));
        }
        self.slots.insert(id);
        Ok(())
    }

    fn list(&mut self, list: &ListPart, outer: Option<u32>, place: &str) -> Result<(), Invalid> {
        let holds = |part: &&Part| matches!(part, Part::List(_));
        let most = usize::from(outer.is_none());
        if list.unit.iter().filter(holds).count() > most {
            return Err(invalid(
                format!("{place}.unit"),
                "a list stands inside a list inside a list, or beside another one in it",
                "lists can be nested once, one in the unit of another",
            ));
        }
        if !self.lists.insert(list.id) {
            return Err(invalid(place, format!("list {} stands twice", list.id), "number lists uniquely"));
        }
        if list.unit.is_empty() {
            return Err(invalid(format!("{place}.unit"), "the unit is empty", "say what repeats"));
        }
        if list.separators.iter().any(|tokens| tokens.is_empty() || tokens.iter().any(String::is_empty)) {
            return Err(invalid(format!("{place}.separators"), "a separator is empty", "remove it"));
        }
        self.parts(&list.unit, Some(list.id), &format!("{place}.unit"))
    }
}

fn contract(template: &Template) -> Result<(), Invalid> {
    let mut names = BTreeSet::new();
    for (n, ToolContract { name, fingerprint }) in template.contract.iter().enumerate() {
        let place = format!("contract[{n}]");
        if name.is_empty() || fingerprint.is_empty() {
            return Err(invalid(place, "a tool needs a name and a fingerprint", "export the template again"));
        }
        if !names.insert(name.as_str()) {
            return Err(invalid(place, format!("the tool `{name}` is named twice"), "remove one"));
        }
    }
    for (n, step) in template.steps.iter().enumerate() {
        if !names.contains(step.tool.as_str()) {
            return Err(invalid(
                format!("steps[{n}].tool"),
                format!("the tool `{}` is not in the contract", step.tool),
                "add it with its fingerprint",
            ));
        }
    }
    Ok(())
}

fn output_format(schema: Option<&str>) -> Result<(), Invalid> {
    let Some(text) = schema else { return Ok(()) };
    let wrong = |why: String| invalid("output_format", why, "give a JSON Schema as JSON text");
    let schema = serde_json::from_str(text).map_err(|error| wrong(format!("it is not JSON: {error}")))?;
    jsonschema::validator_for(&schema)
        .map(|_| ())
        .map_err(|error| wrong(format!("not a JSON Schema: {error}")))
}

#[cfg(test)]
mod tests;
