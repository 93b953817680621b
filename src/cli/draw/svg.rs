use std::fmt::Write;

use super::{Flow, Row, Source, StepBox};

// Measures, in pixels.
const WIDTH: usize = 980;
const MARGIN: usize = 20;
const SLOTS: usize = 230;
const CARD_X: usize = 360;
const CARD_WIDTH: usize = 520;
const LINE: usize = 20;
const GAP: usize = 26;
/// How far the lines between steps stand out, each a little further.
const LANE: usize = 12;
/// Colours of what steps return.
const COLOURS: usize = 6;
/// Characters that fit into a card, the task's lines and a slot.
const CARD_TEXT: usize = 67;
const SAYS_TEXT: usize = 126;
const SLOT_TEXT: usize = 28;

const STYLE: &str = include_str!("flow.css");
const KEY: &str = "stacked: once for each element \u{b7} dashed line: chooses among what is returned \u{b7} (+n): n other \
                   readings must agree \u{b7} faint: read by nothing";

/// Where the boxes are.
#[derive(Default)]
struct Layout {
    /// Middle of each slot, by its number in the pattern.
    slots: Vec<(u32, usize)>,
    /// Where each card begins.
    cards: Vec<usize>,
    height: usize,
    upper: usize,
}

/// The data flow as a picture: readable on bright and on dark ground.
pub(in crate::cli) fn svg(flow: &Flow) -> String {
    let says: Vec<String> = flow.says.lines().flat_map(|line| wrapped(line, SAYS_TEXT)).collect();
    let cards: Vec<&StepBox> = flow.steps.iter().chain(&flow.answer).collect();
    let layout = layout(flow, &cards, says.len());
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {0}\" width=\"{WIDTH}\" height=\"{0}\" \
         role=\"img\">\n<title>{1}</title>\n<style>{STYLE}</style>\n<rect class=\"paper\" width=\"{WIDTH}\" \
         height=\"{0}\"/>\n",
        layout.height,
        escaped(&flow.title)
    );
    text(&mut out, MARGIN, 32, "title", &flow.title);
    for (n, line) in says.iter().enumerate() {
        text(&mut out, MARGIN, 56 + n * LINE, "says", line);
    }
    text(&mut out, MARGIN, layout.upper - 12, "head", "what the text gives");
    text(&mut out, CARD_X, layout.upper - 12, "head", "what is called with it");
    // Lines first, so that boxes stand on them.
    for (n, card) in cards.iter().enumerate() {
        for (at, row) in rows(card, layout.cards[n]) {
            lines(&mut out, &layout, &cards, n, row, at);
        }
    }
    for (slot, (_, y)) in flow.slots.iter().zip(&layout.slots) {
        let class = if slot.idle { "slot idle" } else { "slot" };
        if slot.list.is_some() {
            rect(&mut out, class, MARGIN + 4, y - 8, SLOTS, 24);
        }
        rect(&mut out, class, MARGIN, y - 12, SLOTS, 24);
        text(&mut out, MARGIN + 12, y + 4, "name", &short(&slot.name, SLOT_TEXT));
    }
    for (card, upper) in cards.iter().zip(&layout.cards) {
        draw(&mut out, card, *upper);
    }
    text(&mut out, MARGIN, layout.height - MARGIN, "head", KEY);
    out.push_str("</svg>\n");
    out
}

fn layout(flow: &Flow, cards: &[&StepBox], says: usize) -> Layout {
    let upper = 56 + says * LINE + 40;
    let mut layout = Layout { upper, ..Layout::default() };
    let mut y = upper;
    for card in cards {
        layout.cards.push(y);
        y += height(card) + GAP;
    }
    let mut slot_y = upper + 12;
    for slot in &flow.slots {
        layout.slots.push((slot.id, slot_y));
        slot_y += 36;
    }
    layout.height = y.max(slot_y) + MARGIN + LINE;
    layout
}

fn guards(card: &StepBox) -> Vec<String> {
    if card.guards.is_empty() {
        return Vec::new();
    }
    wrapped(&format!("goes on only if {}", card.guards.join(", and ")), CARD_TEXT)
}

