//! From a spec to [`Table`]s.

use super::elements::Elements;
use super::numpy::{self, Archive};
use super::reader::Reader;
use super::spec::mnist_files;
use super::store::Budget;
use super::table::Table;
use super::{DataOptions, Spec, csv, digits, idx};
use crate::Error;
use crate::arrays::Element;
use std::path::Path;

pub(super) use super::csv::Known;

/// Level that means 1, of bytes.
const BYTE: u16 = 255;
/// Classes of MNIST and of the sets that have its form.
const MNIST_CLASSES: u16 = 10;

/// Which of the samples are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Train,
    Test,
}

/// Reads a part; `None` where the source has no test part of its own. What is `known` already holds for it too.
pub(super) fn read(
    spec: &Spec,
    part: Part,
    options: &DataOptions,
    known: Known<'_>,
    budget: &Budget,
) -> Result<Option<Table>, Error> {
    let is_test = part == Part::Test;
    let table = match spec {
        Spec::Digits => {
            let [images, labels] = digits::files(is_test);
            let open = |(name, bytes): (&str, &'static [u8])| Reader::new(name.to_owned(), bytes);
            let mut table = table(&mut open(images)?, idx::header, budget)?;
            add_labels(&mut table, &mut open(labels)?, idx::header)?;
            table.max_level = Some(digits::MAX_LEVEL);
            name_classes(&mut table, Known { classes: Some(&names(digits::CLASSES)), ..known }, labels.0)?;
            table
        }
        Spec::Mnist { folder } => {
            let names_of: &[&str] = if is_test { &["t10k", "test"] } else { &["train"] };
            if is_test && mnist_files(folder, names_of).is_err() && mnist_files(folder, &["train"]).is_ok() {
                return Ok(None);
            }
            let (images, labels) = mnist_files(folder, names_of)?;
            let mut table = table(&mut Reader::open(&images)?, idx::header, budget)?;
            add_labels(&mut table, &mut Reader::open(&labels)?, idx::header)?;
            let digits = names(MNIST_CLASSES);
            let known = Known { classes: known.classes.or(Some(&digits)), ..known };
            name_classes(&mut table, known, &labels.display().to_string())?;
            table
        }
        Spec::Idx { .. } | Spec::Csv { .. } | Spec::Npy { .. } if is_test => return Ok(None),
        Spec::Idx { images, labels } => files(images, labels.as_deref(), idx::header, known, budget)?,
        Spec::Npy { file, labels } => files(file, labels.as_deref(), numpy::header, known, budget)?,
        Spec::Csv { file } => csv::read(Reader::open(file)?, options, known, budget)?,
        Spec::Npz { file, inputs, labels } => {
            let mut archive = Archive::open(file)?;
            if is_test && inputs.is_some() {
                return Ok(None);
            }
            let asked = [inputs.as_deref(), labels.as_deref()];
            let [Some(inputs), labels] = archive.arrays(usize::from(is_test), asked)? else { return Ok(None) };
            let mut table = archive.read(&inputs, |reader| table(reader, numpy::header, budget))?;
            if let Some(labels) = labels {
                archive.read(&labels, |reader| {
                    add_labels(&mut table, reader, numpy::header)?;
                    name_classes(&mut table, known, &reader.origin.name)
                })?;
            }
            table
        }
    };
    Ok(Some(table))
}

type ReadHeader = fn(&mut Reader<'_>) -> Result<Elements, Error>;

/// A table of one file and another with its labels.
fn files(
    file: &Path,
    labels: Option<&Path>,
    header: ReadHeader,
    known: Known<'_>,
    budget: &Budget,
) -> Result<Table, Error> {
    let mut table = table(&mut Reader::open(file)?, header, budget)?;
    if let Some(labels) = labels {
        add_labels(&mut table, &mut Reader::open(labels)?, header)?;
        name_classes(&mut table, known, &labels.display().to_string())?;
    }
    Ok(table)
}

fn table(reader: &mut Reader<'_>, header: ReadHeader, budget: &Budget) -> Result<Table, Error> {
    let elements = header(reader)?;
    let rows = elements.samples(reader, budget)?.finish()?;
    Ok(Table {
        rows,
        labels: Vec::new(),
        classes: Vec::new(),
        groups: Vec::new(),
        channels: Vec::new(),
        image: elements.image(),
        max_level: (elements.element == Element::U8).then_some(BYTE),
        missing: None,
        notes: Vec::new(),
    })
}

fn add_labels(table: &mut Table, reader: &mut Reader<'_>, header: ReadHeader) -> Result<(), Error> {
    let labels = header(reader)?.labels(reader)?;
    let (found, samples) = (labels.len(), table.rows.rows());
    if found != samples {
        return Err(reader.origin.problem(format!("{found} labels for {samples} samples")));
    }
    table.labels = labels;
    Ok(())
}

/// Numbers as the names of classes: the known ones, or all up to the greatest label. Fails when a label has no class, or most classes no sample;
/// `name` is the labels' file.
fn name_classes(table: &mut Table, known: Known<'_>, name: &str) -> Result<(), Error> {
    let greatest = table.labels.iter().copied().max().unwrap_or(0);
    table.classes =
        known.classes.map_or_else(|| (0..=greatest).map(|class| class.to_string()).collect(), <[_]>::to_vec);
    let classes = table.classes.len();
    match table.labels.iter().position(|&label| usize::from(label) >= classes) {
        Some(row) => {
            let problem =
                format!("label {} of sample {row} is out of range: there are {classes} classes", table.labels[row]);
            Err(Error::data(name, problem))
        }
        None if known.classes.is_some() => Ok(()),
        None => check_gaps(table, name, greatest),
    }
}

/// Says which classes below the greatest label have no sample. Fails where they are the most: one damaged label makes hundreds of them.
fn check_gaps(table: &mut Table, name: &str, greatest: u16) -> Result<(), Error> {
    const LISTED: usize = 10;
    let mut are_empty = vec![true; usize::from(greatest) + 1];
    table.labels.iter().for_each(|&label| are_empty[usize::from(label)] = false);
    let empty: Vec<String> = (0..=greatest).filter(|&l| are_empty[usize::from(l)]).map(|l| l.to_string()).collect();
    let Some(row) = table.labels.iter().position(|&label| label == greatest).filter(|_| !empty.is_empty()) else {
        return Ok(());
    };
    let more = if empty.len() > LISTED { ", …" } else { "" };
    let listed = empty[..empty.len().min(LISTED)].join(", ") + more;
    let found = format!("the largest label, {greatest}, is that of sample {row}");
    if 2 * empty.len() > are_empty.len() {
        let problem = format!(
            "{found}, but {} of the {} classes up to it have no sample ({listed}): labels count the classes from 0",
            empty.len(),
            are_empty.len()
        );
        return Err(Error::data(name, problem));
    }
    let classes = if empty.len() == 1 { "class" } else { "classes" };
    table.notes.push(format!("{name}: no sample of {classes} {listed}; {found}"));
    Ok(())
}

fn names(classes: u16) -> Vec<String> {
    (0..classes).map(|class| class.to_string()).collect()
}
