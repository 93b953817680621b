use serde_json::{Value, json};

use super::super::examples::{one, record, sealed, slot, template as example, whole, words};
use super::*;
use crate::domain::{
    AnswerPart, AnswerTemplate, Argument, Binding, Guard, Operand, PathStep, Predicate, Space,
    TemplateVersion,
};

/// What `template` says to the example after an edit, sealed anew.
fn after(edit: impl FnOnce(&mut Template)) -> Result<(), Invalid> {
    let mut edited = example();
    edit(&mut edited);
    template(&sealed(edited))
}

fn fails(place: &str, what: &str, edit: impl FnOnce(&mut Template)) {
    let error = after(edit).expect_err(what);
    assert!(error.place.contains(place), "{what}: {error}");
    assert!(error.what.contains(what), "{what}: {error}");
    assert!(!error.remedy.is_empty());
}

fn list(id: u32, unit: Vec<Part>, separators: &[&str]) -> Part {
    let separators: Vec<Vec<&str>> = separators.iter().map(|token| vec![*token]).collect();
    let json = json!({"id": id, "unit": unit, "separators": separators});
    Part::List(serde_json::from_value(json).expect("a list"))
}

/// The example with its title turned into a list: `wants <title>, <title> and <title> for ...`.
fn listed() -> Template {
    let mut listed = example();
    listed.slots[1].list = Some(0);
    listed.pattern.parts[3] = list(0, vec![Part::Slot(1)], &[",", "and"]);
    listed.steps[1].for_each = Some(0);
    sealed(listed)
}

#[test]
fn the_examples_are_valid() {
    assert_eq!(template(&example()), Ok(()));
    assert_eq!(template(&listed()), Ok(()));
}

#[test]
fn version_and_format_are_checked() {
    fails("schema_version", "version 99", |t| t.schema_version = 99);
    let mut edited = example();
    edited.version = TemplateVersion::new("0000");
    let error = template(&edited).expect_err("another version");
    assert!(error.place == "version" && error.remedy.contains("--rehash"), "{error}");
    fails("id", "empty", |t| t.id = crate::domain::TemplateId::new(""));
    fails("output_format", "not JSON", |t| t.output_format = Some("{".into()));
    fails("output_format", "not a JSON Schema", |t| t.output_format = Some("{\"type\": 3}".into()));
}

#[test]
fn slots_and_pattern_agree() {
    fails("slots[3]", "declared twice", |t| t.slots.push(slot(0, "again", Shape::Name)));
    fails("slots[3]", "does not stand in the pattern", |t| t.slots.push(slot(9, "lost", Shape::Name)));
    fails("slots[2].members", "if and only if", |t| t.slots[2].members.clear());
    fails("pattern.parts[1]", "not declared", |t| t.pattern.parts[1] = Part::Slot(77));
    fails("pattern.parts[3]", "declared in list 5", |t| t.slots[1].list = Some(5));
    fails("pattern.parts", "no part is a literal", |t| {
        t.pattern.parts.retain(|part| !matches!(part, Part::Literal(_)));
    });
    fails("pattern.parts[0]", "empty", |t| t.pattern.parts[0] = Part::Literal(String::new()));
    fails("pattern.parts", "at most", |t| t.pattern.parts = vec![Part::Words; MAX_PARTS + 1]);
}

#[test]
fn lists_are_nested_once_and_not_empty() {
    fails("pattern.parts[0].unit[0].unit", "inside a list inside a list", |t| {
        let inner = list(2, words("a"), &[","]);
        t.pattern.parts[0] = list(0, vec![list(1, vec![inner], &[","])], &[","]);
    });
    fails("pattern.parts[0].unit", "beside another one", |t| {
        t.pattern.parts[0] = list(0, vec![list(1, words("a"), &[","]), list(2, words("b"), &[","])], &[","]);
    });
    fails("pattern.parts[0].unit", "empty", |t| t.pattern.parts[0] = list(0, vec![], &[","]));
    fails("pattern.parts[0].separators", "empty", |t| t.pattern.parts[0] = list(0, words("a"), &[""]));
    fails("pattern.parts[1]", "stands twice", |t| {
        t.pattern.parts.insert(0, list(0, words("a"), &[","]));
        t.pattern.parts.insert(1, list(0, words("b"), &[","]));
    });
}

