//! CSV: columns by name, labels, categories, missing values as empty cells, streams cut into windows.

use super::columns::Columns;
use super::reader::{Origin, Reader};
use super::store::{Budget, MAX_VISIBLE, Store};
use super::table::{Channel, Names, Table};
use super::windows::Windows;
use super::{DataOptions, Header, Samples};
use crate::Error;
use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};
use std::io::{self, BufRead};

/// What a test part takes over from the training part, and any part from a model.
#[derive(Clone, Copy, Default)]
pub(super) struct Known<'a> {
    /// The classes, where they are known.
    pub classes: Option<&'a [String]>,
    /// The inputs' columns, where they are known.
    pub channels: &'a [Channel],
}

/// The lines of a table of text: commas, semicolons or tabs, whichever the first has.
pub(super) struct Lines<'a> {
    origin: Origin,
    pub delimiter: u8,
    /// The line that names the columns, where there is one.
    pub header: Option<StringRecord>,
    lines: csv::Reader<Reader<'a>>,
    record: StringRecord,
    /// The record is one that nobody has taken.
    is_pending: bool,
}

impl<'a> Lines<'a> {
    /// Opens a table and finds its columns; `trim` says whether cells are given without the spaces about them. Fails with file and line.
    pub fn open(
        mut reader: Reader<'a>,
        options: &DataOptions,
        channels: &[Channel],
        trim: Trim,
    ) -> Result<(Self, Columns), Error> {
        let origin = reader.origin.clone();
        let delimiter = delimiter(reader.fill_buf().map_err(|error| origin.failed(error))?);
        let mut builder = ReaderBuilder::new();
        let lines = builder.delimiter(delimiter).has_headers(false).flexible(true).trim(trim).from_reader(reader);
        let mut lines = Self { origin, delimiter, header: None, lines, record: StringRecord::new(), is_pending: false };
        let Some(first) = lines.next()?.cloned() else { return Err(lines.origin.problem("is empty")) };
        let mut names = first.clone();
        names.trim();
        let has_header = match options.header {
            Header::Yes => true,
            Header::No => false,
            Header::Auto => !names.iter().any(|cell| cell.parse::<f32>().is_ok()),
        };
        let columns = Columns::new(&lines.origin, &names, has_header, options, channels)?;
        lines.is_pending = !has_header;
        lines.header = has_header.then_some(first);
        Ok((lines, columns))
    }

    /// The next line of values. Fails where it cannot be read.
    pub fn next(&mut self) -> Result<Option<&StringRecord>, Error> {
        let is_there = std::mem::take(&mut self.is_pending)
            || self.lines.read_record(&mut self.record).map_err(|error| failed(&self.origin, error))?;
        Ok(is_there.then_some(&self.record))
    }
}

/// Reads a table of text. Fails with file, line and column.
pub(super) fn read(
    reader: Reader<'_>,
    options: &DataOptions,
    known: Known<'_>,
    budget: &Budget,
) -> Result<Table, Error> {
    let origin = reader.origin.clone();
    let (mut lines, columns) = Lines::open(reader, options, known.channels, Trim::All)?;
    let mut rows = Rows::new(&origin, columns, options, known, budget)?;
    while let Some(record) = lines.next()? {
        rows.push(record)?;
    }
    rows.finish()
}

fn delimiter(start: &[u8]) -> u8 {
    let mut is_quoted = false;
    let outside = |&&byte: &&u8| {
        is_quoted ^= byte == b'"';
        !is_quoted
    };
    let line = start.iter().take_while(|&&byte| byte != b'\n');
    line.filter(outside).copied().find(|byte| b",;\t".contains(byte)).unwrap_or(b',')
}

fn failed(origin: &Origin, error: csv::Error) -> Error {
    let line = error.position().map_or(1, csv::Position::line);
    match error.into_kind() {
        ErrorKind::Io(error) => origin.failed(error),
        ErrorKind::Utf8 { err, .. } => origin.problem(format!("line {line}, cell {}: is not UTF-8", err.field() + 1)),
        kind => {
            let other = io::Error::other(format!("{kind:?}"));
            origin.problem(format!("line {line}: {other}"))
        }
    }
}

