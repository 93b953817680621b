use std::fmt::Write;

use super::tally::Tally;
use crate::cli::files::counted;
use crate::cli::teaching::unknown;
use crate::domain::Call;
use crate::layer::ShadowVerdict;

/// Rows of a table that a terminal is shown.
const MOST_ROWS: usize = 12;
/// Characters of a text in a table.
const MOST_TEXT: usize = 90;

/// A table with what it is about.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) note: String,
    pub(super) header: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
}

/// `part of whole` in percent.
pub(super) fn percent(part: usize, whole: usize) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    format!("{:.1}%", 100.0 * part as f64 / whole as f64)
}

fn share(part: u64, whole: u64) -> String {
    percent(usize::try_from(part).unwrap_or(usize::MAX), usize::try_from(whole).unwrap_or(usize::MAX))
}

/// What the stream showed, in sentences.
pub(super) fn sentences(tally: &Tally) -> Vec<String> {
    let decided = tally.decisions();
    let count = |verdict| tally.count(verdict);
    let (right, wrong) = (count(ShadowVerdict::WouldHaveHit), count(ShadowVerdict::WouldHaveBeenWrong));
    let undecided = count(ShadowVerdict::Undecided);
    let (shapes, intents) = tally.shapes();
    let active = tally.plans.iter().filter(|plan| plan.active).count();
    let mut lines = vec![
        format!(
            "{} of {decided} runs ({}) would have been served, every call as the planner made it.",
            right,
            percent(right, decided)
        ),
        format!(
            "{wrong} would have been served wrongly ({} of those served).",
            percent(wrong, right + wrong)
        ),
        format!(
            "{} of {} planning calls saved ({}).",
            tally.calls.saved,
            tally.calls.recorded,
            share(tally.calls.saved, tally.calls.recorded)
        ),
    ];
    if undecided > 0 {
        lines.push(format!(
            "{undecided} would have been begun and handed back, or went where the recording cannot follow."
        ));
    }
    if tally.knows_tokens() {
        let (all, saved) = (tally.tokens.recorded, tally.tokens.saved);
        lines.push(format!(
            "{} of {} tokens read and {} of {} written saved ({}).",
            saved.input,
            all.input,
            saved.output,
            all.output,
            share(saved.total(), all.total())
        ));
    }
    lines.push(format!(
        "{} plans for {intents} intents (distinct sequences of tools), {active} of them active, and {} idle texts.",
        tally.plans.len(),
        tally.idle
    ));
    lines.push(format!(
        "The runs have {shapes} distinct sequences of tools; {} ({}) have one that an earlier run had.",
        tally.repeated,
        percent(tally.repeated, decided)
    ));
    lines.extend(remarks(tally));
    lines
}

/// What to know about the figures.
fn remarks(tally: &Tally) -> Vec<String> {
    let mut lines = tally.left_out.words();
    lines.extend(unknown(tally.unknown_outcomes));
    if tally.assumed_tools {
        lines.push(
            "Some runs do not say which tools there were; they are taken to be those that runs call. \
             `runs import` needs their descriptions (--tools)."
                .to_owned(),
        );
    }
    if !tally.unclassed.is_empty() {
        lines.push(format!(
            "Tools without a class count as writes, which need more evidence and are compared call by call: \
             {}. Set `policy.effects` in plancache.toml for those that only read.",
            tally.unclassed.join(", ")
        ));
    }
    if tally.malformed.count > 0 {
        lines.push(format!("{} records were malformed and left out.", tally.malformed.count));
    }
    lines
}

