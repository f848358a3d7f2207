//! From tables to a [`Dataset`]: splits, one preprocessing for all of them, and what the user should know.

use super::source::{self, Known, Part};
use super::store::{Budget, default_budget};
use super::table::Table;
use super::{DataOptions, Dataset, Fitted, PIECE_ROWS, Preprocessing, Samples, Spec, Split, fit, parts};
use crate::Error;

/// Numbers of the parts, for draws: those split off come from the rows of the training part and have its number.
const MAIN: u16 = 0;
const TEST: u16 = 1;

/// Tables as they are, before they are split and scaled.
pub(super) struct Raw {
    pub name: String,
    pub train: Table,
    pub test: Option<Table>,
}

/// Reads the tables that `options` name. Fails when the options contradict the data, or each other.
pub(super) fn read(options: &DataOptions, classes: Option<&[String]>) -> Result<Raw, Error> {
    let spec = Spec::parse("--data", &options.data)?;
    let test_spec = options.test.as_deref().map(|text| Spec::parse("--test", text)).transpose()?;
    check_flags(options, spec.is_csv() || test_spec.as_ref().is_some_and(Spec::is_csv))?;
    let budget = Budget::new(options.memory.map_or_else(default_budget, |memory| memory.0));
    let known = Known { classes, channels: &[] };
    let Some(train) = source::read(&spec, Part::Train, options, known, &budget)? else {
        return Err(Error::data(&options.data, "has no training part".into()));
    };
    let classes = classes.or((!train.labels.is_empty()).then_some(train.classes.as_slice()));
    let known = Known { classes, channels: &train.channels };
    let test = match &test_spec {
        None => source::read(&spec, Part::Test, options, known, &budget)?,
        Some(spec) => match source::read(spec, Part::Test, options, known, &budget)? {
            None => source::read(spec, Part::Train, options, known, &budget)?,
            test => test,
        },
    };
    if let Some(test) = &test {
        let name = options.test.as_ref().unwrap_or(&options.data);
        let (visible, expected) = (test.rows.visible(), train.rows.visible());
        if visible != expected {
            let problem = format!("test samples of {visible} values, where those of {} have {expected}", options.data);
            return Err(Error::data(name, problem));
        }
        if test.labels.is_empty() != train.labels.is_empty() {
            return Err(Error::data(name, "labels in only one of training and test data".into()));
        }
    }
    Ok(Raw { name: spec.name(), train, test })
}

/// A data set of what `options` name, with `fitted` where scaling and classes are a model's.
pub(super) fn dataset(options: &DataOptions, fitted: Option<&Fitted>) -> Result<Dataset, Error> {
    let classes = fitted.map(|fitted| fitted.classes.as_slice()).filter(|classes| !classes.is_empty());
    of_raw(read(options, classes)?, options, fitted)
}

