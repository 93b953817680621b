//! A small folder of results as a page, as Markdown, compared and ranked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};

use plancache_eval::bench::Definition;
use plancache_eval::report::{Results, ResultsError, compare, markdown, page, rank};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report/results")
}

/// The two benchmarks of the folder, one of them a control.
fn definition(name: &str) -> Option<Definition> {
    let (repeats, runs_are) = match name {
        "shop" => ("intents", "constructed"),
        "riddles" => ("control", "recorded"),
        _ => return None,
    };
    let text = format!(
        "name = '{name}'\nagent = 'a'\nabout = 'About {name}'\norigin = 'made up'\nrepeats = '{repeats}'\n\
         runs_are = '{runs_are}'\nsuccess = 'the judge says so'\ncaveats = ['It is made up.']\n\
         [files]\ndata = 'd'\ntasks = 't'\n"
    );
    Some(toml::from_str(&text).unwrap())
}

fn results() -> Results {
    Results::read(&folder(), &definition).unwrap()
}

#[test]
fn a_folder_is_read_with_all_below_it_the_headline_first() {
    let results = results();
    let names: Vec<&str> = results.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["shop", "riddles", "live/shop"]);
    assert_eq!(results.left_out, ["matching"]);
    assert_eq!(results.files[0].wrong().count(), 98);
    assert_eq!(results.files[2].live(), Some("some-model"));
    let one = Results::read(&folder().join("shop.json"), &definition).unwrap();
    assert_eq!((one.files.len(), one.files[0].name.as_str()), (1, "shop"));
}

