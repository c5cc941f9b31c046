//! A support report: the doctor's findings, the settings, recent logs and the status, in a zip file without secrets.
//!
//! The preview shows exactly what is saved. `gather` collects the pages, `scrub` removes secrets.

mod gather;
mod scrub;

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use zip::write::{SimpleFileOptions, ZipWriter};

use crate::doctor::{Check, Context};
use llamapool_settings::Env;

/// A complete report.
#[derive(Debug, Clone)]
pub struct Report {
    pages: Vec<Page>,
}

/// One file of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its name in the zip.
    pub name: String,
    /// Its content.
    pub text: String,
}

impl Report {
    /// Gathers everything, including the doctor's findings and the settings from the environment. Reads some files, and asks a running worker for its
    /// status.
    pub async fn gather(context: &Context, checks: &[Check], env: &Env) -> Self {
        Self { pages: gather::pages(context, checks, env).await }
    }

    /// Its files, exactly as they would be saved.
    #[must_use]
    pub fn preview(&self) -> &[Page] {
        &self.pages
    }

    /// Writes it as a zip that only its owner can read.
    ///
    /// # Errors
    /// A file of that name exists, or it cannot be written.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut zip = ZipWriter::new(BufWriter::new(options.open(path)?));
        for page in &self.pages {
            zip.start_file(&page.name, SimpleFileOptions::default()).map_err(io::Error::other)?;
            zip.write_all(page.text.as_bytes())?;
        }
        zip.finish().map_err(io::Error::other)?.into_inner().map_err(|error| error.into_error())?.sync_all()
    }
}

#[cfg(test)]
mod tests;