#[test]
fn contracts_cover_the_steps() {
    fails("steps[0].tool", "not in the contract", |t| {
        t.contract.remove(0);
    });
    fails("contract[2]", "named twice", |t| t.contract.push(t.contract[0].clone()));
    fails("contract[0]", "fingerprint", |t| t.contract[0].fingerprint.clear());
}

#[test]
fn bindings_name_what_is_there_and_in_scope() {
    let bind =
        |operand: Operand| move |t: &mut Template| t.steps[0].arguments[0].1 = one(Binding::Value(operand));
    let observed = |step, path| Operand::Observed { step, path };
    fails("steps[0].arguments.reader.bindings[0]", "slot 9 is not declared", bind(whole(9)));
    fails("steps[0]", "before it is there", bind(observed(0, vec![])));
    fails("steps[0]", "before it is there", bind(observed(1, vec![])));
    fails("steps[1]", "before it is there", |t| {
        t.steps[1].arguments[0].1 = one(Binding::Value(observed(9, vec![])))
    });
    fails("steps[0]", "declared idle", |t| t.slots[0].idle = true);
    fails("steps[0].for_each", "list 4", |t| t.steps[0].for_each = Some(4));
    fails("steps[1]", "slot 1 repeats over list 0", |t| {
        *t = listed();
        t.steps[1].for_each = None;
    });
    fails("steps[1]", "step 0 repeats over list 0", |t| {
        *t = listed();
        t.steps[0].for_each = Some(0);
        t.steps[1].for_each = None;
        let read = observed(0, vec![PathStep::Key("a".into())]);
        t.steps[1].arguments[0].1 = one(Binding::Value(read));
    });
    fails("answer.parts[1]", "repeats over list 0", |t| {
        *t = listed();
        let parts = vec![AnswerPart::Text("done".into()), AnswerPart::Value(whole(1))];
        t.answer = Some(AnswerTemplate { parts });
    });
    let each = Argument::Each { list: 0, element: Box::new(one(Binding::Value(whole(1)))) };
    let mut in_each = listed();
    in_each.steps[1].for_each = None;
    in_each.steps[1].arguments[0].1 = each;
    assert_eq!(template(&sealed(in_each)), Ok(()));
}

#[test]
fn spaces_and_paths_are_bounded() {
    let path = |steps: Vec<PathStep>| {
        move |t: &mut Template| {
            t.steps[1].arguments[0].1 = one(Binding::Value(Operand::Observed { step: 0, path: steps }))
        }
    };
    let predicate = || Predicate { field: vec!["title".into()], equals: whole(1) };
    fails("arguments.reader", "at most 64", |t| {
        let bindings = vec![Binding::Value(whole(0)); 65];
        t.steps[0].arguments[0].1 = Argument::One(Space { bindings, overflow: true });
    });
    fails("arguments.reader", "nothing says", |t| {
        t.steps[0].arguments[0].1 = Argument::One(Space::default())
    });
    fails(
        "arguments.loan",
        "at most 2",
        path(vec![PathStep::Select(vec![predicate(), predicate(), predicate()])]),
    );
    fails("arguments.loan", "no predicate", path(vec![PathStep::Select(vec![])]));
    fails("arguments.loan", "key_of", path(vec![PathStep::KeyOf]));
    fails("arguments.loan", "key_of", path(vec![PathStep::Only, PathStep::KeyOf, PathStep::Only]));
    assert_eq!(after(path(vec![PathStep::Only, PathStep::KeyOf])), Ok(()));
    fails("arguments.loan", "at most", path(vec![PathStep::Only; 40]));
    let mut deep = whole(0);
    for _ in 0..20 {
        deep = Operand::Merge { base: Box::new(deep), changes: Box::new(whole(0)) };
    }
    fails("arguments.reader", "nested", |t| t.steps[0].arguments[0].1 = one(Binding::Value(deep)));
    fails("arguments.reader", "given twice", |t| {
        let again = t.steps[0].arguments[0].clone();
        t.steps[0].arguments.push(again);
    });
}

