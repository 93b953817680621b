//! What holds of every parser, whatever it is given: it does not panic, what it takes is sound, and
//! what it refuses it refuses in words that help. The fuzz targets and `tests/parsers.rs` ask the
//! same.
#![allow(dead_code, reason = "each user asks for one thing")]

use std::sync::Arc;

use plancache::domain::{Argument, Learning, Namespace, Template, Trace};
use plancache::expr::{Compiled, Program};
use plancache::extract::{extract, merge, shape_key};
use plancache::fill::{Rules, Wording, cover, cover_around, play};
use plancache::import::{Format, Reader, Settings};
use plancache::programs::{Language, Piece, Reading, render, statement};
use plancache::spans::{lex, masked};
use plancache::validate::{self, Invalid};
use serde_json::{Map, Value};

/// The lexer, object literals included: tokens stand in order, on the borders of characters, and
/// leave out blanks alone; an object's values are text.
pub(crate) fn text(text: &str) {
    let lexed = lex(text);
    let mut at = 0;
    for (i, token) in lexed.tokens.iter().enumerate() {
        assert!(token.start >= at && token.end > token.start, "token {i} of {text:?}");
        assert!(text[at..token.start].chars().all(char::is_whitespace), "before token {i} of {text:?}");
        at = token.end;
        if let Value::Object(map) = &token.value {
            assert!(map.values().all(Value::is_string), "{text:?}");
        }
    }
    assert!(text[at..].chars().all(char::is_whitespace), "after the last token of {text:?}");
    assert_eq!(lexed.slice(0, lexed.tokens.len()), text.trim_matches(blank), "{text:?}");
    masked(&lexed);
    plancache::matching::words(text);
}

/// What stands between tokens: all white space but a line break.
fn blank(c: char) -> bool {
    c.is_whitespace() && c != '\n'
}

/// A template file, with and without evidence: what is read is valid and written as it was read;
/// what is not says where, what, and what to do.
pub(crate) fn template_file(text: &str) {
    match validate::read_template(text) {
        Ok(read) => {
            assert_eq!(validate::template(&read), Ok(()));
            let again = serde_json::to_string(&read).unwrap();
            assert_eq!(validate::read_template(&again), Ok(read.clone()));
            used(&read);
        }
        Err(why) => clear(&why),
    }
    match validate::read_record(text) {
        Ok(read) => {
            let again = serde_json::to_string(&read).unwrap();
            assert_eq!(validate::read_record(&again), Ok(read));
        }
        Err(why) => clear(&why),
    }
}

fn clear(why: &Invalid) {
    assert!(!why.place.is_empty() && !why.what.is_empty() && !why.remedy.is_empty(), "{why:?}");
}

/// A valid template can be used on any text without a panic: read, played, merged.
fn used(template: &Template) {
    let template = Arc::new(template.clone());
    let said = "Reader R_1 wants Emma, Ulysses and Emma extended because of travel. {a: b} 12 'x'";
    let task = plancache::domain::Task {
        namespace: Namespace::default(),
        text: said.into(),
        context: Value::Null,
        tools: Arc::default(),
        output_format: None,
    };
    let programs = Compiled::default();
    let rules = Rules {
        task: &task,
        is_read: &|_| true,
        programs: &programs,
        least_seen: 0,
        least_failures: 0,
        gaps: &[],
    };
    for wording in [Wording::Exact, Wording::Free] {
        for blocks in cover(std::slice::from_ref(&template), &lex(said), wording).covers {
            play(&blocks, &[], &Map::new(), rules);
        }
    }
    let heads = ["ulysses"].into_iter().collect();
    let around = cover_around(std::slice::from_ref(&template), &lex(said), Wording::Exact, &heads);
    assert_eq!(around.covers.is_empty(), around.gaps.is_empty());
    for gap in around.gaps.iter().flatten() {
        assert!(gap.from < gap.to && gap.to <= lex(said).tokens.len());
    }
    shape_key(&template);
    merge(&template, &template, true);
    for (_, argument) in template.steps.iter().flat_map(|s| &s.arguments) {
        Argument::spaces(argument, &mut |space| {
            space.best().count();
        });
    }
}

