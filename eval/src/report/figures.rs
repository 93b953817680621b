//! Figures as a person reads them.

use crate::measure::{Interval, Totals};
use crate::run::{Feedback, Split};

/// Below so many hits a share of wrong plans is no claim; its upper bound is shown.
pub(super) const FEW_HITS: u64 = 200;

/// A share, of nothing 0.
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

pub(super) fn success(system: &Totals) -> f64 {
    share(system.succeeded, system.tasks)
}

pub(super) fn hit_rate(system: &Totals) -> f64 {
    share(system.hits, system.tasks)
}

/// The share of the planner's tokens that the system saves.
pub(super) fn cut(system: &Totals) -> f64 {
    if system.planner_tokens_planner_only == 0 {
        return 0.0;
    }
    1.0 - share(system.planner_tokens, system.planner_tokens_planner_only)
}

/// The interval of that share.
pub(super) fn cut_interval(system: &Totals) -> Option<Interval> {
    let kept = system.intervals.planner_tokens?;
    Some(Interval { low: 1.0 - kept.high, high: 1.0 - kept.low })
}

/// US dollars for a thousand tasks.
pub(super) fn cost(system: &Totals) -> f64 {
    1e3 * system.cost_usd / system.tasks.max(1) as f64
}

/// A share in percent, with one decimal; what is not all or nothing never looks like it.
pub(super) fn percent(share: f64) -> String {
    let shown = format!("{:.1}", 100.0 * share);
    match shown.as_str() {
        "0.0" | "-0.0" if share > 0.0 => "<0.1%".to_owned(),
        "0.0" | "-0.0" => "0%".to_owned(),
        "100.0" if share < 1.0 => ">99.9%".to_owned(),
        "100.0" => "100%".to_owned(),
        _ => format!("{shown}%"),
    }
}

/// A difference of two shares, in points.
pub(super) fn points(difference: f64) -> String {
    let shown = format!("{:+.1}", 100.0 * difference);
    if matches!(shown.as_str(), "+0.0" | "-0.0") { "0".to_owned() } else { shown.replace('-', "\u{2212}") }
}

/// Both ends of an interval in percent.
pub(super) fn range(interval: Option<Interval>) -> String {
    let end = |share: f64| format!("{:.1}", 100.0 * share).replace('-', "\u{2212}");
    interval.map(|i| format!("{} to {}%", end(i.low), end(i.high))).unwrap_or_default()
}

/// A count with its thousands apart.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// US dollars.
pub(super) fn money(usd: f64) -> String {
    if usd >= 1000.0 {
        return count(usd.round() as u64);
    }
    if usd != 0.0 && usd.abs() < 0.1 { format!("{usd:.4}") } else { format!("{usd:.2}") }
}

/// A duration in the unit that suits it.
pub(super) fn time(microseconds: f64) -> String {
    let (value, unit) = match microseconds {
        us if us < 1e3 => (us, "µs"),
        us if us < 1e6 => (us / 1e3, "ms"),
        us => (us / 1e6, "s"),
    };
    let digits = if value < 10.0 { 1 } else { 0 };
    format!("{value:.digits$} {unit}")
}

/// Wrong plans among hits, and as a claim that the number of hits bears.
pub(super) fn wrong(system: &Totals) -> (String, String) {
    let (wrong, hits) = (system.wrong_plans, system.hits);
    if hits == 0 && wrong == 0 {
        return ("no hits".to_owned(), String::new());
    }
    if wrong > hits {
        // Some lie in runs that were handed back.
        let seen =
            format!("{} of {} hits and {} diverged", count(wrong), count(hits), count(system.diverged));
        return (seen, format!("{} of tasks", percent(share(wrong, system.tasks))));
    }
    let most = system.wrong_plans_at_most;
    let most = if most > 0.999 { "100%".to_owned() } else { percent(most) };
    let most = format!("at most {most}");
    let claim = if hits < FEW_HITS { most } else { format!("{}, {most}", percent(share(wrong, hits))) };
    (format!("{} of {} hits", count(wrong), count(hits)), claim)
}

/// The same in one line.
pub(super) fn wrong_line(system: &Totals) -> String {
    let (seen, claim) = wrong(system);
    if claim.is_empty() { seen } else { format!("{seen}: {claim}") }
}

/// A system's name in words.
pub(super) fn words(system: &str) -> String {
    system.replace('_', " ")
}

pub(super) fn split(split: Split) -> &'static str {
    match split {
        Split::Tuning => "the tuning 30% of the tasks",
        Split::Reported => "the 70% of the tasks on which nothing was tuned",
        Split::All => "all tasks",
    }
}

pub(super) fn feedback(feedback: Feedback) -> &'static str {
    match feedback {
        Feedback::Verified => "outcome told",
        Feedback::Trace => "no outcome told",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_all_and_nearly_nothing_do_not_look_like_all_and_nothing() {
        let shown = [0.0, 0.0001, 0.5, 0.823, 0.9999, 1.0].map(percent);
        assert_eq!(shown, ["0%", "<0.1%", "50.0%", "82.3%", ">99.9%", "100%"]);
    }

    #[test]
    fn counts_money_and_time_are_readable() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0.0, 0.0123, 13.5, 1234.5].map(money), ["0.00", "0.0123", "13.50", "1,235"]);
        assert_eq!([80.4, 5_600.0, 2.5e6].map(time), ["80 µs", "5.6 ms", "2.5 s"]);
        assert_eq!([0.0, -0.0001, -0.021, 0.01].map(points), ["0", "0", "\u{2212}2.1", "+1.0"]);
        assert_eq!(range(Some(Interval { low: 0.772, high: 1.0 })), "77.2 to 100.0%");
    }
}