#[test]
fn what_is_no_result_is_an_error_that_says_where() {
    let empty = tempfile::tempdir().unwrap();
    let error = Results::read(empty.path(), &definition).unwrap_err();
    assert!(matches!(error, ResultsError::Empty(_)) && error.to_string().contains("run --benchmark"));
    std::fs::write(empty.path().join("x.json"), r#"{"benchmark": "x", "systems": 3}"#).unwrap();
    let error = Results::read(empty.path(), &definition).unwrap_err().to_string();
    assert!(error.contains("x.json") && error.contains("run the benchmark again"), "{error}");
}

#[test]
fn the_page_holds_every_wrong_plan() {
    let results = results();
    let html = page(&results);
    let escaped = |text: &str| {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
    };
    for file in &results.files {
        for plan in file.wrong() {
            let row = html.split("<tr").find(|row| row.contains(&format!(">{}</th>", plan.record.task)));
            let row = row.unwrap_or_else(|| panic!("{} is not listed", plan.record.task));
            assert!(row.contains(&escaped(plan.record.why.as_deref().unwrap())), "{row}");
            if let Some(call) = &plan.record.wrong_call {
                assert!(row.contains(&call.tool), "{row}");
            }
        }
    }
    let rows = html.matches("</th><td>1</td>").count() + html.matches("</th><td>2</td>").count();
    assert_eq!(rows, results.files.iter().map(|file| file.wrong().count()).sum::<usize>());
    assert!(html.contains("There are records of 0 of them"), "the live run has no records");
}

#[test]
fn the_page_asks_for_nothing_else() {
    let html = page(&results());
    let tags = html.split('<').skip(1).map(|tag| tag.split('>').next().unwrap());
    for tag in tags.filter(|tag| !tag.starts_with('/')) {
        let name = tag.split(' ').next().unwrap();
        assert!(
            !["script", "link", "img", "iframe", "object", "embed", "image", "use"].contains(&name),
            "{tag}"
        );
        for loads in [" src=", " srcset=", " data=", " style=", "xlink:"] {
            assert!(!tag.contains(loads), "{tag}");
        }
        if let Some(target) = tag.split("href=\"").nth(1) {
            assert!(target.starts_with('#'), "{tag}");
        }
        // A second attribute of the same name would be dropped.
        assert!(tag.matches(" class=").count() < 2, "{tag}");
    }
    let style = html.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    assert!(!style.contains("url(") && !style.contains("@import"));
    assert!(!html.contains("NaN") && !html.contains("inf"));
    assert!(html.contains("&lt;script src=&quot;https://evil.example/x.js&quot;&gt;"));
}

#[test]
fn the_page_tells_the_kinds_of_runs_apart() {
    let html = page(&results());
    for kind in ["constructed runs", "recorded runs of a model", "live planner some-model", "no outcome told"]
    {
        assert!(html.contains(kind), "{kind}");
    }
    assert!(html.contains("control: a miss is right"));
    assert_eq!(html, page(&results()));
}

#[test]
fn the_markdown_is_what_it_was() {
    insta::with_settings!({snapshot_path => "report", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("markdown", markdown(&results()));
    });
}

#[test]
fn what_a_part_is_worth_stands_beside_all_of_them() {
    let mut results = results();
    assert!(!markdown(&results).contains("What each part is worth"));
    let systems = &mut results.files[0].result.systems;
    let mut without = systems.iter().find(|system| system.name == "plancache_no_filler").unwrap().clone();
    (without.name, without.hits, without.wrong_plans) = ("plancache_without_merge".into(), 100, 3);
    without.hits_after_50 = (50, 200);
    systems.push(without);
    let text = markdown(&results);
    assert!(text.contains("| parts | shop |"), "{text}");
    assert!(text.contains("| without merge | 25.0% (25.0%), 3 of 100 |"), "{text}");
}

#[test]
fn the_cheapest_of_those_that_succeed_is_first() {
    let ranking = rank(&results());
    let order: Vec<(usize, &str, bool)> = ranking.benchmarks[0]
        .rows
        .iter()
        .map(|row| (row.place, row.system.as_str(), row.keeps_success))
        .collect();
    let expected = [
        (1, "plancache", true),
        (2, "plancache_no_filler", true),
        (3, "planner_only", true),
        (4, "random_template", false),
        (5, "answer_cache_0.90", false),
    ];
    assert_eq!(order, expected);
    let ours = &ranking.summary[0];
    assert_eq!((ours.system.as_str(), ours.wins, ours.benchmarks), ("plancache", 3, 3));
    let mean = (0.225f64 * 0.98 * (0.2 / 0.3)).cbrt();
    assert!((ours.cost_ratio - mean).abs() < 1e-9, "{} {mean}", ours.cost_ratio);
}

#[test]
fn equals_share_a_place() {
    let mut results = results();
    results.files[0].result.systems[3].cost_usd = 0.9;
    let rows = &rank(&results).benchmarks[0].rows;
    assert_eq!(rows.iter().map(|row| row.place).collect::<Vec<_>>(), [1, 1, 3, 4, 5]);
}

#[test]
fn nothing_falls_below_itself() {
    let comparison = compare(&results(), &results());
    assert!(comparison.fell.is_empty() && comparison.new.is_empty());
    assert!(comparison.systems.len() == 11 && comparison.systems.iter().all(|change| change.is_none()));
}

#[test]
fn one_more_wrong_plan_is_a_fall_and_a_small_loss_of_hits_is_not() {
    let mut new = results();
    let ours = &mut new.files[0].result.systems[4];
    ours.hits -= 4;
    ours.succeeded -= 4;
    ours.planner_tokens += 10_000;
    assert!(compare(&results(), &new).fell.is_empty());
    let ours = &mut new.files[0].result.systems[4];
    ours.hits -= 1;
    ours.succeeded -= 1;
    ours.planner_tokens += 1;
    ours.wrong_plans += 1;
    let expected = [
        "shop plancache: more wrong plans, 2 instead of 1",
        "shop plancache: fewer hits, 311 instead of 316",
        "shop plancache: fewer successes, 394 instead of 399",
        "shop plancache: more planner tokens, 240,001 instead of 230,000",
    ];
    assert_eq!(compare(&results(), &new).fell, expected);
}

#[test]
fn what_is_missing_or_of_other_tasks_is_a_fall_and_what_is_new_is_not() {
    let (mut base, mut new) = (results(), results());
    base.files[0].result.systems.pop();
    new.files[1].result.systems.pop();
    new.files[1].result.seeds = vec![9];
    new.files.pop();
    let comparison = compare(&base, &new);
    assert_eq!(comparison.new, ["shop plancache"]);
    let starts =
        ["live/shop: there is no result", "riddles: not the same tasks", "riddles plancache: there is no"];
    assert_eq!(comparison.fell.len(), 3, "{:?}", comparison.fell);
    for (fell, start) in comparison.fell.iter().zip(starts) {
        assert!(fell.starts_with(start), "{fell}");
    }
}
