use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::gptcache::{GptCache, Process};
use super::latency::{of_gptcache, of_vectors};
use super::learnt::Learnt;
use super::{
    AtMost, BUDGETS, Counts, Latency, MatchError, Matcher, Set, Similarity, Verified, embedded,
    equal_false_hits, pairs, stream, tasks,
};
use crate::bench::pairs::pairs_file;
use crate::embedder;

/// Sets of tasks.
const SETS: [&str; 4] = ["webarena", "sql", "nfl", "retail"];
/// vCache's error bounds; at 1 every entry is used as soon as it has its six observations.
const DELTAS: [f64; 7] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0];
/// Cosines at which GPTCache's threshold is set; its score is `2 + 2 cosine`, of at most 4.
const COSINES: [f64; 12] = [0.50, 0.60, 0.70, 0.75, 0.80, 0.85, 0.90, 0.92, 0.94, 0.96, 0.98, 0.99];

/// What is compared.
#[derive(Clone, Debug, Args)]
pub struct MatchOptions {
    /// The sets: webarena, sql, nfl, retail, pairs [default: all].
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub sets: Vec<String>,
    /// Labelled pairs besides, such as QQP: JSON Lines with `pair_id`, `a`, `b`, `label`.
    #[arg(long, value_name = "FILE")]
    pub qqp: Option<PathBuf>,
    /// One order for each seed.
    #[arg(long, value_name = "SEED", value_delimiter = ',', default_value = "1,2,3")]
    pub seeds: Vec<u64>,
    /// A Python that has the packages of eval/peers/requirements.txt; without it GPTCache is left out.
    #[arg(long, value_name = "PROGRAM", env = "PLANCACHE_GPTCACHE_PYTHON")]
    pub python: Option<PathBuf>,
    /// Leave out how long decisions take.
    #[arg(long)]
    pub no_latency: bool,
}

/// A policy with a setting, on a set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The policy.
    pub policy: String,
    /// Its setting.
    pub setting: String,
    /// What each order came to.
    pub orders: Vec<Counts>,
    /// Their sum.
    pub sum: Counts,
}

/// What a set came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetReport {
    /// The set.
    pub set: String,
    /// Texts asked about in each order.
    pub queries: usize,
    /// Entries from the start.
    pub known: usize,
    /// Every policy with every setting.
    pub rows: Vec<Row>,
    /// The most right hits at equal false hits.
    pub equal: Vec<AtMost>,
}

/// A comparison of hit decisions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MatchReport {
    /// The embedder of all policies that compare vectors.
    pub embedder: String,
    /// GPTCache's versions and its default threshold; nothing if it was left out.
    pub gptcache: Value,
    /// Seeds of the orders.
    pub seeds: Vec<u64>,
    /// The sets.
    pub sets: Vec<SetReport>,
    /// How long a decision takes.
    pub latency: Vec<Latency>,
}

/// Compares the policies on the sets; `watch` sees each set when it is done.
///
/// # Errors
/// When data or the embedder are missing, or a policy cannot go on.
pub async fn compare(options: &MatchOptions, watch: impl Fn(&SetReport)) -> Result<MatchReport, MatchError> {
    let model = embedder::open(true).map_err(|why| MatchError::new("the embedder", why))?;
    let model = model.ok_or_else(|| MatchError::new("the embedder", "it is not here"))?;
    let folder = tempfile::tempdir().map_err(|e| MatchError::new("a temporary folder", e))?;
    let mut report = MatchReport {
        embedder: embedder::NAME.to_owned(),
        gptcache: Value::Null,
        seeds: options.seeds.clone(),
        sets: Vec::new(),
        latency: Vec::new(),
    };
    for mut set in sets(options)? {
        embedded::embed(&mut set, &*model)?;
        let file = folder.path().join("vectors.f32");
        let mut process = None;
        if let Some(python) = &options.python {
            embedded::export(&set, &file)?;
            let started = Process::start(python, &file, model.dimensions())?;
            report.gptcache = started.about.clone();
            process = Some(started);
        }
        let compared = compare_on(&set, &options.seeds, process.as_mut()).await?;
        watch(&compared);
        report.sets.push(compared);
        if let Some(process) = process.as_mut().filter(|_| !options.no_latency && report.latency.is_empty()) {
            report.latency.extend(of_gptcache(process)?);
        }
    }
    if !options.no_latency {
        report.latency.extend(of_vectors(model.dimensions(), 1).await?);
    }
    Ok(report)
}

