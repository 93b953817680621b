//! What recordings would teach, drawings of plans, and what a further run changed: the program itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "support/formats.rs"]
mod formats;
#[path = "support/fresh.rs"]
mod fresh;

use fresh::{Fresh, only_id, run_of, said, taught, tools};
use serde_json::{Value, json};

/// Runs of other readers, each with its number.
fn readers(numbers: std::ops::Range<usize>) -> Vec<Value> {
    let titles = ["Emma", "Ulysses", "Persuasion", "Dracula", "Middlemarch", "Walden"];
    let run = |n: usize| {
        let (reader, title) = (format!("R-{n}{n}"), titles[n % titles.len()]);
        run_of(&reader, title, &format!("2026-0{}-1{}", n % 8 + 1, n % 9), "success")
    };
    numbers.map(run).collect()
}

fn lines(runs: &[Value]) -> String {
    runs.iter().map(|run| format!("{run}\n")).collect()
}

#[test]
fn mining_says_what_would_have_been_served_and_what_wrongly() {
    let fresh = Fresh::new();
    let mut runs = readers(1..9);
    // Its reader is lent something else than what was asked for.
    runs[6]["messages"][3]["tool_calls"][0]["arguments"]["loan"] = json!("R-77-A");
    runs[7]["outcome"] = json!("failure");
    let mut late = run_of("R-9", "Emma", "2026-01-01", "success");
    let more = run_of("R-8", "Emma", "2026-01-01", "success");
    late["messages"].as_array_mut().unwrap().extend(more["messages"].as_array().unwrap().iter().cloned());
    runs.push(late);
    fresh.write("runs.jsonl", &(lines(&runs) + "{\n"));
    fresh.write("plancache.toml", "[policy.effects]\nloans_of = 'read'\n");
    let (code, mined) = fresh.json(&["plans", "mine", "runs.jsonl", "--report", "report.html"]);
    assert_eq!(code, 1, "a line is malformed");
    let count = |name: &str| mined[name].as_u64().unwrap();
    assert_eq!((count("runs"), count("decided"), count("malformed_records")), (10, 8, 1), "{mined}");
    assert_eq!((count("would_have_missed"), count("would_have_hit")), (2, 5), "{mined}");
    assert_eq!((count("would_have_been_wrong"), &mined["wrong"][0]["line"]), (1, &json!(7)));
    assert_eq!(mined["wrong"][0]["served"]["arguments"]["loan"], json!("R-77-B"));
    assert_eq!(mined["wrong"][0]["recorded"]["arguments"]["loan"], json!("R-77-A"));
    let left_out =
        json!({"without_calls": 0, "later_turns": 1, "unfinished": 0, "failures": 1, "needless": 0});
    assert_eq!((&mined["left_out"], count("intents")), (&left_out, 1));
    // Three planning calls a run; the last is the answer's, which is always the same.
    assert_eq!(mined["planning_calls"], json!({"recorded": 24, "saved": 15}));
    assert_eq!(mined["tokens"], Value::Null, "nobody says what was spent");
    assert_eq!(mined["tools_without_a_class"], json!(["extend"]));
    assert!(!fresh.path("store").exists(), "nothing is learnt for good");

    let (_, said, _) = fresh.run(&["plans", "mine", "runs.jsonl", "--report", "report.md"]);
    for words in
        ["5 of 8 runs (62.5%) would have been served", "1 would have been served wrongly", "Wrong plans"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    let read = |name: &str| std::fs::read_to_string(fresh.path(name)).unwrap();
    assert!(
        read("report.md").contains("| runs.jsonl, line 7 | extend {\"loan\":\"R-77-B\""),
        "{}",
        read("report.md")
    );
    let page = read("report.html");
    assert!(page.contains("<svg") && page.contains("62.5%") && !page.contains("http"), "{page}");
    let (code, _, err) = fresh.run(&["plans", "mine", "runs.jsonl", "--report", "report.pdf"]);
    assert!(code == 2 && err.contains(".html or .md"), "{err}");
}

#[test]
fn tokens_are_those_of_the_planning_calls_that_were_saved() {
    let fresh = Fresh::new();
    let spans: Vec<String> = readers(1..6)
        .iter()
        .enumerate()
        .map(|(n, run)| formats::spans(run["messages"].as_array().unwrap(), &tools(), &format!("t{n}"), true))
        .collect();
    fresh.write("spans.jsonl", &spans.concat());
    let (code, mined) = fresh.json(&["plans", "mine", "spans.jsonl"]);
    assert_eq!((code, &mined["would_have_hit"]), (0, &json!(3)), "{mined}");
    let expected = json!({"recorded": {"input": 750, "output": 75}, "saved": {"input": 450, "output": 45}});
    assert_eq!(mined["tokens"], expected);
    let (_, imported) = fresh.json(&["runs", "import", "spans.jsonl"]);
    assert_eq!((&imported["learnt_from"], &imported["new_plans"]), (&json!(5), &json!(1)), "{imported}");
}

#[test]
fn runs_that_name_no_tools_are_mined_but_not_learnt() {
    let fresh = Fresh::new();
    let mut runs = readers(1..5);
    runs.iter_mut().for_each(|run| {
        run.as_object_mut().unwrap().remove("tools");
    });
    fresh.write("runs.jsonl", &lines(&runs));
    let (_, mined) = fresh.json(&["plans", "mine", "runs.jsonl"]);
    assert_eq!((&mined["would_have_hit"], &mined["assumed_tools"]), (&json!(2), &json!(true)), "{mined}");
    let (_, said, _) = fresh.run(&["runs", "import", "runs.jsonl"]);
    assert!(
        said.contains("4 runs do not say which tools there were") && said.contains("--tools FILE"),
        "{said}"
    );
}

#[test]
fn turns_that_follow_others_are_learnt_only_where_the_settings_say_so() {
    let fresh = Fresh::new();
    let mut all = readers(1..4);
    let mut conversation = all.remove(0);
    for run in all {
        let more = run["messages"].as_array().unwrap().clone();
        conversation["messages"].as_array_mut().unwrap().extend(more);
    }
    fresh.write("runs.jsonl", &lines(&[conversation]));
    let (_, some) = fresh.json(&["runs", "import", "runs.jsonl", "--dry-run"]);
    assert_eq!((&some["learnt_from"], &some["left_out"]["later_turns"]), (&json!(1), &json!(2)));
    fresh.write("plancache.toml", "[proxy]\nearlier_turns = 'ignore'\n");
    let (_, all) = fresh.json(&["runs", "import", "runs.jsonl"]);
    assert_eq!(
        (&all["learnt_from"], &all["new_plans"], &all["merged_plans"]),
        (&json!(3), &json!(1), &json!(2))
    );
}

#[cfg(feature = "proxy")]
#[test]
fn agents_with_other_instructions_are_apart_where_the_proxy_keeps_them_apart() {
    let fresh = Fresh::new();
    let mut runs = readers(1..3);
    for (n, run) in runs.iter_mut().enumerate() {
        let system = json!({"role": "system", "content": format!("You are helper {n}.")});
        run["messages"].as_array_mut().unwrap().insert(0, system);
    }
    fresh.write("runs.jsonl", &lines(&runs));
    let (_, apart) = fresh.json(&["runs", "import", "runs.jsonl", "--for-proxy", "--dry-run"]);
    assert_eq!(apart["new_plans"], json!(2));
    let (_, together) = fresh.json(&["runs", "import", "runs.jsonl"]);
    assert_eq!((&together["new_plans"], &together["merged_plans"]), (&json!(1), &json!(1)));
}

#[test]
fn a_plan_is_drawn() {
    let fresh = taught();
    let id = only_id(&fresh);
    let (code, dot, _) = fresh.run(&["plans", "show", &id, "--dot"]);
    assert_eq!(code, 0);
    for words in [
        "digraph plan {",
        "1. loans_of",
        "step_0:out -> step_1:a0;",
        "[style=dashed];",
        "slot_0 -> step_0:a0;",
    ] {
        assert!(dot.contains(words), "{words}: {dot}");
    }
    let (code, svg, _) = fresh.run(&["plans", "show", &id, "--svg"]);
    assert_eq!(code, 0);
    for words in [
        "<svg xmlns",
        "2. extend",
        "prefers-color-scheme: dark",
        "class=\"flow c0\"",
        "flow chooses text",
        "</svg>",
    ] {
        assert!(svg.contains(words), "{words}: {svg}");
    }
    assert_eq!(svg.matches("<path").count(), svg.matches("</path>").count());
    assert_eq!(fresh.run(&["plans", "show", &id, "--svg", "--dot"]).0, 2);
}

#[test]
fn what_a_further_run_changed_is_shown() {
    let fresh = Fresh::new();
    let mut runs = readers(1..3);
    fresh.write("one.jsonl", &lines(&runs[..1]));
    // The other reader's loans come in another order: that the second is meant was chance.
    let told = &mut runs[1]["messages"][2]["content"];
    let mut loans: Value = serde_json::from_str(told.as_str().unwrap()).unwrap();
    loans["loans"].as_array_mut().unwrap().reverse();
    *told = json!(loans.to_string());
    fresh.write("other.jsonl", &lines(&runs.split_off(1)));
    assert_eq!(fresh.run(&["runs", "import", "one.jsonl"]).0, 0);
    let id = only_id(&fresh);
    let (code, none, _) = fresh.run(&["plans", "diff", &id]);
    assert!(code == 0 && none.contains("No run has changed"), "{none}");
    assert_eq!(fresh.run(&["plans", "export", &id, "--dir", "before"]).0, 0);
    let (_, before) = fresh.json(&["plans", "show", &id]);
    assert_eq!(fresh.run(&["runs", "import", "other.jsonl"]).0, 0);

    let (code, changed, _) = fresh.run(&["plans", "diff", &id]);
    assert_eq!(code, 0);
    for words in [
        "with the run that made it 2 distinct successes",
        "step 2, extend: loan had ",
        "  - `loan` of the 2nd of step 1's `loans`",
    ] {
        assert!(changed.contains(words), "{words}: {changed}");
    }
    assert!(!changed.contains("R-11") && !changed.contains("R-22"), "no value of a task: {changed}");
    let (_, revisions) = fresh.json(&["plans", "diff", &id]);
    assert_eq!((revisions.as_array().unwrap().len(), &revisions[0]["successes"]), (1, &json!(2)));
    let version = before["template"]["version"].as_str().unwrap();
    assert_eq!(revisions[0]["from"], json!(version));
    assert_eq!(fresh.json(&["plans", "diff", &id, "--from", &version[..6]]).1, revisions);
    let (code, _, err) = fresh.run(&["plans", "diff", &id, "--from", "nothing"]);
    assert!(code == 2 && err.contains(version), "{err}");

    let file = format!("before/{id}.json");
    let (code, two, _) = fresh.run(&["plans", "diff", &file, &id]);
    assert!(code == 0 && two.contains("  - `loan` of the 2nd of step 1's `loans`"), "{two}");
    let (_, same, _) = fresh.run(&["plans", "diff", &id, &id]);
    assert!(same.contains("say the same"), "{same}");
    let task = said("R-7", "Dracula", "2026-09-09");
    assert_eq!(fresh.json(&["plans", "explain", &task]).1["decision"]["result"], json!("hit"));
}