/// A data set of tables that were read.
pub(super) fn of_raw(raw: Raw, options: &DataOptions, fitted: Option<&Fitted>) -> Result<Dataset, Error> {
    let Raw { name, train, test } = raw;
    if test.is_some() && options.test_size.of(usize::MAX) > 0 {
        let expected = "no size, as the data have a test part of their own";
        return Err(Error::Flag { flag: "--test-size", value: options.test_size.to_string(), expected });
    }
    let parts = parts::divide(train.rows.rows(), &train.labels, &train.groups, options)?;
    let (preprocessing, blocks) = match fitted {
        None => fit::fit(&options.data, &train, &parts.train, options)?,
        Some(fitted) => {
            fit::check(&options.data, &train, &fitted.preprocessing, options)?;
            (fitted.preprocessing.clone(), Vec::new())
        }
    };
    if let Some(test) = &test {
        fit::check(options.test.as_ref().unwrap_or(&options.data), test, &preprocessing, options)?;
    }
    let train_crc32 = crc32(&train, &parts.train)?;
    let labels_of = |table: &Table, rows: &[u32]| match table.labels.is_empty() {
        true => Vec::new(),
        false => rows.iter().map(|&row| table.labels[row as usize]).collect(),
    };
    let part = |rows: &[u32]| -> Result<Split, Error> {
        let inputs = train.rows.part(rows, &preprocessing, MAIN)?;
        Ok(Split { inputs, labels: labels_of(&train, rows) })
    };
    let (validation, split_off) = (part(&parts.validation)?, part(&parts.test)?);
    let mut notes = train.notes.clone();
    let is_split = !(parts.validation.is_empty() && parts.test.is_empty());
    if is_split && train.groups.is_empty() && options.window > options.hop && options.hop.is_some() {
        notes.push("overlapping windows of one stream lie in several parts; --group keeps a recording together".into());
    }
    let missing_in_test =
        test.as_ref().and_then(|test| test.missing.as_ref()).map(|place| format!("{place} of the test data"));
    let test = match test {
        None => split_off,
        Some(table) => {
            notes.extend(table.notes.iter().map(|note| format!("test data: {note}")));
            let rows: Vec<u32> = (0..table.rows.rows() as u32).collect();
            Split { inputs: table.rows.prepared(&rows, &preprocessing, TEST), labels: table.labels }
        }
    };
    let labels = labels_of(&train, &parts.train);
    let rows = match (test.inputs.rows(), parts.test.is_empty()) {
        (0, _) => parts.train.clone(),
        (_, false) => parts.test,
        (rows, true) => (0..rows as u32).collect(),
    };
    Ok(Dataset {
        name,
        classes: train.classes,
        image: train.image,
        channels: train.channels,
        train: Split { inputs: train.rows.prepared(&parts.train, &preprocessing, MAIN), labels },
        validation,
        test,
        preprocessing,
        blocks,
        train_crc32,
        rows,
        missing: train.missing.or(missing_in_test),
        notes,
    })
}

/// CRC-32 of raw values: of the bytes where they are bytes, else of f32 little-endian.
pub(super) fn crc32(table: &Table, rows: &[u32]) -> Result<u32, Error> {
    let mut crc = flate2::Crc::new();
    let mut batch = Default::default();
    let mut bytes = Vec::new();
    for rows in rows.chunks(PIECE_ROWS) {
        table.rows.gather(rows, &mut batch)?;
        bytes.clear();
        match table.max_level {
            Some(_) => bytes.extend(batch.values.iter().map(|&level| level as u8)),
            None => bytes.extend(batch.values.iter().flat_map(|value| value.to_le_bytes())),
        }
        crc.update(&bytes);
    }
    Ok(crc.sum())
}

/// Flags that mean nothing, or nothing here.
fn check_flags(options: &DataOptions, is_csv: bool) -> Result<(), Error> {
    let flag = |flag, value: String, expected| Err(Error::Flag { flag, value, expected });
    let DataOptions { label, columns, ignore, categorical, window, hop, group, .. } = options;
    if !is_csv {
        for (name, value) in [
            ("--label", label.clone()),
            ("--columns", columns.first().cloned()),
            ("--ignore", ignore.first().cloned()),
            ("--categorical", categorical.first().cloned()),
            ("--window", window.map(|rows| rows.to_string())),
            ("--hop", hop.map(|rows| rows.to_string())),
            ("--group", group.clone()),
        ] {
            if let Some(value) = value {
                return flag(name, value, "data of the form csv:FILE");
            }
        }
    }
    match (window, hop) {
        (Some(0), _) => flag("--window", "0".into(), "at least 1 row"),
        (_, Some(0)) => flag("--hop", "0".into(), "at least 1 row"),
        (None, Some(rows)) => flag("--hop", rows.to_string(), "--window beside it"),
        _ => Ok(()),
    }
}

impl Samples {
    /// Of raw samples, those named by `rows`, as the values that `preprocessing` makes of them: [`Samples::prepared`] beside the rest.
    fn part(&self, rows: &[u32], preprocessing: &Preprocessing, part: u16) -> Result<Self, Error> {
        match self {
            Self::Memory(_) => {
                let mut batch = Default::default();
                self.gather(rows, &mut batch)?;
                for (&row, values) in rows.iter().zip(batch.values.chunks_exact_mut(batch.visible.max(1))) {
                    preprocessing.apply((part, row), values);
                }
                Ok(Self::Memory(batch))
            }
            Self::File(file) => Ok(Self::File(file.clone().prepared(rows, preprocessing, part))),
        }
    }
}