fn height(card: &StepBox) -> usize {
    let head = 1 + usize::from(card.each.is_some());
    (head + card.rows.len() + guards(card).len()) * LINE + 20
}

/// The rows of a card with the middle of each.
fn rows(card: &StepBox, upper: usize) -> impl Iterator<Item = (usize, &Row)> {
    let first = upper + (1 + usize::from(card.each.is_some())) * LINE + 20;
    card.rows.iter().enumerate().map(move |(n, row)| (first + n * LINE, row))
}

fn lines(out: &mut String, layout: &Layout, cards: &[&StepBox], card: usize, row: &Row, y: usize) {
    for from in &row.from {
        let class = if from.chooses { "flow chooses" } else { "flow" };
        let title = escaped(&row.words.join("; or "));
        let path = match from.source {
            Source::Slot(slot) => {
                let Some((_, at)) = layout.slots.iter().find(|(id, _)| *id == slot) else { continue };
                let (x, to) = (MARGIN + SLOTS, CARD_X);
                let bend = (to - x) / 2;
                format!(
                    "<path class=\"{class} text\" d=\"M{x} {at} C{} {at} {} {y} {to} {y}\">",
                    x + bend,
                    to - bend
                )
            }
            Source::Step(step) => {
                let step = step as usize;
                let (Some(upper), Some(source)) = (layout.cards.get(step), cards.get(step)) else { continue };
                // A step may only read what is done already.
                if step >= card {
                    continue;
                }
                let (from, x) = (upper + height(source) - 10, CARD_X + CARD_WIDTH);
                let out_to = x + 20 + LANE * (card - step).min(5);
                let colour = step % COLOURS;
                format!(
                    "<path class=\"{class} c{colour}\" d=\"M{x} {from} C{out_to} {from} {out_to} {y} {x} {y}\">"
                )
            }
        };
        let _ = writeln!(out, "{path}<title>{title}</title></path>");
    }
}

fn draw(out: &mut String, card: &StepBox, upper: usize) {
    let height = height(card);
    if card.each.is_some() {
        rect(out, "card", CARD_X + 6, upper + 6, CARD_WIDTH, height);
        rect(out, "card", CARD_X + 3, upper + 3, CARD_WIDTH, height);
    }
    rect(out, "card", CARD_X, upper, CARD_WIDTH, height);
    let mut y = upper + 24;
    text(out, CARD_X + 14, y, "tool", &short(&card.title, CARD_TEXT));
    if let Some(each) = &card.each {
        y += LINE;
        text(out, CARD_X + 14, y, "each", &short(each, CARD_TEXT));
    }
    for (middle, row) in rows(card, upper) {
        let room = CARD_TEXT.saturating_sub(row.name.chars().count() + 2);
        let _ = write!(
            out,
            "<text x=\"{}\" y=\"{}\"><title>{}</title><tspan class=\"name\">{}</tspan>",
            CARD_X + 14,
            middle + 4,
            escaped(&row.words.join("; or ")),
            escaped(&short(&row.name, CARD_TEXT))
        );
        let _ = writeln!(
            out,
            "<tspan class=\"value\" dx=\"8\">{}</tspan></text>",
            escaped(&short(&row.value, room))
        );
        y = middle + 4;
    }
    for line in guards(card) {
        y += LINE;
        text(out, CARD_X + 14, y, "guard", &line);
    }
}

fn rect(out: &mut String, class: &str, x: usize, y: usize, width: usize, height: usize) {
    let _ = writeln!(
        out,
        "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"7\"/>"
    );
}

fn text(out: &mut String, x: usize, y: usize, class: &str, words: &str) {
    let _ = writeln!(out, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escaped(words));
}

/// Words broken into lines of at most so many characters, where they can be.
fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split(' ') {
        let fits =
            lines.last().is_some_and(|l| l.is_empty() || l.chars().count() + word.chars().count() < most);
        match lines.last_mut() {
            Some(line) if fits => {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['\u{2026}']).collect()
}

/// A text as it stands in XML; what XML cannot hold is replaced.
pub(in crate::cli) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
