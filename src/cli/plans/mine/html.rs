use std::fmt::Write;

use super::pages::{Section, percent, sections, sentences};
use super::tally::{Part, Tally};
use crate::cli::draw::escaped;
use crate::layer::ShadowVerdict;

const STYLE: &str = include_str!("page.css");
/// Measures of the drawing, in its own units.
const WIDTH: usize = 720;
const HEIGHT: usize = 200;
const LEFT: usize = 44;
const BELOW: usize = 26;

/// The report as one page that needs nothing else.
pub(super) fn page(tally: &Tally) -> String {
    let mut body = String::new();
    let decided = tally.decisions();
    let (right, wrong) =
        (tally.count(ShadowVerdict::WouldHaveHit), tally.count(ShadowVerdict::WouldHaveBeenWrong));
    let calls = (tally.calls.saved as usize, tally.calls.recorded as usize);
    let tiles = [
        (percent(right, decided), "of the runs served"),
        (wrong.to_string(), "served wrongly"),
        (percent(calls.0, calls.1), "of the planning calls saved"),
        (tally.shapes().1.to_string(), "intents"),
        (tally.plans.len().to_string(), "plans"),
    ];
    for (figure, what) in tiles {
        let _ = write!(body, "<div class=\"tile\"><b>{figure}</b>{what}</div>");
    }
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>What these runs would teach</title>\n<style>{STYLE}</style>\n\
         <main><h1>What these runs would teach</h1>\n<div class=\"tiles\">{body}</div>\n<ul>"
    );
    for line in sentences(tally) {
        let _ = write!(page, "<li>{}</li>", escaped(&line));
    }
    page.push_str("</ul>\n");
    for section in sections(tally) {
        let _ = writeln!(page, "<h2>{}</h2><p>{}</p>", section.title, escaped(&section.note));
        if section.header.first() == Some(&"runs") && section.header.contains(&"wrong") {
            page.push_str(&drawing(&tally.growth()));
        }
        page.push_str(&table(&section));
    }
    page.push_str("</main></html>\n");
    page
}

fn table(section: &Section) -> String {
    let mut text = "<div class=\"scroll\"><table><tr>".to_owned();
    section.header.iter().for_each(|name| text.push_str(&format!("<th>{name}</th>")));
    text.push_str("</tr>");
    for row in &section.rows {
        text.push_str("<tr>");
        row.iter().for_each(|cell| text.push_str(&format!("<td>{}</td>", escaped(cell))));
        text.push_str("</tr>");
    }
    text.push_str("</table></div>\n");
    text
}

/// The stream's parts as columns: what was served rightly, wrongly, and what cannot be known.
fn drawing(parts: &[Part]) -> String {
    let column = (WIDTH - LEFT) / parts.len().max(1);
    let floor = HEIGHT - BELOW;
    let mut svg =
        format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"Growth along the stream\">");
    for (n, share) in ["0%", "50%", "100%"].iter().enumerate() {
        let y = floor - n * (floor - 10) / 2;
        let _ = write!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y}\" y2=\"{y}\"/><text x=\"{}\" y=\"{}\" \
             text-anchor=\"end\">{share}</text>",
            LEFT - 6,
            y + 4
        );
    }
    for (n, part) in parts.iter().enumerate() {
        let size = part.to + 1 - part.from;
        let x = LEFT + n * column + column / 8;
        let mut upper = floor as f64;
        for (count, class) in [(part.right, "right"), (part.undecided, "open"), (part.wrong, "wrong")] {
            let height = (floor - 10) as f64 * count as f64 / size as f64;
            upper -= height;
            let _ = write!(
                svg,
                "<rect class=\"{class}\" x=\"{x}\" y=\"{upper:.1}\" width=\"{}\" height=\"{height:.1}\">\
                 <title>runs {} to {}: {count} of {size}</title></rect>",
                column * 3 / 4,
                part.from,
                part.to
            );
        }
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            x + column * 3 / 8,
            HEIGHT - 8,
            part.to
        );
    }
    svg.push_str(
        "</svg><p class=\"key\"><i class=\"right\"></i>served as the planner did \
                  <i class=\"open\"></i>undecided <i class=\"wrong\"></i>wrong</p>",
    );
    svg
}