/// The rows that have come so far. A categorical column is one number in them, the category's, until all categories are known.
struct Rows<'a> {
    origin: &'a Origin,
    columns: Columns,
    /// Names of classes, and whether there can be others.
    classes: Names,
    are_classes_known: bool,
    groups: Names,
    /// Names of every input's categories.
    categories: Vec<Names>,
    windows: Option<Windows>,
    steps: usize,
    store: Store<'a>,
    budget: &'a Budget,
    labels: Vec<u16>,
    sample_groups: Vec<u32>,
    row: Vec<f32>,
    missing: Option<String>,
}

impl<'a> Rows<'a> {
    fn new(
        origin: &'a Origin,
        columns: Columns,
        options: &DataOptions,
        known: Known<'_>,
        budget: &'a Budget,
    ) -> Result<Self, Error> {
        let steps = options.window.unwrap_or(1);
        let windows = options.window.map(|size| Windows::new(size, options.hop.unwrap_or(size), options.mixed_windows));
        let visible = steps.saturating_mul(columns.inputs.len());
        if visible > MAX_VISIBLE {
            let problem = format!("windows of {steps} rows have {visible} values; there can be {MAX_VISIBLE}");
            return Err(origin.problem(problem));
        }
        let categories = columns.inputs.iter().map(|input| Names::known(input.categories.as_deref().unwrap_or(&[])));
        Ok(Self {
            origin,
            classes: Names::known(known.classes.unwrap_or(&[])),
            are_classes_known: known.classes.is_some(),
            groups: Names::default(),
            categories: categories.collect(),
            windows,
            steps,
            store: Store::new(visible, budget),
            budget,
            labels: Vec::new(),
            sample_groups: Vec::new(),
            row: Vec::with_capacity(columns.inputs.len()),
            missing: None,
            columns,
        })
    }

    /// Takes a line.
    fn push(&mut self, record: &StringRecord) -> Result<(), Error> {
        let line = record.position().map_or(0, csv::Position::line);
        let (expected, found) = (self.columns.names.len(), record.len());
        if found != expected {
            return Err(self
                .origin
                .problem(format!("line {line}: {found} cells, where the first line has {expected}")));
        }
        let label = match self.columns.label {
            Some(column) => Some(self.label(line, column, &record[column])?),
            None => None,
        };
        let group = self.columns.group.map(|column| self.groups.number(&record[column]));
        self.row.clear();
        for (input, names) in self.columns.inputs.iter().zip(&mut self.categories) {
            let cell = &record[input.column];
            let value = match &input.categories {
                _ if cell.is_empty() => f32::NAN,
                None => number(cell).ok_or_else(|| not_a_number(self.origin, line, &input.name, cell))?,
                Some(given) if given.is_empty() => names.number(cell) as f32,
                Some(given) => names.find(cell).map(|number| number as f32).ok_or_else(|| {
                    let (column, given) = (&input.name, given.join(", "));
                    self.origin.problem(format!("line {line}, column `{column}`: `{cell}` is none of {given}"))
                })?,
            };
            if value.is_nan() && self.missing.is_none() {
                self.missing = Some(format!("line {line}, column `{}`", input.name));
            }
            self.row.push(value);
        }
        let (store, labels, groups) = (&mut self.store, &mut self.labels, &mut self.sample_groups);
        let mut take = |values: &[f32], label: Option<u16>| {
            labels.extend(label);
            groups.extend(group);
            store.push(values)
        };
        match &mut self.windows {
            Some(windows) => windows.push(group.unwrap_or(0), &self.row, label, take),
            None => take(&self.row, label),
        }
    }

    fn label(&mut self, line: u64, column: usize, cell: &str) -> Result<u16, Error> {
        let name = &self.columns.names[column];
        let wrong = |what: String| Err(self.origin.problem(format!("line {line}, column `{name}`: {what}")));
        if cell.is_empty() {
            return wrong("no label".to_owned());
        }
        let number = match self.classes.find(cell) {
            Some(number) => number,
            None if self.are_classes_known => {
                return wrong(format!("label `{cell}` is none of the classes {}", shortened(&self.classes.names)));
            }
            None => self.classes.number(cell),
        };
        match u16::try_from(number) {
            Ok(number) => Ok(number),
            Err(_) => wrong("the 65,537th different label: is this the column of the labels?".to_owned()),
        }
    }

