use serde_json::json;

use super::*;
use crate::domain::{ListPart, Part, Shape, SlotSpec, Template};
use crate::spans::lex;

fn literal(word: &str) -> Part {
    Part::Literal(word.into())
}

fn slot(id: u32, shape: Shape, list: Option<u32>, build: &str) -> SlotSpec {
    SlotSpec {
        id,
        name: format!("s{id}"),
        shape,
        members: Vec::new(),
        list,
        keys: Vec::new(),
        optional: false,
        idle: false,
        builds: (!build.is_empty()).then(|| build.to_owned()).into_iter().collect(),
        same_as: None,
        only: None,
    }
}

/// "Move <boat> to <berth>."
fn moving() -> Template {
    let pattern = vec![literal("move"), Part::Slot(0), literal("to"), Part::Slot(1), literal(".")];
    let slots = vec![slot(0, Shape::Identifier, None, "#A9"), slot(1, Shape::Identifier, None, "a_9")];
    crate::fill::testing::template(pattern, slots)
}

/// "At <pier> load <name>; <name>."
fn loading() -> Template {
    let list = ListPart { id: 0, unit: vec![Part::Slot(1)], separators: vec![vec![";".into()]] };
    let pattern = vec![literal("at"), Part::Slot(0), literal("load"), Part::List(list), literal(".")];
    let slots = vec![slot(0, Shape::Identifier, None, "A9"), slot(1, Shape::Name, Some(0), "")];
    crate::fill::testing::template(pattern, slots)
}

fn read(template: &Template, said: &str) -> Vec<LooseReading> {
    let text = lex(said);
    let all = (0, text.tokens.len());
    LooseReader::of(template).unwrap().read(&LooseText::of(&text, &[template]), all)
}

fn values(reading: &LooseReading) -> Vec<serde_json::Value> {
    reading.values.all().map(|(_, read)| read.value.clone()).collect()
}

#[test]
fn values_go_to_the_slots_that_they_are_built_for_whatever_their_order() {
    let readings = read(&moving(), "Berth east_4 is where boat #K7 should go.");
    assert_eq!(values(&readings[0]), [json!("#K7"), json!("east_4")]);
    assert_eq!(readings[0].wording, "berth code is where boat code should go .");
    assert!(readings.len() == 1 || readings[0].fit - readings[1].fit > 1.0);
}

#[test]
fn every_value_needs_a_slot_and_every_slot_a_value() {
    assert!(read(&moving(), "Boat #K7 should go.").is_empty());
    assert!(read(&moving(), "Boat #K7 should go from east_4 to east_5.").is_empty());
    assert!(read(&moving(), "For Ada, boat #K7 should go to east_4.").is_empty());
    // What was said before says nothing new.
    assert!(!read(&moving(), "Boat #K7 leaves: #K7 goes to east_4.").is_empty());
    assert!(read(&moving(), "Boat #K7 leaves. #K7 goes to east_4.").is_empty(), "two sentences, two wishes");
}

#[test]
fn a_condition_or_a_denial_is_another_wish() {
    assert!(!read(&moving(), "Boat #K7 should go to east_4.").is_empty());
    for said in [
        "Boat #K7 should not go to east_4.",
        "Boat #K7 should go to east_4 if it is free.",
        "Boat #K7 shouldn't go to east_4.",
        "Boat #K7 should go to east_4 if you are sure.",
    ] {
        assert!(read(&moving(), said).is_empty(), "{said}");
    }
    assert!(!read(&moving(), "It would be kind if you could take boat #K7 to east_4.").is_empty());
}

#[test]
fn a_pronoun_is_no_part_of_a_name() {
    let template = loading();
    let readings = read(&template, "May I take Blue Lamp aboard at P4, since I'm Ada?");
    assert_eq!(values(&readings[0])[1..], [json!("Blue Lamp"), json!("Ada")]);
    let readings = read(&template, "May I take Blue Lamp aboard at P4?");
    assert_eq!(values(&readings[0]), [json!("P4"), json!("Blue Lamp")]);
}

#[test]
fn a_list_is_as_long_as_the_text_says_and_masked_as_one_unit() {
    let template = loading();
    let readings = read(&template, "Please take Blue Lamp, Chair and Long Table aboard at P4");
    assert_eq!(values(&readings[0]), [json!("P4"), json!("Blue Lamp"), json!("Chair"), json!("Long Table")]);
    assert_eq!(readings[0].wording, "please take name aboard at code");
    assert_eq!(rendered(&template, &readings[0].values), "at P4 load Blue Lamp; Chair; Long Table.");
    assert_eq!(wording(&template), "at code load name .");
}

#[test]
fn clauses_end_at_marks() {
    let text = lex("Go. Stop!! Now; then");
    assert_eq!(clauses(&text), [0, 2, 5, 7, 8]);
    assert_eq!(regions(&[0, 2, 5]).collect::<Vec<_>>(), [(0, 2), (0, 5), (2, 5)]);
}
