use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Growth, Interval, Prices, TaskRecord, bootstrap, growth, wilson};
use crate::systems::{Kind, Spend};

/// What a system came to, all orders together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// The system.
    pub name: String,
    /// Tasks served without a call to the planner.
    pub hits: u64,
    /// Hits, and served parts of diverged runs, that should not have been served.
    pub wrong_plans: u64,
    /// Tasks served but for a part, which the planner was asked for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub partly: u64,
    /// Tasks served at first, then handed back.
    pub diverged: u64,
    /// Tasks done, by the judge.
    pub succeeded: u64,
    /// Tasks run.
    pub tasks: u64,
    /// Tasks that failed by a fault of the machine or the network; they count as not done.
    pub faults: u64,
    /// Tokens that the planner read and wrote.
    pub planner_tokens: u64,
    /// The same, had there been no cache.
    pub planner_tokens_planner_only: u64,
    /// Tokens of models that the system asks for itself.
    pub cache_model_tokens: u64,
    /// US dollars, the system's own models included.
    pub cost_usd: f64,
    /// The same, had there been no cache.
    pub cost_usd_planner_only: f64,
    /// US dollars where the provider's prompt cache holds what was sent before.
    pub cost_usd_prompt_cache: f64,
    /// The same, had there been no cache but the provider's.
    pub cost_usd_planner_only_prompt_cache: f64,
    /// Seconds.
    pub wall_s: f64,
    /// Hits among the tasks after the first 50 of each order, and how many tasks those are. Where
    /// other tasks were learnt before, all tasks count.
    pub hits_after_50: (u64, u64),
    /// Among the same, the tasks whose plan is of several shapes that came before, but never
    /// together: hits, wrong plans, tasks.
    #[serde(default)]
    pub new_together: (u64, u64, u64),
    /// Where one call is the whole plan: how far the calls are right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<PartTotals>,
    /// 95% intervals over tasks.
    pub intervals: Intervals,
    /// Most wrong plans among hits that are compatible with what was seen (95%, Wilson).
    pub wrong_plans_at_most: f64,
    /// Median microseconds of the decision on a task's first planning call.
    pub decision_us_p50: Option<f64>,
    /// Median milliseconds that all planning calls of a hit took.
    pub hit_ms_p50: Option<f64>,
    /// Slots that the binder filled, and that a model filled.
    pub slots: (u64, u64),
    /// Why tasks were not served to the end.
    pub reasons: BTreeMap<String, u64>,
    /// Hits and wrong plans along the stream, tenth by tenth.
    pub growth: Vec<Growth>,
}

/// 95% intervals by bootstrap over tasks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    /// Of the share of hits.
    pub hit_rate: Option<Interval>,
    /// Of the share of tasks done.
    pub success: Option<Interval>,
    /// Of the difference of that share to the planner's alone.
    pub success_difference: Option<Interval>,
    /// Of the planner's tokens as a share of those without a cache.
    pub planner_tokens: Option<Interval>,
}

/// How far calls are right that are whole plans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartTotals {
    /// Tasks served with the tool that is meant.
    pub served: u64,
    /// Tasks not served whose closest plan is of the tool that is meant.
    pub nearest: u64,
    /// Arguments that are right, of those that are meant, where a call was served.
    pub arguments: (u64, u64),
}