    fn finish(mut self) -> Result<Table, Error> {
        if self.store.rows() == 0 {
            let problem = match self.steps {
                1 => "holds no rows beside the line that names the columns".to_owned(),
                steps => format!("no recording fills a window of {steps} rows"),
            };
            return Err(self.origin.problem(problem));
        }
        if !self.are_classes_known {
            let new_of_old = self.classes.sort();
            self.labels.iter_mut().for_each(|label| *label = new_of_old[usize::from(*label)] as u16);
        }
        let mut channels = Vec::new();
        let mut renumbered = Vec::new();
        for (input, mut names) in self.columns.inputs.into_iter().zip(self.categories) {
            renumbered.push(match &input.categories {
                None => None,
                Some(given) if given.is_empty() => Some(names.sort()),
                Some(given) => Some((0..given.len() as u32).collect()),
            });
            if input.categories.is_some() && names.names.is_empty() {
                let problem = format!("column `{}` is categorical, but all its cells are empty", input.name);
                return Err(self.origin.problem(problem));
            }
            channels.push(Channel { name: input.name, categories: names.names });
        }
        let mut rows = self.store.finish()?;
        if renumbered.iter().any(Option::is_some) {
            rows = one_hot(self.origin, rows, &channels, &renumbered, self.budget)?;
        }
        Ok(Table {
            rows,
            labels: self.labels,
            classes: self.classes.names,
            groups: self.sample_groups,
            channels,
            image: None,
            max_level: None,
            missing: self.missing,
            notes: self.windows.map_or_else(Vec::new, |windows| windows.notes()),
        })
    }
}

/// The rows with a unit for every category in the place of its number; of a missing one all units are missing.
fn one_hot(
    origin: &Origin,
    rows: Samples,
    channels: &[Channel],
    renumbered: &[Option<Vec<u32>>],
    budget: &Budget,
) -> Result<Samples, Error> {
    let units: usize = channels.iter().map(Channel::units).sum();
    let visible = rows.visible() / channels.len() * units;
    if visible > MAX_VISIBLE {
        let problem = format!("its categories make {visible} values a sample; there can be {MAX_VISIBLE}");
        return Err(origin.problem(problem));
    }
    let mut store = Store::new(visible, budget);
    let mut row = Vec::with_capacity(visible);
    for piece in rows.pieces() {
        for sample in piece?.iter() {
            row.clear();
            for (place, &value) in sample.iter().enumerate() {
                let channel = place % channels.len();
                match &renumbered[channel] {
                    None => row.push(value),
                    Some(_) if value.is_nan() => row.extend(std::iter::repeat_n(f32::NAN, channels[channel].units())),
                    Some(new_of_old) => {
                        let first = row.len();
                        row.resize(first + channels[channel].units(), 0.0);
                        row[first + new_of_old[value as usize] as usize] = 1.0;
                    }
                }
            }
            store.push(&row)?;
        }
    }
    store.finish()
}

/// A cell's number; NaN, which is missing, where it says so. `None` when it is none, or no finite one.
fn number(cell: &str) -> Option<f32> {
    cell.parse::<f32>().ok().filter(|value| !value.is_infinite())
}

fn not_a_number(origin: &Origin, line: u64, column: &str, cell: &str) -> Error {
    let cell: String = cell.chars().take(40).collect();
    let ways = format!("--label {column}, --ignore {column} or --categorical {column}");
    let hint = if line == 1 { "--header yes where the line names the columns" } else { &ways };
    origin.problem(format!("line {line}, column `{column}`: `{cell}` is no finite number ({hint})"))
}

/// Names for an error, the first of them where there are many.
fn shortened(names: &[String]) -> String {
    const MOST: usize = 20;
    let more = if names.len() > MOST { ", …" } else { "" };
    names[..names.len().min(MOST)].join(", ") + more
}
