//! `report.html`: one page that needs nothing but a browser, made of [`Section`]s of charts, pictures, tables and words.

mod chart;
mod page;
mod plots;

pub use chart::{Chart, Mark, Series};

use super::picture::Picture;
use crate::Error;
use crate::files::write_whole;
use std::io::Write;
use std::path::Path;

/// A page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// What it is about.
    pub title: String,
    /// Below the title: words that say what was done.
    pub words: String,
    /// The figures that are looked for first.
    pub figures: Vec<Figure>,
    /// The rest, from top to bottom.
    pub sections: Vec<Section>,
}

/// A figure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figure {
    /// What it is.
    pub name: String,
    /// The number with its unit.
    pub value: String,
    /// What else should be known.
    pub note: String,
}

/// A part of the page under a heading.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// How to read what follows, and what it is of.
    pub words: String,
    /// What it holds, side by side where there is room.
    pub items: Vec<Item>,
}

/// What a section holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// Lines and bars.
    Chart(Chart),
    /// Tiles.
    Picture {
        /// What it shows.
        title: String,
        /// How to read it.
        words: String,
        /// Its pixels.
        picture: Picture,
    },
    /// Rows of numbers or words.
    Table(Table),
    /// Words that matter: what went wrong, and what to try.
    Warning(String),
    /// What can be typed or read by a program.
    Code {
        /// What it is.
        title: String,
        /// The text.
        text: String,
    },
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// What it holds.
    pub title: String,
    /// Headings of its columns.
    pub columns: Vec<String>,
    /// Its rows, the first cell of each being its name.
    pub rows: Vec<Vec<Cell>>,
    /// Whether it is put away until asked for.
    pub folded: bool,
}

/// A cell of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// Its text.
    pub text: String,
    /// How dark its ground is, from 0 to 1.
    pub shade: f64,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, shade: 0.0 }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl Report {
    /// Writes the page, whole or not at all. Fails when it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let page = page::html(self);
        write_whole(path, "write the report", |file| file.write_all(page.as_bytes()))
    }

    /// Writes every chart as SVG and every picture as PNG into a folder, which is created if need be; returns their names. Fails when one cannot be
    /// written.
    pub fn write_plots(&self, folder: &Path) -> Result<Vec<String>, Error> {
        plots::write(self, folder)
    }
}
