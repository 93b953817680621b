use maud::{Markup, html};

use crate::measure::{Growth, Totals};
use crate::report::ResultFile;
use crate::report::figures::{cost, count, hit_rate, money, percent, range, share, success, words};
use crate::report::plot::{self, Bar, Dot, Line, Point, Segment, family};

/// A plot with its heading; nothing where there is nothing to show.
fn figure(heading: &str, note: &str, plot: Option<Markup>) -> Markup {
    html! {
        @if let Some(plot) = plot {
            figure {
                figcaption { h3 { (heading) } @if !note.is_empty() { p.quiet { (note) } } }
                (plot)
            }
        }
    }
}

/// The systems that serve, the one that the report is about first.
fn serving(file: &ResultFile) -> Vec<&Totals> {
    let subject = file.subject().map(|system| system.name.as_str());
    let serves = |system: &&Totals| {
        system.hits + system.diverged + system.wrong_plans > 0 || Some(system.name.as_str()) == subject
    };
    let mut systems: Vec<&Totals> = file.result.systems.iter().filter(serves).collect();
    systems.sort_by_key(|system| Some(system.name.as_str()) != subject);
    systems
}

pub(super) fn cost_and_success(file: &ResultFile) -> Markup {
    let subject = file.subject().map(|system| system.name.as_str());
    let mut systems: Vec<&Totals> = file.result.systems.iter().collect();
    systems.sort_by_key(|system| Some(system.name.as_str()) != subject);
    let point = |system: &&Totals| Point {
        system: system.name.clone(),
        label: words(&system.name),
        x: cost(system),
        y: success(system),
        interval: system.intervals.success,
        title: format!(
            "{}: US$ {} per 1,000 tasks, success {} ({}), n {}",
            words(&system.name),
            money(cost(system)),
            percent(success(system)),
            range(system.intervals.success),
            count(system.tasks),
        ),
    };
    let points: Vec<Point> = systems.iter().map(point).collect();
    let plot = plot::scatter(&points, "US$ per 1,000 tasks", "cost against success, all systems");
    let note = "US$ net of what a system's own models cost; lines: 95% intervals over tasks.";
    figure("Cost against success", note, (!points.is_empty()).then_some(plot))
}

pub(super) fn ceilings(file: &ResultFile) -> Markup {
    let bar = |system: &Totals| Bar {
        label: words(&system.name),
        figure: format!("{} ({} of {})", percent(hit_rate(system)), count(system.hits), count(system.tasks)),
        segments: vec![Segment {
            class: family(&system.name),
            value: hit_rate(system),
            title: format!("{} hits, {}", count(system.hits), range(system.intervals.hit_rate)),
        }],
        marks: vec![
            (file.result.reachable_ceiling, "reachable".to_owned()),
            (file.result.ceiling, "by shape".to_owned()),
        ],
    };
    let bars: Vec<Bar> = serving(file).into_iter().map(bar).collect();
    let note = format!(
        "Full line: {} is reachable with what can be learnt; dashes: {} by the shape of the plans.",
        percent(file.result.reachable_ceiling),
        percent(file.result.ceiling)
    );
    let plot = plot::bars(&bars, 1.0, "hit rate of each system beside the ceilings");
    figure("Hits beside what is possible", &note, (!bars.is_empty()).then_some(plot))
}

pub(super) fn hits_along_the_stream(file: &ResultFile) -> Markup {
    let lines = along(file, |part| part.hits, hit_rate);
    let plot = plot::lines(&lines, "hits", "hit rate by position in the stream");
    let note = "Share of tasks that are hits, in each tenth of the stream, all orders together.";
    figure("Hit rate along the stream", note, (!lines.is_empty()).then_some(plot))
}

pub(super) fn wrong_along_the_stream(file: &ResultFile) -> Markup {
    let lines = along(file, |part| part.wrong_plans, |t| share(t.wrong_plans, t.tasks));
    let plot = plot::lines(&lines, "wrong plans", "wrong plans by position in the stream");
    let note = "Share of tasks that got a wrong plan, in each tenth of the stream, all orders together.";
    figure("Wrong plans along the stream", note, (!lines.is_empty()).then_some(plot))
}

fn along(file: &ResultFile, of: fn(&Growth) -> u64, whole: fn(&Totals) -> f64) -> Vec<Line> {
    let line = |system: &Totals| Line {
        system: system.name.clone(),
        label: format!("{} {}", words(&system.name), percent(whole(system))),
        values: system.growth.iter().map(|part| share(of(part), part.tasks)).collect(),
    };
    serving(file).into_iter().map(line).collect()
}

pub(super) fn reasons(file: &ResultFile) -> Markup {
    let Some(subject) = file.subject().filter(|subject| !subject.reasons.is_empty()) else {
        return html! {};
    };
    let mut reasons: Vec<(&String, &u64)> = subject.reasons.iter().collect();
    reasons.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let most = reasons.first().map_or(0, |(_, n)| **n) as f64;
    let bar = |(reason, n): (&String, &u64)| Bar {
        label: words(reason),
        figure: format!("{} ({} of tasks)", count(*n), percent(share(*n, subject.tasks))),
        segments: vec![Segment { class: family(&subject.name), value: *n as f64, title: count(*n) }],
        marks: Vec::new(),
    };
    let bars: Vec<Bar> = reasons.into_iter().map(bar).collect();
    let note = format!(
        "{}: {} of {} tasks.",
        words(&subject.name),
        count(subject.reasons.values().sum()),
        count(subject.tasks)
    );
    figure("Why tasks were not served to the end", &note, Some(plot::bars(&bars, most, "reasons, by number")))
}

pub(super) fn slots(file: &ResultFile) -> Markup {
    let filled = |system: &&Totals| system.slots.0 + system.slots.1 > 0;
    let bar = |system: &Totals| {
        let (binder, model) = system.slots;
        let piece = |class, n: u64, who: &str| Segment {
            class,
            value: share(n, binder + model),
            title: format!("{who}: {}", count(n)),
        };
        Bar {
            label: words(&system.name),
            figure: format!("binder {}, model {}", count(binder), count(model)),
            segments: [piece("binder", binder, "binder"), piece("model", model, "model")]
                .into_iter()
                .filter(|piece| piece.value > 0.0)
                .collect(),
            marks: Vec::new(),
        }
    };
    let bars: Vec<Bar> = file.result.systems.iter().filter(filled).map(bar).collect();
    let note = "Slots of served plans: copied or looked up by the binder, or chosen by a model.";
    figure(
        "Slots by who filled them",
        note,
        (!bars.is_empty()).then(|| plot::bars(&bars, 1.0, "slots by who filled them")),
    )
}

pub(super) fn times(file: &ResultFile) -> Markup {
    let dot = |system: &Totals| Dot {
        system: system.name.clone(),
        label: words(&system.name),
        hollow: system.decision_us_p50,
        full: system.hit_ms_p50.map(|ms| 1e3 * ms),
    };
    let dots: Vec<Dot> = file
        .result
        .systems
        .iter()
        .filter(|system| system.decision_us_p50.is_some() || system.hit_ms_p50.is_some())
        .map(dot)
        .collect();
    let plot = plot::dots(&dots, "first decision", "all planning of a hit", "median times");
    let note = "Medians. Decision: until the first step is served or refused, models asked included.";
    figure("Time", note, (!dots.is_empty()).then_some(plot))
}
