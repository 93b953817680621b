use std::io::{self, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

/// Where results go: text for people, or JSON.
pub(super) struct Output<'w> {
    writer: Box<dyn Write + 'w>,
    json: bool,
}

impl<'w> Output<'w> {
    pub(super) fn new(writer: Box<dyn Write + 'w>, json: bool) -> Self {
        Self { writer: Box::new(io::BufWriter::new(writer)), json }
    }

    /// Whether JSON is asked for.
    pub(super) fn json(&self) -> bool {
        self.json
    }

    pub(super) fn line(&mut self, text: impl AsRef<str>) -> io::Result<()> {
        writeln!(self.writer, "{}", text.as_ref())
    }

    /// One JSON document, indented.
    pub(super) fn value(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut self.writer, value).map_err(io::Error::from)?;
        writeln!(self.writer)
    }

    pub(super) fn table(&mut self, header: &[&str], rows: Vec<Vec<String>>) -> io::Result<()> {
        table(header, rows).iter().try_for_each(|line| self.line(line))
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// A table as lines.
pub(super) fn table(header: &[&str], rows: Vec<Vec<String>>) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.iter().copied());
    table.add_rows(rows);
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}
