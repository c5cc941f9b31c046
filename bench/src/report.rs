//! Results: plain tables for people, JSON for whoever wants to compare runs.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::machine::Machine;

/// Everything one run found out.
#[derive(Serialize)]
pub(crate) struct Report {
    machine: Machine,
    /// What was left out, and why.
    missing: Vec<String>,
    pub(crate) sections: Vec<Section>,
}

/// What one scenario found out.
#[derive(Serialize)]
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) title: String,
    #[serde(skip)]
    pub(crate) tables: Vec<Table>,
    pub(crate) verdicts: Vec<Verdict>,
    /// Every figure of every round.
    pub(crate) data: serde_json::Value,
}

/// A figure and what it should at most be.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    pub(crate) measured: f64,
    pub(crate) limit: f64,
}

impl Report {
    pub(crate) fn new(machine: Machine, missing: Vec<String>) -> Self {
        Self { machine, missing, sections: Vec::new() }
    }

    pub(crate) fn print_head(&self, out: &mut impl Write) -> io::Result<()> {
        self.machine.print(out)?;
        self.missing.iter().try_for_each(|reason| writeln!(out, "{reason}"))
    }

    /// Every figure that has a limit, side by side with it.
    pub(crate) fn print_verdicts(&self, out: &mut impl Write) -> io::Result<()> {
        let mut table = Table::new(&["figure", "measured", "at most", ""]);
        for verdict in self.sections.iter().flat_map(|section| &section.verdicts) {
            table.push(verdict.row());
        }
        if table.rows.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nAgainst the aims")?;
        table.print(out)
    }

    pub(crate) fn save(&self, file: &Path) -> Result<()> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        }
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        fs::write(file, text).with_context(|| format!("write {}", file.display()))
    }
}

impl Section {
    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "\n{}", self.title)?;
        self.tables.iter().try_for_each(|table| table.print(out))
    }
}

impl Verdict {
    fn row(&self) -> [String; 4] {
        let Self { what, unit, measured, limit } = self;
        let verdict = if measured <= limit { "met" } else { "NOT MET" };
        [what.clone(), format!("{measured:.2} {unit}"), format!("{limit:.2} {unit}"), verdict.to_owned()]
    }
}

/// Rows under a head, columns as wide as they must be.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    head: Vec<String>,
}

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { rows: Vec::new(), head: head.iter().map(|cell| (*cell).to_owned()).collect() }
    }

    pub(crate) fn push<const N: usize>(&mut self, row: [String; N]) {
        debug_assert_eq!(N, self.head.len(), "a cell for each column");
        self.rows.push(row.into());
    }

    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let all = || std::iter::once(&self.head).chain(&self.rows);
        let width = |column: usize| all().map(|row| row[column].len()).max().unwrap_or_default();
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        for row in all() {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            writeln!(out, "  {}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&["path", "us"]);
        table.push(["relay+log".to_owned(), "1".to_owned()]);
        let mut out = Vec::new();
        table.print(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "  path       us\n  relay+log  1\n");
    }

    #[test]
    fn a_figure_that_is_not_one_does_not_meet_its_limit() {
        let verdict = |measured| Verdict { what: String::new(), unit: "x", measured, limit: 1.0 };
        assert_eq!(verdict(1.0).row()[3], "met");
        assert_eq!(verdict(1.01).row()[3], "NOT MET");
        assert_eq!(verdict(f64::NAN).row()[3], "NOT MET");
    }
}
