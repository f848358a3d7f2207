//! The filled samples as arrays, or as CSV in the data's own units.

use super::InpaintArgs;
use crate::Error;
use crate::arrays::{self, Named};
use crate::cli::drawing;
use crate::data::{Batch, Channel, Dataset};
use crate::export::{ModelFile, write_whole};
use ebm_core::format::{Input, Scaling};
use ebm_core::math::argmax;
use std::io;

/// Writes what `--arrays` asks for: `originals`, `masked` and `filled` as the model sees them, `filled_raw` in the data's units; or the last as CSV.
pub(super) fn arrays(
    args: &InpaintArgs,
    file: &ModelFile,
    dataset: &Dataset,
    [truth, masked, filled]: [&Batch; 3],
) -> Result<(), Error> {
    let Some(path) = &args.drawing.arrays else { return Ok(()) };
    let raw = raw(file, filled)?;
    if path.extension().is_some_and(|ending| ending == "csv") {
        return write_whole(path, "write the samples", |file| csv(dataset, &raw, file));
    }
    let named = [("originals", truth), ("masked", masked), ("filled", filled), ("filled_raw", &raw)];
    let named: Named = named.into_iter().map(|(name, batch)| (name.to_owned(), drawing::array(batch))).collect();
    arrays::write(path, &named, "filled_raw")
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