/// A file of recorded runs, whatever format it is taken for: a run that is read can be learnt from;
/// a record that is not is named by line, column, reason and remedy; and it comes to an end.
pub(crate) fn recording(bytes: &[u8]) {
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
    for format in [Format::Auto, Format::Openai, Format::Otel, Format::Tau, Format::Runs] {
        for read in Reader::new(bytes, "name", Settings { format, ..Settings::default() }) {
            match read {
                Ok(recorded) => {
                    assert!(recorded.line >= 1 && recorded.line <= lines);
                    learnt(&recorded.trace);
                }
                Err(bad) => {
                    assert!(bad.line >= 1 && bad.line <= lines && bad.column >= 1, "{bad:?}");
                    assert!(!bad.why.is_empty() && !bad.remedy.is_empty(), "{bad:?}");
                }
            }
        }
    }
}

/// Extraction never panics, and what it gives stands for parts of the text and of the run.
pub(crate) fn learnt(trace: &Trace) {
    let found = extract(trace, &|tool| tool.len().is_multiple_of(2), Learning::default());
    assert_eq!(found.templates.len(), found.ranges.len());
    assert_eq!(found.templates.len(), found.steps.len());
    for (n, template) in found.templates.iter().enumerate() {
        let (from, to) = found.ranges[n];
        assert!(trace.task.text.get(from..to).is_some(), "{trace:?}");
        assert!(found.steps[n].iter().all(|step| *step < trace.steps.len()), "{trace:?}");
        assert_eq!(merge(template, template, false).as_ref(), Some(template));
        validate::leftover_literals(template, trace, 3);
    }
}

/// A program in any language: its parts are its text, and with another value in the place of one it is the
/// same program, whatever the value says.
pub(crate) fn program(text: &str, value: &str) {
    for language in [None, Some(Language::Shell), Some(Language::Python), Some(Language::JavaScript)] {
        let read = |text: &str| match language {
            None => statement(text),
            Some(language) => language.read(text, &|_| false),
        };
        let Some(reading) = read(text) else { continue };
        assert_eq!(written(&reading, None).as_deref(), Some(text));
        for at in 0..reading.pieces.len() {
            if let Some(other) = written(&reading, Some((at, value))) {
                // What is no program any more is not served.
                let Some(again) = read(&other) else { continue };
                assert_eq!(fixed(&again), fixed(&reading), "{text:?} with {value:?} is {other:?}");
            }
        }
    }
}

/// A program's text, with another value for one of its parts; `None` if that is no value, or cannot be it.
fn written(reading: &Reading, other: Option<(usize, &str)>) -> Option<String> {
    let mut is_other = other.is_none();
    let text = reading.pieces.iter().enumerate().map(|(n, piece)| match piece {
        Piece::Text(text) | Piece::Name(text) => Some(text.clone()),
        Piece::Value(literal) => {
            let other = other.filter(|(at, _)| *at == n).map(|(_, value)| Value::from(value));
            is_other |= other.is_some();
            let value = other.as_ref().unwrap_or(&literal.value);
            render(value, &literal.before, &literal.after, literal.quoting)
        }
    });
    let text: Option<String> = text.collect();
    text.filter(|_| is_other)
}

/// What is fixed in a program, without the signs that mean nothing inside a longer text and those by which
/// a shell's word is put together.
fn fixed(reading: &Reading) -> String {
    let text = reading.pieces.iter().filter_map(|piece| match piece {
        Piece::Text(text) | Piece::Name(text) => Some(text.as_str()),
        Piece::Value(_) => None,
    });
    text.flat_map(str::chars).filter(|c| !c.is_whitespace() && !"_-.,:/@+%'\"\\]^~".contains(*c)).collect()
}

/// A guard: one that compiles gives true, false or an error on any observation; one that does not
/// says why, in one line that is not much longer than the guard may be.
pub(crate) fn guard(source: &str, observed: &Value) {
    match Program::compile(source) {
        Ok(program) => {
            assert_eq!(program.source(), source);
            program.variables();
            program.literals();
            for value in [observed, &Value::Null] {
                if let Err(why) = program.holds(value) {
                    assert!(!why.to_string().is_empty());
                }
            }
        }
        Err(why) => assert!(!why.to_string().is_empty(), "{source:?}"),
    }
}
