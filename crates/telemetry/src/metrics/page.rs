//! The reference page of all series, generated from their declarations.

use std::fmt::{self, Write};

use super::series::{Kind, Series};

/// The part of the page about one program.
#[derive(Debug)]
pub struct Chapter {
    /// Its heading.
    pub title: &'static str,
    /// A sentence or two about its series.
    pub about: &'static str,
    /// All of its series.
    pub series: &'static [&'static Series],
}

/// The page in Markdown: `introduction`, and a table for each chapter.
pub fn markdown(introduction: &str, chapters: &[Chapter]) -> String {
    let mut page = introduction.to_owned();
    let written = chapters.iter().try_for_each(|chapter| write_chapter(&mut page, chapter));
    written.expect("writing to a string cannot fail");
    page
}

fn write_chapter(page: &mut String, chapter: &Chapter) -> fmt::Result {
    writeln!(page, "\n## {}\n\n{}\n", chapter.title, chapter.about)?;
    writeln!(page, "| series | type | labels | unit | meaning |\n|---|---|---|---|---|")?;
    for series in chapter.series {
        let labels: Vec<_> = series.labels.iter().map(|label| format!("`{label}`")).collect();
        let unit = series.unit().unwrap_or_default();
        let kind = kind(series.kind);
        writeln!(page, "| `{}` | {kind} | {} | {unit} | {} |", series.name, labels.join(", "), says(series))?;
    }
    Ok(())
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Gauge | Kind::Info => "gauge",
        Kind::Histogram(_) => "histogram",
    }
}

fn says(series: &Series) -> String {
    let Kind::Histogram(bounds) = series.kind else { return series.help.to_owned() };
    let bounds: Vec<_> = bounds.iter().map(ToString::to_string).collect();
    format!("{}<br>Buckets: {}.", series.help, bounds.join(", "))
}