/// All tables, those without rows left out.
pub(super) fn sections(tally: &Tally) -> Vec<Section> {
    let decided = tally.decisions();
    let growth = tally.growth().into_iter().map(|part| {
        let size = part.to + 1 - part.from;
        vec![
            format!("{} to {}", part.from, part.to),
            percent(part.right, size),
            part.wrong.to_string(),
            part.undecided.to_string(),
        ]
    });
    let reason = |(why, n): (&str, usize)| vec![n.to_string(), percent(n, decided), why.to_owned()];
    let plan = |plan: &super::tally::Plan| {
        vec![
            plan.served.to_string(),
            plan.successes.to_string(),
            if plan.active { "active" } else { "candidate" }.to_owned(),
            plan.steps.join(" \u{2192} "),
            plan.says.replace('\n', " "),
        ]
    };
    let wrong = |wrong: &super::tally::Wrong| {
        vec![
            format!("{}, line {}", wrong.file, wrong.line),
            call(wrong.served.as_ref()),
            call(wrong.recorded.as_ref()),
            wrong.plans.join(" + "),
        ]
    };
    let all = [
        Section {
            title: "Along the stream",
            note: "Each run was decided before it was learnt.".to_owned(),
            header: vec!["runs", "served", "wrong", "undecided"],
            rows: growth.collect(),
        },
        Section {
            title: "Wrong plans",
            note: "The first call that is not the planner's, and the planner's in its place.".to_owned(),
            header: vec!["where", "would have been served", "was done", "plans"],
            rows: tally.wrong.iter().map(wrong).collect(),
        },
        Section {
            title: "Not served",
            note: "Why, by the decision that ended it.".to_owned(),
            header: vec!["runs", "share", "reason"],
            rows: counted(&tally.reasons).into_iter().map(reason).collect(),
        },
        Section {
            title: "Plans",
            note: "The runs that each would have served, alone or with others.".to_owned(),
            header: vec!["served", "learnt from", "state", "steps", "the task says"],
            rows: tally.plans.iter().map(plan).collect(),
        },
        Section {
            title: "Not learnt",
            note: "Parts of successful runs, by reason.".to_owned(),
            header: vec!["times", "reason"],
            rows: counted(&tally.rejected)
                .into_iter()
                .map(|(why, n)| vec![n.to_string(), why.to_owned()])
                .collect(),
        },
    ];
    all.into_iter().filter(|section| !section.rows.is_empty()).collect()
}

fn call(call: Option<&Call>) -> String {
    match call {
        None => "nothing more".to_owned(),
        Some(call) => format!("{} {}", call.tool, serde_json::Value::Object(call.arguments.clone())),
    }
}

/// A text that fits into a table's cell.
fn short(text: &str) -> String {
    let mut short: String = text.chars().take(MOST_TEXT).collect();
    if short.len() < text.len() {
        short.push('\u{2026}');
    }
    short
}

/// For a terminal: long tables and texts are cut.
pub(super) fn terminal(tally: &Tally) -> Vec<String> {
    let mut lines: Vec<String> = tally.malformed.lines("malformed");
    lines.extend(sentences(tally));
    for Section { title, header, rows, .. } in sections(tally) {
        lines.extend([String::new(), title.to_owned()]);
        let shown: Vec<Vec<String>> =
            rows.iter().take(MOST_ROWS).map(|row| row.iter().map(|cell| short(cell)).collect()).collect();
        lines.extend(crate::cli::output::table(&header, shown));
        if rows.len() > MOST_ROWS {
            lines.push(format!(" .. and {} more (--report, --json)", rows.len() - MOST_ROWS));
        }
    }
    lines
}

pub(super) fn markdown(tally: &Tally) -> String {
    let mut text = "# What these runs would teach\n\n".to_owned();
    sentences(tally).iter().for_each(|line| text.push_str(&format!("- {line}\n")));
    let cell = |text: &String| text.replace('|', "\\|").replace('\n', " ");
    for Section { title, note, header, rows } in sections(tally) {
        let _ = write!(text, "\n## {title}\n\n{note}\n\n| {} |\n", header.join(" | "));
        let _ = writeln!(text, "|{}", "---|".repeat(header.len()));
        for row in rows {
            let _ = writeln!(text, "| {} |", row.iter().map(cell).collect::<Vec<_>>().join(" | "));
        }
    }
    text
}
