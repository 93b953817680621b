//! The program itself, in fresh directories.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "support/fresh.rs"]
mod fresh;

use std::path::{Path, PathBuf};

use fresh::{Fresh, only_id, run_of, said, taught, tools, two_runs};
use serde_json::{Value, json};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

#[test]
fn what_was_learnt_is_listed_shown_found_explained_and_removed() {
    let fresh = taught();
    let id = only_id(&fresh);
    let (_, list, _) = fresh.run(&["plans", "list"]);
    assert!(list.contains(&id) && list.contains("active"), "{list}");
    let (code, shown, _) = fresh.run(&["plans", "show", &id[..id.len() - 2]]);
    assert_eq!(code, 0);
    for words in [
        "1. loans_of",
        "2. extend",
        "2 distinct successes",
        "`loan` of the one of step 1's `loans` whose `title` is [",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    for value in ["R-1001", "Emma", "2026-03-01", "R-2002", "Ulysses", "2026-04-15"] {
        assert!(!shown.contains(value), "{value}: {shown}");
    }
    let (_, record) = fresh.json(&["plans", "show", &id]);
    assert_eq!(record["template"]["id"], json!(id));

    let (code, found, _) = fresh.run(&["plans", "search", "extend", "nowhere"]);
    assert!(code == 0 && found.contains(&id), "{found}");
    let (code, found, _) = fresh.run(&["plans", "search", "nowhere"]);
    assert_eq!((code, found.as_str()), (1, "No plan has any of these words.\n"));

    let (code, hit, _) = fresh.run(&["plans", "explain", &said("R-7", "Dracula", "2026-09-09")]);
    assert_eq!(code, 0);
    for words in ["Decision: hit", &id, "\"R-7\", bytes 7 to 10 of the text, by the binder", "<quoted>"] {
        assert!(hit.contains(words), "{words}: {hit}");
    }
    let (_, miss, _) =
        fresh.run(&["plans", "explain", &(said("R-7", "Dracula", "2026-09-09") + " And feed the cat.")]);
    for words in ["Decision: miss, not covered", "And feed the cat.", "Candidates"] {
        assert!(miss.contains(words), "{words}: {miss}");
    }
    let (_, miss, _) = fresh.run(&["plans", "explain", "Reader R-7 asks to keep the film until May."]);
    assert!(miss.contains(&format!("nearest: {id}")), "{miss}");
    let tools = fresh.write("tools.json", &json!([tools()[0]]).to_string());
    let with =
        ["plans", "explain", &said("R-7", "Dracula", "2026-09-09"), "--tools", tools.to_str().unwrap()];
    let (_, other) = fresh.json(&with);
    assert_eq!(other["decision"]["result"], json!("miss"), "the contract does not hold: {other}");

    let (code, none, _) = Fresh::new().run(&["plans", "explain", "Extend the loan."]);
    assert!(code == 0 && none.contains("There are no plans in"), "{none}");

    let (code, _, err) = fresh.run(&["plans", "rm", &id, "nothing-like-it"]);
    assert_eq!(code, 2);
    assert!(err.contains("there is no plan `nothing-like-it`"), "{err}");
    assert_eq!(fresh.run(&["plans", "rm", &id]), (0, format!("removed {id}\n"), String::new()));
    assert_eq!(fresh.run(&["plans", "show", &id]).0, 2);
}

#[test]
fn malformed_lines_are_named_and_the_rest_goes_on() {
    let fresh = Fresh::new();
    let failed = run_of("R-1", "A", "2026-01-01", "failure").to_string();
    let silent = run_of("R-2", "B", "2026-01-01", "who knows").to_string();
    let text = format!("{{\"messages\": [}}\n{}\n\n{{\"messages\": []}}\n{failed}\n{silent}\n", two_runs());
    fresh.write("runs.jsonl", &text);
    let (code, report) = fresh.json(&["runs", "import", "runs.jsonl"]);
    assert_eq!(code, 1);
    let malformed = report["malformed"].as_array().unwrap();
    let place = |n: usize| (malformed[n]["line"].as_u64().unwrap(), malformed[n]["column"].as_u64().unwrap());
    assert_eq!((malformed.len(), place(0), place(1)), (2, (1, 15), (5, 1)));
    assert_eq!(malformed[0]["file"], json!("runs.jsonl"));
    assert!(malformed[0]["remedy"].as_str().unwrap().contains("take it out"));
    assert_eq!((&report["runs"], &report["learnt_from"]), (&json!(4), &json!(2)));
    assert_eq!((&report["left_out"]["failures"], &report["unknown_outcomes"]), (&json!(1), &json!(1)));
    only_id(&fresh);
}

#[test]
fn without_a_word_on_the_outcome_nothing_is_learnt() {
    let fresh = Fresh::new();
    fresh.write("runs.jsonl", &two_runs().replace("\"outcome\"", "\"ended\""));
    let (code, out, _) = fresh.run(&["runs", "import", "runs.jsonl"]);
    assert_eq!(code, 0);
    assert!(out.contains("--outcome success") && out.contains("0 new plans"), "{out}");
    let (_, named) = fresh.json(&["runs", "import", "runs.jsonl", "--outcome", "ended", "--dry-run"]);
    assert_eq!((&named["learnt_from"], &named["new_plans"]), (&json!(2), &json!(1)));
    assert_eq!(fresh.json(&["plans", "list"]).1, json!([]), "a dry run changes nothing");
    let (_, assumed) = fresh.json(&["runs", "import", "runs.jsonl", "--outcome", "success"]);
    assert_eq!(assumed["learnt_from"], json!(2));
    let (_, again) = fresh.json(&["runs", "import", "runs.jsonl", "--outcome", "success", "--dry-run"]);
    assert_eq!((&again["new_plans"], &again["merged_plans"]), (&json!(0), &json!(2)));
    let (code, failed) = fresh.json(&["runs", "import", "runs.jsonl", "--outcome", "failure"]);
    assert_eq!((code, &failed["learnt_from"], &failed["left_out"]["failures"]), (0, &json!(0), &json!(2)));
}

#[test]
fn plans_survive_export_and_import() {
    let fresh = taught();
    let id = only_id(&fresh);
    let (code, written, _) = fresh.run(&["plans", "export", &id, "--dir", "out"]);
    assert_eq!((code, written.trim()), (0, format!("out/{id}.json").as_str()));
    let file = format!("out/{id}.json");
    let (code, refused, _) = fresh.run(&["plans", "import", &file]);
    assert!(code == 1 && refused.contains("--replace"), "{refused}");

    let other = Fresh::new();
    let text = std::fs::read_to_string(fresh.path(&file)).unwrap();
    other.write("plan.json", &text);
    assert_eq!(other.run(&["plans", "import", "plan.json"]).0, 0);
    let task = said("R-7", "Dracula", "2026-09-09");
    let (_, waiting) = other.json(&["plans", "explain", &task]);
    assert_eq!(waiting["decision"]["result"], json!("miss"), "it waits for evidence");
    assert_eq!(other.run(&["plans", "import", "plan.json", "--activate", "--replace"]).0, 0);
    let (_, served) = other.json(&["plans", "explain", &task]);
    assert_eq!(served["decision"]["result"], json!("hit"), "{served}");
    assert_eq!(other.run(&["plans", "export", &id]).1, fresh.run(&["plans", "export", &id]).1);

    let (_, records) = fresh.json(&["plans", "export", "--records"]);
    other.write("backup.json", &records.to_string());
    assert_eq!(other.run(&["plans", "import", "backup.json", "--replace"]).0, 0);
    assert_eq!(other.json(&["plans", "list"]).1, fresh.json(&["plans", "list"]).1);
}

#[test]
fn a_bad_plan_file_is_rejected_with_place_and_remedy() {
    let text = std::fs::read_to_string(fixture("extend-loan.json")).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    let with = |edit: &dyn Fn(&mut Value)| {
        let mut value = value.clone();
        edit(&mut value);
        serde_json::to_string_pretty(&value).unwrap()
    };
    for (bad, words) in [
        (text[..text.len() / 2].to_owned(), vec!["line ", "column "]),
        (with(&|v| v["colour"] = json!(1)), vec!["unknown field `colour`", "FORMAT.md"]),
        (with(&|v| v["steps"][0]["colour"] = json!(1)), vec!["steps.0.colour", "unknown field"]),
        (
            with(&|v| v["steps"][0]["guards"] = json!([{"cel": "obs.x =="}])),
            vec!["steps[0].guards[0]", "CEL", "line 1"],
        ),
        (with(&|v| v["name"] = json!("other")), vec![]),
        (with(&|v| v["steps"][0]["tool"] = json!("wipe")), vec!["steps[0].tool", "contract"]),
        (with(&|v| v["contract"][0]["fingerprint"] = json!("0")), vec!["version", "--rehash"]),
        (with(&|v| v["schema_version"] = json!(7)), vec!["schema_version", "export"]),
    ] {
        let fresh = Fresh::new();
        fresh.write("plan.json", &bad);
        let (code, out, _) = fresh.run(&["plans", "import", "plan.json"]);
        assert_eq!(code, i32::from(!words.is_empty()), "{out}");
        for word in words {
            assert!(out.contains(word) && out.contains("plan.json"), "{word}: {out}");
        }
    }
    let fresh = Fresh::new();
    fresh.write("plan.json", &with(&|v| v["contract"][0]["fingerprint"] = json!("0")));
    assert_eq!(fresh.run(&["plans", "import", "plan.json", "--rehash"]).0, 0);
}

/// A plan file of an earlier day reads and prints as it did.
#[test]
fn a_plan_prints_so_that_a_person_can_read_it() {
    let fresh = Fresh::new();
    let file = fixture("extend-loan.json");
    assert_eq!(fresh.run(&["plans", "import", file.to_str().unwrap(), "--activate"]).0, 0);
    let (_, shown, _) = fresh.run(&["plans", "show", "extend-loan", "--all"]);
    insta::assert_snapshot!("show", shown);
    let (_, list, _) = fresh.run(&["plans", "list"]);
    insta::assert_snapshot!("list", list);
    let task = "Reader R-7 wants Dracula, Emma and Persuasion extended because of travel.";
    let (_, explained, _) = fresh.run(&["plans", "explain", task]);
    insta::assert_snapshot!("explain", explained);
}

#[test]
fn the_doctor_says_what_to_do() {
    let fresh = taught();
    let (code, out, _) = fresh.run(&["doctor"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("tools without a class, which count as writes: extend, loans_of"), "{out}");
    fresh.write("plancache.toml", "[policy.effects]\nextend = 'write'\nloans_of = 'read'\n");
    let (_, checks) = fresh.json(&["doctor"]);
    let effects = checks.as_array().unwrap().iter().find(|c| c["what"] == "effects").unwrap();
    assert_eq!(effects["state"], json!("good"));
    fresh.write("plancache.toml", "[policy]\nmin_evidence = 1\n");
    let (code, out, _) = fresh.run(&["doctor"]);
    assert!(code == 1 && out.contains("did you mean `policy.min_evidence_"), "{out}");
    let (code, _, err) = fresh.run(&["plans", "list"]);
    assert!(code == 2 && err.contains("plancache.toml, line 2"), "{err}");

    let empty = Fresh::new();
    let (code, out, _) = empty.run(&["doctor"]);
    assert!(code == 0 && out.contains("does not exist yet"), "{out}");
    assert!(!empty.path("store").exists(), "looking makes no store");
    empty.write("store", "not a folder");
    let (code, out, _) = empty.run(&["doctor"]);
    assert!(code == 1 && out.contains("BAD"), "{out}");
}

#[test]
fn usage_errors_causes_and_namespaces() {
    let fresh = taught();
    assert_eq!(fresh.run(&["plans", "lst"]).0, 2);
    assert_eq!(fresh.run(&[]).0, 2);
    let (code, _, err) = fresh.run(&["runs", "import", "none.jsonl"]);
    assert!(code == 2 && err.contains("none.jsonl cannot be read") && err.contains("\n  because: "), "{err}");
    let (code, _, err) = fresh.run(&["plans", "list", "--config", "none.toml"]);
    assert!(code == 2 && err.contains("none.toml"), "{err}");
    let (code, _, err) = fresh.run(&["demo", "--limit", "1"]);
    let built_beside = code != 2;
    assert!(built_beside || err.contains("make demo"), "{err}");
    assert_eq!(fresh.json(&["plans", "list", "--namespace", "other"]).1, json!([]));
    let bad = fresh.write("tools.json", "[{\"name\": \"x\", \"parameters\": {\"type\": \"objekt\"}}]");
    let (code, _, err) = fresh.run(&["runs", "import", "runs.jsonl", "--tools", bad.to_str().unwrap()]);
    assert!(
        code == 2 && err.contains("tools.json") && err.contains("`x`") && err.contains("JSON Schema"),
        "{err}"
    );
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_is_no_error() {
    use std::process::{Command, Stdio};
    let fresh = taught();
    let program = assert_cmd::cargo::cargo_bin("plancache");
    let mut child = Command::new(program)
        .args(["plans", "schema"])
        .env("PLANCACHE_STORE", fresh.path("store"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr.len()), (Some(0), 0));
}
