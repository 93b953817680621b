//! The scorer against the recorded runs, and against runs spoilt on purpose.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

use plancache_agents::Environment;
use plancache_agents::import::{read_runs, read_tools};
use plancache_agents::retail::Retail;
use plancache_eval::score::{Scorer, Verdict};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/retail")
}

#[test]
fn recorded_runs_are_right_and_spoilt_ones_are_not() {
    let shop = Retail::load(&data()).unwrap();
    let scorer = Scorer::load(&data().join("tasks_train.jsonl"), shop.clone()).unwrap();
    let (_, tools) = read_tools(&data().join("tools.json")).unwrap();
    let runs = read_runs(&data().join("tau_retail_oracle.jsonl"), &tools).unwrap();
    assert_eq!(runs.len(), 400);
    let mut without_last = 0;
    for run in &runs {
        let (mut whole, mut cut) = (shop.clone(), shop.clone());
        for (i, step) in run.trace.steps.iter().enumerate() {
            whole.call(&step.call.tool, &step.call.arguments);
            if i + 1 < run.trace.steps.len() {
                cut.call(&step.call.tool, &step.call.arguments);
            }
        }
        assert_eq!(scorer.judge(&run.task_id, &whole, None), Verdict::Right, "{}", run.task_id);
        without_last += usize::from(!scorer.judge(&run.task_id, &cut, None).is_right());
    }
    // Leaving out the last write is noticed, except where that write failed and changed nothing.
    assert!(without_last >= 387, "{without_last}");
    assert_eq!(scorer.judge("nobody", &shop, None), Verdict::UnknownTask);
}
