//! The local filler on a real model. Needs the default model (`plancache models pull`), which is
//! looked for in `PLANCACHE_MODEL_DIR` and in the default directory. `PLANCACHE_SKIP_MODEL=1`
//! skips these tests, and says so.
#![cfg(feature = "local-model")]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "support/model_file.rs"]
mod model_file;

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use model_file::model_file;
use plancache::fill::{Choice, FillAnswer, FillError, FillQuestion, Filler};
use plancache::models::{LocalModel, LocalSettings};
use serde_json::{Value, json};

/// One model for all tests that only ask it; its queue holds them all.
fn model() -> Option<&'static LocalModel> {
    static MODEL: LazyLock<Option<LocalModel>> = LazyLock::new(|| {
        let file = model_file()?;
        Some(LocalModel::open(&file, LocalSettings { queue: 64, ..LocalSettings::default() }).unwrap())
    });
    MODEL.as_ref()
}

const PREFIX: &str = "You fill one value from a customer's message, in the words of the message. Answer with a JSON object.\nValue: ";

fn question(wanted: &str, task: &str, choice: Choice) -> FillQuestion {
    FillQuestion {
        prefix_key: wanted.to_owned(),
        prefix: format!("{PREFIX}{wanted}"),
        task: task.to_owned(),
        choice,
        deadline: Duration::from_secs(300),
    }
}

fn among(candidates: &[&str]) -> Choice {
    Choice::Candidates(candidates.iter().map(|c| (*c).to_owned()).collect())
}