fn sets(options: &MatchOptions) -> Result<Vec<Set>, MatchError> {
    let known = SETS.into_iter().chain(["pairs"]);
    if let Some(name) = options.sets.iter().find(|name| known.clone().all(|known| known != *name)) {
        return Err(MatchError::new(name, format!("no such set; there are {}, pairs", SETS.join(", "))));
    }
    let wanted = |name: &str| options.sets.is_empty() || options.sets.iter().any(|set| set == name);
    let mut sets = SETS.into_iter().filter(|name| wanted(name)).map(tasks).collect::<Result<Vec<_>, _>>()?;
    if wanted("pairs") {
        sets.push(pairs("pairs", &pairs_file())?);
    }
    if let Some(file) = &options.qqp {
        sets.push(pairs("qqp", file)?);
    }
    Ok(sets)
}

/// The thresholds of the sweep: cosines from 0.50 on.
fn thresholds() -> impl Iterator<Item = f64> {
    (50..=100).map(|percent| f64::from(percent) / 100.0)
}

/// Every policy with every setting.
async fn compare_on(
    set: &Set,
    seeds: &[u64],
    mut gptcache: Option<&mut Process>,
) -> Result<SetReport, MatchError> {
    // Where nothing is taken in, an order is as good as another.
    let seeds = if set.known == 0 { seeds } else { &seeds[..seeds.len().min(1)] };
    let mut rows = Rows { set, rows: Vec::new() };
    for &seed in seeds {
        if let Some(process) = gptcache.as_deref_mut() {
            rows.run("gptcache", "default", seed, &mut GptCache::open(process, None)?).await?;
            for cosine in COSINES {
                let threshold = (1.0 + cosine) / 2.0;
                let setting = format!("threshold {threshold:.3} (cosine {cosine:.2})");
                rows.run("gptcache", &setting, seed, &mut GptCache::open(process, Some(threshold))?).await?;
            }
        }
        for least in thresholds() {
            let setting = format!("cosine {least:.2}");
            rows.run("cosine", &setting, seed, &mut Similarity::new(least as f32)).await?;
        }
        for delta in DELTAS {
            rows.run("vcache", &format!("delta {delta}"), seed, &mut Verified::new(delta, seed)).await?;
        }
        if let Some(benchmark) = &set.benchmark {
            let mut learnt = Learnt::new(benchmark.clone()).await?;
            rows.run("plancache", "as it is", seed, &mut learnt).await?;
        }
    }
    let rows = rows.rows;
    let all = rows.iter().map(|row| (row.policy.as_str(), row.setting.as_str(), row.sum));
    let equal = BUDGETS.iter().flat_map(|budget| equal_false_hits(all.clone(), *budget)).collect();
    let queries = set.queries.len() - set.known;
    Ok(SetReport { set: set.name.clone(), queries, known: set.known, rows, equal })
}

struct Rows<'a> {
    set: &'a Set,
    rows: Vec<Row>,
}

impl Rows<'_> {
    async fn run(
        &mut self,
        policy: &str,
        setting: &str,
        seed: u64,
        matcher: &mut dyn Matcher,
    ) -> Result<(), MatchError> {
        let counts = stream(self.set, seed, matcher).await?;
        match self.rows.iter_mut().find(|row| row.policy == policy && row.setting == setting) {
            Some(row) => {
                row.orders.push(counts);
                row.sum += counts;
            }
            None => self.rows.push(Row {
                policy: policy.to_owned(),
                setting: setting.to_owned(),
                orders: vec![counts],
                sum: counts,
            }),
        }
        Ok(())
    }
}

fn percent(share: f64) -> String {
    format!("{:.1}%", 100.0 * share)
}

