//! Laws of extraction, on small random worlds: what is learnt from one task gives another task's
//! plan; what coincides misleads nobody; the order of learning does not matter.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "support/few.rs"]
mod few;
#[path = "support/runs.rs"]
mod runs;
#[path = "support/worlds.rs"]
mod worlds;

use few::few;
use plancache::domain::{Evidence, Lifecycle, Outcome, Template, TemplateId, TemplateVersion, Trace};
use plancache::engine::Engine;
use plancache::extract::{extract, merge, shape_key};
use proptest::prelude::*;
use runs::{calls_of, engine, policy, served};
use worlds::{Random, World};

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

async fn taught(world: &World, runs: &[Trace]) -> Engine {
    let engine = engine(policy(&[world.read_tool()])).await;
    for run in runs {
        engine.admit(run).await.unwrap();
    }
    engine
}

fn templates(world: &World, trace: &Trace) -> Vec<Template> {
    extract(trace, &|tool| tool == world.read_tool()).templates
}

/// A template without what depends on when it was learnt: lineage, version, name of the store's
/// keywords.
fn content(template: &Template) -> Template {
    Template {
        id: TemplateId::new(""),
        version: TemplateVersion::new(""),
        keywords: Vec::new(),
        ..template.clone()
    }
}

/// Evidence without what was changed when: that is the order itself.
fn without_history(evidence: &Evidence) -> Evidence {
    Evidence { revisions: Vec::new(), ..evidence.clone() }
}

/// What an engine knows, without the order in which it came to know it.
fn known(engine: &Engine) -> Vec<(String, Template, Evidence, Lifecycle)> {
    let mut all: Vec<_> = engine
        .templates(None)
        .iter()
        .map(|r| {
            let content = content(&r.template);
            (content.content_version().to_string(), content, without_history(&r.evidence), r.state)
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

proptest! {
    #![proptest_config(few(96))]

    /// `fill(extract(A), B)` gives B's own calls, all of them, where no two values coincide.
    #[test]
    fn one_run_gives_the_plan_of_another_task(seed: u64) {
        let mut random = Random(seed);
        let world = World::new(&mut random, false);
        let learnt = world.run(&world.situation(&mut random, true));
        let asked = world.run(&world.situation(&mut random, false));
        let (calls, last, known) = wait(async {
            let engine = taught(&world, std::slice::from_ref(&learnt)).await;
            let (calls, last) = served(&engine, &asked).await;
            (calls, last, engine.templates(None))
        });
        let story = format!("{world:?}\nlearnt {:#?}\nasked {asked:#?}\nknown {known:#?}\n{last:?}", learnt);
        prop_assert_eq!(calls, calls_of(&asked), "{}", story);
        let done = matches!(last.outcome, Outcome::PlannerAnswer { .. } | Outcome::Hit { .. });
        prop_assert!(done, "{}", story);
    }

    /// Where values coincide by chance, after one run or three, less may be served, but never a call
    /// that is not the plan's.
    #[test]
    fn coincidences_mislead_nobody(seed: u64, learnt in 1usize..4) {
        let mut random = Random(seed);
        let world = World::new(&mut random, true);
        let runs: Vec<Trace> =
            (0..learnt).map(|n| world.run(&world.situation(&mut random, n == 0))).collect();
        let asked = world.run(&world.situation(&mut random, false));
        let (calls, last, known) = wait(async {
            let engine = taught(&world, &runs).await;
            let (calls, last) = served(&engine, &asked).await;
            (calls, last, engine.templates(None))
        });
        let wanted = calls_of(&asked);
        let right = calls.len() <= wanted.len() && calls.iter().zip(&wanted).all(|(a, b)| a == b);
        prop_assert!(right, "{calls:?}\n{runs:#?}\n{asked:#?}\n{known:#?}\n{:?}", last.outcome);
    }

    /// The same runs in any order leave the same patterns, slots, steps with all their bindings,
    /// evidence and state. Lineage, version and keywords depend on the order: an id says when it
    /// was born, keywords are drawn from the words known at the time.
    #[test]
    fn the_order_of_learning_does_not_matter(seed: u64) {
        let mut random = Random(seed);
        let world = World::new(&mut random, false);
        let mut runs: Vec<Trace> = (0..4).map(|_| world.run(&world.situation(&mut random, true))).collect();
        let one = wait(taught(&world, &runs));
        random.shuffle(&mut runs);
        let other = wait(taught(&world, &runs));
        prop_assert_eq!(known(&one), known(&other));
        let acting: Vec<_> = one.templates(None).into_iter().filter(|r| !r.template.is_idle()).collect();
        prop_assert_eq!(acting.len(), 1, "runs of one shape are one plan");
        prop_assert_eq!(acting[0].evidence.successes, 4);
    }

    /// A merge with itself, or with what was merged in before, changes nothing; and it does not
    /// matter which of two runs came first.
    #[test]
    fn merging_is_idempotent_and_commutative(seed: u64, crowded: bool) {
        let mut random = Random(seed);
        let world = World::new(&mut random, crowded);
        let mut own = || templates(&world, &world.run(&world.situation(&mut random, true)));
        for (a, b) in own().iter().zip(&own()) {
            prop_assert_eq!(merge(a, a, false), Some(a.clone()));
            if shape_key(a) != shape_key(b) {
                continue;
            }
            let merged = merge(a, b, true);
            prop_assert_eq!(merged.clone(), merge(b, a, true));
            if let Some(merged) = merged {
                prop_assert_eq!(shape_key(&merged), shape_key(a));
                prop_assert_eq!(merge(&merged, b, false), Some(merged.clone()));
                prop_assert_eq!(merge(&merged, a, false), Some(merged.clone()));
            }
        }
    }
}

/// The law of coincidences says nothing if nothing is served: of a hundred crowded worlds, learnt
/// from three runs each, a good part is served to the end.
#[test]
fn coincidences_do_not_stop_everything() {
    let mut full = 0;
    for seed in 0..100 {
        let mut random = Random(seed);
        let world = World::new(&mut random, true);
        let runs: Vec<Trace> = (0..3).map(|n| world.run(&world.situation(&mut random, n == 0))).collect();
        let asked = world.run(&world.situation(&mut random, false));
        let (calls, _) = wait(async { served(&taught(&world, &runs).await, &asked).await });
        full += u32::from(calls == calls_of(&asked));
    }
    assert!(full >= 30, "{full} of 100");
}