/// Which candidate is chosen. A small model is surest of a value inside the object it fills.
async fn choose(model: &LocalModel, wanted: &str, task: &str, candidates: &[&str]) -> (String, f32) {
    let objects: Vec<String> =
        candidates.iter().map(|candidate| format!("{{\"{wanted}\": \"{candidate}\"}}")).collect();
    let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
    match model.fill(question(wanted, task, among(&objects))).await.unwrap() {
        FillAnswer::Chosen { index, margin } => (candidates[index].to_owned(), margin),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_obvious_candidate_is_chosen_whatever_its_place() {
    let Some(model) = model() else { return };
    let cases = [
        (
            "the city",
            "My name is Ana Duarte and I live at 12 Oak Street in Boston.",
            ["Ana Duarte", "12 Oak Street", "Boston"],
            2,
        ),
        (
            "the customer's name",
            "My name is Ana Duarte and I live at 12 Oak Street in Boston.",
            ["Boston", "Ana Duarte", "12 Oak Street"],
            1,
        ),
        ("the colour", "Please send the large kettle in green, not the lamp.", ["green", "large", "lamp"], 0),
        (
            "the e-mail address",
            "Write to kim@example.org about the invoice 8841 of May.",
            ["8841", "May", "kim@example.org"],
            2,
        ),
    ];
    for (wanted, task, candidates, right) in cases {
        for turn in 0..candidates.len() {
            let mut turned = candidates;
            turned.rotate_left(turn);
            let (chosen, margin) = choose(model, wanted, task, &turned).await;
            assert_eq!(chosen, candidates[right], "{wanted}: margin {margin}");
            assert!(margin > 0.0);
        }
    }
}

#[tokio::test]
async fn a_candidate_is_scored_as_the_whole_answer() {
    let Some(model) = model() else { return };
    let task = "Ship it to New York City, please.";
    // The shorter is a beginning of the longer; only the end of the answer tells them apart.
    assert_eq!(
        choose(model, "the full name of the city", task, &["New York", "New York City"]).await.0,
        "New York City"
    );
}

#[tokio::test]
async fn more_candidates_than_one_batch_holds_are_scored_alike() {
    let Some(model) = model() else { return };
    let task = "Please bring me the violin.";
    let few = ["violin", "piano"];
    let (chosen, margin) = choose(model, "the instrument", task, &few).await;
    let unlikely: Vec<String> = (0..90).map(|i| format!("zq{i} vx{i} kk")).collect();
    let mut many = vec!["piano"];
    many.extend(unlikely.iter().map(String::as_str));
    many.push("violin");
    let (among_many, margin_of_many) = choose(model, "the instrument", task, &many).await;
    assert_eq!((chosen.as_str(), among_many.as_str()), ("violin", "violin"));
    // The same two are first and second; which others share their batch changes only rounding.
    assert!((margin - margin_of_many).abs() < 0.05, "{margin} {margin_of_many}");
}

#[tokio::test]
async fn written_values_follow_their_schema() {
    let Some(model) = model() else { return };
    let task = "I am Ana Duarte. In order #W1234567, swap the green kettle and the lamp; deliver on 3 May.";
    let schemas = [
        json!({ "type": "string", "pattern": "^#W\\d{7}$" }),
        json!({ "type": "array", "items": { "type": "string" }, "minItems": 2, "maxItems": 2 }),
        json!({ "enum": ["swap", "cancel", "return"] }),
        json!({ "type": "integer", "minimum": 1, "maximum": 31 }),
        json!({
            "type": "object",
            "properties": { "order": { "$ref": "#/$defs/order" }, "items": { "type": "array", "items": { "$ref": "#/$defs/item" }, "minItems": 1, "maxItems": 3 } },
            "required": ["order", "items"],
            "additionalProperties": false,
            "$defs": { "order": { "type": "string", "pattern": "^#W\\d{7}$" }, "item": { "enum": ["kettle", "lamp", "desk"] } }
        }),
        json!({ "const": { "fixed": [1, true, null, "ü"] } }),
    ];
    let mut written = Vec::new();
    for schema in schemas {
        let choice = Choice::Schema { schema: schema.clone(), max_tokens: 96 };
        let answer = model.fill(question("what the schema asks for, as JSON", task, choice)).await.unwrap();
        let FillAnswer::Written(value) = answer else { panic!("{answer:?}") };
        let valid = jsonschema::validate(&schema, &value);
        assert!(valid.is_ok(), "{value} of {schema}: {valid:?}");
        written.push(value);
    }
    assert_eq!(written[0], "#W1234567");
    assert_eq!(written[2], "swap");
    assert_eq!(written[4]["order"], "#W1234567");
    assert_eq!(written[5], json!({ "fixed": [1, true, null, "ü"] }));
}

#[tokio::test]
async fn a_value_that_does_not_end_or_a_schema_that_is_none_is_a_failure() {
    let Some(model) = model() else { return };
    let long = json!({ "type": "string", "minLength": 500 });
    let failure = |schema: Value, max_tokens| async move {
        let choice = Choice::Schema { schema, max_tokens };
        model.fill(question("a poem", "Write a poem.", choice)).await.unwrap_err().to_string()
    };
    assert!(failure(long, 6).await.contains("did not end within 6 tokens"));
    let error = failure(json!({ "type": "strin" }), 6).await;
    assert!(error.contains("schema cannot be used"), "{error}");
}

/// The same question, with the prefix read, kept in place, restored from its state, and read
/// again in a fresh model: the same choice and the same scores, to the last bit.
#[tokio::test]
async fn a_restored_prefix_is_as_good_as_a_recomputed_one() {
    let Some(file) = model_file() else { return };
    let settings = LocalSettings::default();
    let model = LocalModel::open(&file, settings).unwrap();
    let long = "the city. ".to_owned() + &"Names of streets and of people are never asked for. ".repeat(40);
    let ask = |wanted: &str| {
        question(
            wanted,
            "I live at 12 Oak Street in Boston, near Salem.",
            among(&["12 Oak Street", "Boston", "Salem"]),
        )
    };
    let read = model.fill(ask(&long)).await.unwrap();
    let in_place = model.fill(ask(&long)).await.unwrap();
    // Another prefix drives the first one out of the context, but not out of the kept states.
    let other = model.fill(ask("the street")).await.unwrap();
    let restored = model.fill(ask(&long)).await.unwrap();
    let nothing_kept = LocalModel::open(&file, LocalSettings { state_bytes: 0, ..settings }).unwrap();
    nothing_kept.fill(ask("the street")).await.unwrap();
    let recomputed = nothing_kept.fill(ask(&long)).await.unwrap();
    assert_ne!(other, read);
    assert_eq!(in_place, read);
    assert_eq!(restored, read);
    assert_eq!(recomputed, read);
}

#[tokio::test]
async fn a_key_whose_prefix_has_changed_is_not_answered_from_the_old_one() {
    let Some(model) = model() else { return };
    let ask = |prefix: &str| FillQuestion {
        prefix_key: "one key".to_owned(),
        prefix: prefix.to_owned(),
        ..question("", "Which is it?", among(&["yes", "no"]))
    };
    let fresh = |prefix: &str| FillQuestion { prefix_key: prefix.to_owned(), ..ask(prefix) };
    let prefixes = ["Always say yes.", "Always say no."];
    for prefix in prefixes {
        let same_key = model.fill(ask(prefix)).await.unwrap();
        let own_key = model.fill(fresh(prefix)).await.unwrap();
        assert_eq!(same_key, own_key);
    }
    assert_ne!(model.fill(ask(prefixes[0])).await.unwrap(), model.fill(ask(prefixes[1])).await.unwrap());
}

#[tokio::test]
async fn deadlines_a_full_queue_and_a_question_too_long_are_said() {
    let Some(file) = model_file() else { return };
    let settings = LocalSettings { queue: 1, context: 1024, ..LocalSettings::default() };
    let model = LocalModel::open(&file, settings).unwrap();
    let ask = |deadline| FillQuestion {
        deadline,
        ..question(&"the city ".repeat(200), "I live in Boston.", among(&["Boston", "Salem"]))
    };
    let short = Duration::from_millis(50);
    let late = model.fill(ask(short)).await;
    assert!(matches!(late, Err(FillError::Deadline(d)) if d == short), "{late:?}");
    // One question is being answered, one waits, the others find no room.
    let minute = Duration::from_secs(120);
    let answers = tokio::join!(
        model.fill(ask(minute)),
        model.fill(ask(minute)),
        model.fill(ask(minute)),
        model.fill(ask(minute)),
    );
    let busy = [&answers.0, &answers.1, &answers.2, &answers.3]
        .iter()
        .filter(|answer| matches!(answer, Err(FillError::Busy { .. })))
        .count();
    assert!((1..=3).contains(&busy), "{answers:?}");
    let too_long = question("the city", &"Boston ".repeat(1500), among(&["Boston", "Salem"]));
    let error = model.fill(too_long).await.unwrap_err().to_string();
    assert!(error.contains("the model's context has 1024"), "{error}");
}

#[test]
fn a_truncated_model_is_refused_with_its_name_and_the_remedy() {
    let Some(file) = model_file() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut head = Vec::new();
    std::io::Read::read_to_end(
        &mut std::io::Read::take(std::fs::File::open(&file).unwrap(), 40_000_000),
        &mut head,
    )
    .unwrap();
    let listed = file.file_name().unwrap().to_str().unwrap();
    // Cut within the weights and within the header, under the model's own name and under another.
    for (name, bytes, why) in [
        (listed, 40_000_000, "is cut off: it has 40000000 bytes"),
        (listed, 100, "is cut off: it has 100 bytes"),
        ("mine.gguf", 40_000_000, "llama.cpp refuses the file"),
        ("mine.gguf", 1_000_000, "its header cannot be read"),
    ] {
        let cut = dir.path().join(name);
        std::fs::write(&cut, &head[..bytes]).unwrap();
        let error = refusal(&cut);
        assert!(error.contains(why), "{error}");
        assert!(error.contains(cut.to_str().unwrap()), "{error}");
        assert!(error.contains("plancache models"), "{error}");
    }
}

fn refusal(path: &Path) -> String {
    LocalModel::open(path, LocalSettings::default()).unwrap_err().to_string()
}

#[tokio::test]
async fn what_is_meant_by_other_words_is_chosen_by_what_would_be_said() {
    let Some(model) = model() else { return };
    let values = ["too heavy".to_owned(), "arrived broken".to_owned()];
    for (said, meant) in [
        ("Because I cannot lift it.", 0),
        ("Because two people are needed to carry it.", 0),
        ("Because it came in pieces.", 1),
        ("Because the glass has a crack.", 1),
    ] {
        let choice =
            Choice::Meant { argument: "reason".to_owned(), values: values.to_vec(), said: said.to_owned() };
        let FillAnswer::Chosen { index, margin } =
            model.fill(question("reason", said, choice)).await.unwrap()
        else {
            panic!("{said}")
        };
        assert_eq!(index, meant, "{said} {margin}");
        assert!(margin > 0.0);
    }
}
