//! The filled samples as arrays, or as CSV in the data's own units; a CSV's own lines again, with the unknown cells filled.

use super::Filled;
use crate::Error;
use crate::arrays::{self, Named};
use crate::cli::drawing;
use crate::data::{Batch, Channel, Dataset};
use crate::export::{ModelFile, write_whole};
use ebm_core::format::{Input, Scaling};
use ebm_core::math::argmax;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::Path;

/// Writes what `--arrays` asks for: `originals`, `masked` and `filled` as the model sees them, `filled_raw` in the data's units; or the last as CSV.
/// Of data that were CSV, that is their table again, whose known cells stay as they were read.
pub(super) fn arrays(path: &Path, filled: &Filled) -> Result<(), Error> {
    let Filled { file, dataset, table, truth, masked, filled, .. } = filled;
    let raw = raw(file, filled)?;
    if path.extension().is_some_and(|ending| ending == "csv") {
        if let Some(table) = table {
            let guesses = Guesses::new(&table.rows_of_samples(dataset)?, &dataset.channels, masked, &raw);
            let write = |file: &mut File| table.write(dataset, file, |row, channel| guesses.cell(row, channel));
            return write_whole(path, "write the samples", |file| write(file).map_err(io::Error::other));
        }
        return write_whole(path, "write the samples", |file| csv(dataset, &raw, file));
    }
    let named = [("originals", truth), ("masked", masked), ("filled", filled), ("filled_raw", &raw)];
    let named: Named = named.into_iter().map(|(name, batch)| (name.to_owned(), drawing::array(batch))).collect();
    arrays::write(path, &named, "filled_raw")
}

/// What unknown cells of a table are guessed to be. A cell that is unknown in several windows is the mean of their guesses.
struct Guesses<'a> {
    channels: &'a [Channel],
    /// Of a row and a channel, the sum of the guesses for each of its units, and how many they are.
    sums: HashMap<(usize, usize), (Vec<f64>, u32)>,
}

impl<'a> Guesses<'a> {
    /// `rows` are those of the table that each sample is made of; a value that is NaN in `masked` is unknown, and `raw` has the guess.
    fn new(rows: &[Vec<usize>], channels: &'a [Channel], masked: &Batch, raw: &Batch) -> Self {
        let mut sums: HashMap<(usize, usize), (Vec<f64>, u32)> = HashMap::new();
        for ((rows, masked), raw) in rows.iter().zip(masked.iter()).zip(raw.iter()) {
            let mut first = 0;
            for (row, (number, channel)) in
                rows.iter().flat_map(|&row| channels.iter().enumerate().map(move |c| (row, c)))
            {
                let units = first..first + channel.units();
                first = units.end;
                if masked[units.clone()].iter().any(|v| v.is_nan()) {
                    let (sum, count) = sums.entry((row, number)).or_insert_with(|| (vec![0.0; units.len()], 0));
                    sum.iter_mut().zip(&raw[units]).for_each(|(sum, &guess)| *sum += f64::from(guess));
                    *count += 1;
                }
            }
        }
        Self { channels, sums }
    }

    /// What an unknown cell becomes: a number, or the most probable category; `None` for a known one.
    fn cell(&self, row: usize, channel: usize) -> Option<String> {
        let (sum, count) = self.sums.get(&(row, channel))?;
        let means: Vec<f32> = sum.iter().map(|sum| (sum / f64::from(*count)) as f32).collect();
        let category = argmax(&means).and_then(|category| self.channels[channel].categories.get(category));
        Some(category.cloned().unwrap_or_else(|| means[0].to_string()))
    }
}

/// Values as they were before the model's scaling.
fn raw(file: &ModelFile, values: &Batch) -> Result<Batch, Error> {
    let model = file.model()?;
    let mut raw = values.clone();
    match (model.header().input, model.header().scaling) {
        (Input::Levels { max }, _) => raw.values.iter_mut().for_each(|v| *v *= f32::from(max)),
        (_, Some(Scaling::Float { offsets, scales })) => {
            for step in raw.values.chunks_mut(offsets.len().max(1)) {
                for ((v, offset), scale) in step.iter_mut().zip(offsets).zip(scales) {
                    *v = *v / scale + offset;
                }
            }
        }
        _ => {}
    }
    Ok(raw)
}

/// One line a sample under the channels' names, those of a window numbered by its steps; a categorical channel holds its most probable category.
fn csv(dataset: &Dataset, samples: &Batch, out: &mut impl io::Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    let plain: Vec<Channel>;
    let channels = match dataset.channels.as_slice() {
        [] => {
            let names = (0..samples.visible).map(|i| Channel { name: format!("value{i}"), categories: Vec::new() });
            plain = names.collect();
            &plain
        }
        channels => channels,
    };
    let step: usize = channels.iter().map(Channel::units).sum();
    let steps = samples.visible / step.max(1);
    let name = |at: usize, channel: &Channel| match steps {
        1 => channel.name.clone(),
        _ => format!("{}[{at}]", channel.name),
    };
    let names = (0..steps).flat_map(|at| channels.iter().map(move |channel| name(at, channel)));
    writer.write_record(names)?;
    for row in samples.iter() {
        let mut units = row.iter().as_slice();
        let mut record = Vec::with_capacity(steps * channels.len());
        for channel in (0..steps).flat_map(|_| channels) {
            let (own, rest) = units.split_at(channel.units());
            units = rest;
            let category = argmax(own).and_then(|category| channel.categories.get(category));
            record.push(category.cloned().unwrap_or_else(|| own[0].to_string()));
        }
        writer.write_record(&record)?;
    }
    writer.flush()
}