/// A table of these columns, as Markdown or drawn with lines.
fn table(markdown: bool, columns: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    let preset = if markdown { comfy_table::presets::ASCII_MARKDOWN } else { UTF8_FULL_CONDENSED };
    table.load_style(preset).set_header(columns).add_rows(rows);
    format!("{table}\n")
}

/// Settings of a sweep that are shown; the JSON has all.
fn shown(row: &Row) -> bool {
    row.policy != "cosine"
        || ["0.60", "0.70", "0.80", "0.90", "0.95"].iter().any(|c| row.setting.ends_with(c))
}

impl SetReport {
    /// The tables of the set.
    pub fn tables(&self, markdown: bool) -> String {
        let line = |row: &Row| {
            let sum = row.sum;
            let precision = sum.precision().map_or_else(|| "-".to_owned(), percent);
            let wrong_a_hit = sum.precision().map_or_else(|| "-".to_owned(), |right| percent(1.0 - right));
            let numbers = [sum.hits, sum.right, sum.wrong()].map(|n| n.to_string());
            let shares = [precision, percent(sum.recall()), percent(sum.wrong_a_query()), wrong_a_hit];
            [row.policy.clone(), row.setting.clone()].into_iter().chain(numbers).chain(shares).collect()
        };
        let columns = [
            "policy",
            "setting",
            "hits",
            "right",
            "false",
            "precision",
            "recall of the ceiling",
            "false a query",
            "false a hit",
        ];
        let all = table(markdown, &columns, self.rows.iter().filter(|row| shown(row)).map(line).collect());
        let mut policies: Vec<&str> = Vec::new();
        for at in &self.equal {
            if !policies.contains(&at.policy.as_str()) {
                policies.push(&at.policy);
            }
        }
        let cell = |at: &AtMost| match (&at.setting, at.counts) {
            (Some(setting), Some(counts)) => {
                format!(
                    "{} ({}), {} false: {setting}",
                    counts.right,
                    percent(counts.recall()),
                    counts.wrong()
                )
            }
            _ => "none keeps to it".to_owned(),
        };
        let equal = |policy: &&str| {
            let cells = self.equal.iter().filter(|at| at.policy == **policy).map(cell);
            [(*policy).to_owned()].into_iter().chain(cells).collect()
        };
        let headings = BUDGETS.map(|budget| format!("at most {} false", percent(budget)));
        let columns: Vec<&str> = ["policy"].into_iter().chain(headings.iter().map(String::as_str)).collect();
        let equal = table(markdown, &columns, policies.iter().map(equal).collect());
        let sum = self.rows.first().map(|row| row.sum).unwrap_or_default();
        let orders = self.rows.first().map_or(0, |row| row.orders.len());
        let mut text = format!("## {}\n\n", self.set);
        let _ = write!(text, "{} queries in {orders} orders, ", self.queries);
        let _ = write!(text, "ceiling {} of {}.\n\n{all}\n", sum.ceiling, sum.queries);
        let _ = write!(text, "Most right hits at equal false hits, as a share of queries:\n\n{equal}\n");
        text
    }
}

impl MatchReport {
    /// Everything as text.
    pub fn text(&self, markdown: bool) -> String {
        let mut text: String = self.sets.iter().map(|set| set.tables(markdown)).collect();
        if !self.latency.is_empty() {
            let line = |l: &Latency| {
                vec![
                    l.policy.clone(),
                    l.entries.to_string(),
                    format!("{:.1}", l.p50_us),
                    format!("{:.1}", l.p99_us),
                ]
            };
            let columns = ["policy", "entries", "p50 microseconds", "p99 microseconds"];
            text += "## One decision, without the embedding of its text\n\n";
            text += &table(markdown, &columns, self.latency.iter().map(line).collect());
            text += "\nplancache's own: eval/record/speed/.\n";
        }
        let versions = &self.gptcache;
        let _ = write!(text, "\nGPTCache: {versions}\nEmbedder: {}, seeds {:?}\n", self.embedder, self.seeds);
        text
    }
}