/// Adds up a system's records, one list an order, against the planner's alone on the same tasks. The
/// first `warm` tasks of an order only fill the cache.
pub fn totals(
    name: &str,
    orders: &[Vec<TaskRecord>],
    alone: &BTreeMap<String, TaskRecord>,
    prices: &Prices,
    wall_s: f64,
    warm: usize,
) -> Totals {
    let all = || orders.iter().flatten();
    let count = |which: &dyn Fn(&TaskRecord) -> bool| all().filter(|r| which(r)).count() as u64;
    let spent = |of: &dyn Fn(&TaskRecord) -> Spend| {
        all().map(of).fold(Spend::default(), |mut sum, spend| {
            sum += spend;
            sum
        })
    };
    let planner = spent(&|r| r.planner);
    let own = spent(&|r| r.own);
    let baseline = spent(&|r| alone.get(&r.task).map(|r| r.planner).unwrap_or_default());
    let hits = count(&|r| r.kind == Kind::Hit);
    let wrong_plans = count(&|r| r.wrong);
    let after = || orders.iter().flat_map(|order| order.iter().skip(warm));
    let new = || after().filter(|r| r.new_together);
    let mut reasons = BTreeMap::new();
    for reason in all().filter_map(|r| r.reason.clone()) {
        *reasons.entry(reason).or_default() += 1;
    }
    Totals {
        name: name.to_owned(),
        hits,
        wrong_plans,
        partly: count(&|r| r.kind == Kind::Part),
        diverged: count(&|r| r.kind == Kind::Diverged),
        succeeded: count(&|r| r.succeeded),
        tasks: count(&|_| true),
        faults: count(&|r| r.fault),
        planner_tokens: planner.tokens(),
        planner_tokens_planner_only: baseline.tokens(),
        cache_model_tokens: own.tokens(),
        cost_usd: prices.planner.of(&planner) + prices.small.of(&own),
        cost_usd_planner_only: prices.planner.of(&baseline),
        cost_usd_prompt_cache: prices.planner.with_prompt_cache(&planner) + prices.small.of(&own),
        cost_usd_planner_only_prompt_cache: prices.planner.with_prompt_cache(&baseline),
        wall_s,
        hits_after_50: (after().filter(|r| r.kind == Kind::Hit).count() as u64, after().count() as u64),
        new_together: (
            new().filter(|r| r.kind == Kind::Hit).count() as u64,
            new().filter(|r| r.wrong).count() as u64,
            new().count() as u64,
        ),
        parts: parts(orders),
        intervals: intervals(orders, alone),
        wrong_plans_at_most: wilson(wrong_plans, hits.max(wrong_plans)).high,
        decision_us_p50: median(all().filter_map(|r| r.decision_us).collect()),
        hit_ms_p50: median(all().filter(|r| r.kind == Kind::Hit).map(|r| r.planning_ms).collect()),
        slots: all().fold((0, 0), |(b, f), r| (b + r.slots.0, f + r.slots.1)),
        reasons,
        growth: growth(orders),
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

fn parts(orders: &[Vec<TaskRecord>]) -> Option<PartTotals> {
    let mut sum: Option<PartTotals> = None;
    for (record, parts) in orders.iter().flatten().filter_map(|r| Some((r, r.parts?))) {
        let sum = sum.get_or_insert_default();
        if record.kind == Kind::Miss {
            sum.nearest += u64::from(parts.tool);
        } else {
            sum.served += u64::from(parts.tool);
            sum.arguments.0 += parts.arguments.0;
            sum.arguments.1 += parts.arguments.1;
        }
    }
    sum
}

fn intervals(orders: &[Vec<TaskRecord>], alone: &BTreeMap<String, TaskRecord>) -> Intervals {
    let over = |of: &dyn Fn(&TaskRecord) -> (f64, f64)| {
        let mut tasks: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for record in orders.iter().flatten() {
            let (part, whole) = of(record);
            let sum = tasks.entry(&record.task).or_default();
            *sum = (sum.0 + part, sum.1 + whole);
        }
        bootstrap(&tasks.into_values().collect::<Vec<_>>())
    };
    let flag = |yes: bool| f64::from(u8::from(yes));
    let before = |r: &TaskRecord| alone.get(&r.task);
    Intervals {
        hit_rate: over(&|r| (flag(r.kind == Kind::Hit), 1.0)),
        success: over(&|r| (flag(r.succeeded), 1.0)),
        success_difference: over(&|r| {
            (flag(r.succeeded) - before(r).map_or(0.0, |b| flag(b.succeeded)), 1.0)
        }),
        planner_tokens: over(&|r| {
            (r.planner.tokens() as f64, before(r).map_or(0.0, |b| b.planner.tokens() as f64))
        }),
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