#[test]
fn expressions_compile_and_see_only_what_they_may() {
    let guard = |cel: &str| Guard { cel: Some(cel.into()), field: vec![], hash: None };
    fails("steps[0].guards[0]", "not a CEL", |t| t.steps[0].guards[0] = guard("obs.a =="));
    fails("steps[0].guards[0]", "`slot_0` is not known", |t| t.steps[0].guards[0] = guard("obs.a == slot_0"));
    fails("steps[0].guards[0]", "expression or a hash", |t| {
        t.steps[0].guards[0] = Guard { cel: None, field: vec![], hash: None };
    });
    assert_eq!(after(|t| t.steps[0].guards[0] = guard("type(obs) == map && type(obs.n) == int")), Ok(()));
    let compute = |cel: &'static str| {
        move |t: &mut Template| t.steps[1].arguments[1].1 = one(Binding::Compute { cel: cel.into() })
    };
    assert_eq!(after(compute("size(step_0.loans) + 1")), Ok(()));
    fails("arguments.weeks", "before it is there", compute("step_1.n"));
    fails("arguments.weeks", "not declared", compute("slot_8 + 1"));
    fails("arguments.weeks", "`obs` is not known", compute("obs.n"));
    fails("arguments.weeks", "line 1", compute("1 +"));
    let constant = |hash: &str, json: &str| {
        let constant = Binding::Constant { hash: hash.into(), json: Some(json.into()), seen: 3 };
        move |t: &mut Template| t.steps[1].arguments[1].1 = one(constant)
    };
    fails("arguments.weeks", "not JSON", constant("x", "{"));
    fails("arguments.weeks", "hash", constant("x", "2"));
    let hash = crate::domain::canonical_hash(&json!(2));
    assert_eq!(after(constant(&hash, "2")), Ok(()));
}

#[test]
fn files_are_read_with_line_column_and_unknown_fields() {
    let text = serde_json::to_string_pretty(&example()).expect("JSON");
    assert_eq!(read_template(&text).expect("valid"), example());
    let whole_record = serde_json::to_string(&record()).expect("JSON");
    assert_eq!(read_record(&whole_record).expect("valid"), record());

    let error = read_template("{\n  \"schema_version\": 1,\n  oops").expect_err("no JSON");
    assert!(error.place.starts_with("line 3, column"), "{error}");
    let error = read_template(&format!("{text} x")).expect_err("trailing");
    assert!(error.what.contains("trailing"), "{error}");
    let error = read_template(&text.replace("\"keywords\"", "\"keyword\"")).expect_err("unknown");
    assert!(error.what.contains("unknown field `keyword`") && error.place.starts_with("line "), "{error}");

    let mut value: Value = serde_json::from_str(&text).expect("JSON");
    value["steps"][0]["guards"][0]["colour"] = json!(1);
    let error = read_template(&value.to_string()).expect_err("unknown below");
    assert_eq!((error.place.as_str(), error.what.as_str()), ("steps.0.guards.0.colour", "unknown field"));
    let mut value: Value = serde_json::from_str(&text).expect("JSON");
    value["slots"][0]["shape"] = json!("banana");
    let error = read_template(&value.to_string()).expect_err("unknown shape");
    assert!(error.what.contains("banana") && error.what.contains("identifier"), "{error}");
}
