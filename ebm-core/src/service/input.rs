//! Values in a request as the model takes them.

use super::Spoken;
use super::memory::first;
use crate::kernel::integer::ONE;
use crate::machine::ShapeError;
use crate::model::Model;
use crate::wire::{Refusal, Values};

/// Writes the values to the start of `buffer`; the first `units` of it, of which those that are no inputs, labels, are off where the values are raw.
///
/// Fails when there is another number of values than units, of raw ones than inputs.
pub(super) fn fill<'b, N: Spoken>(
    model: &Model<'_>,
    values: &Values<'_>,
    units: usize,
    buffer: &'b mut [N::Value],
) -> Result<&'b mut [N::Value], Refusal<'static>> {
    let out = first(buffer, units, "visible units")?;
    let is_raw = matches!(values, Values::Levels(_) | Values::Readings(_) | Values::Counts(_));
    let expected = if is_raw { model.inputs() } else { units };
    ShapeError::check("values", expected, values.len())?;
    match values {
        Values::F32(words) => put(out, words.iter().map(N::from_unit)),
        Values::Integer(bytes) => put(out, bytes.iter().map(|&v| N::from_level(v.into(), ONE.into()))),
        Values::Bits(bits) => put(out, bits.iter().map(N::from_bit)),
        Values::Levels(levels) => scale::<N>(model, levels.iter().map(|&level| u16::from(level).into()), out)?,
        Values::Counts(counts) => scale::<N>(model, counts.iter().map(N::count), out)?,
        Values::Readings(readings) => {
            let whole = Refusal::Unsupported { what: "readings in f32: the model takes whole numbers" };
            if readings.iter().any(|reading| N::reading(reading).is_none()) {
                return Err(whole);
            }
            scale::<N>(model, readings.iter().filter_map(N::reading), out)?;
        }
    }
    Ok(out)
}

/// Raw inputs, as the model's header says; what is beyond them is off.
fn scale<N: Spoken>(
    model: &Model<'_>,
    raw: impl Iterator<Item = N::Raw>,
    out: &mut [N::Value],
) -> Result<(), Refusal<'static>> {
    let (inputs, labels) = out.split_at_mut_checked(model.inputs()).unwrap_or_default();
    labels.iter_mut().for_each(|label| *label = N::OFF);
    Ok(model.values_of::<N>(raw, inputs)?)
}

fn put<T>(out: &mut [T], values: impl Iterator<Item = T>) {
    out.iter_mut().zip(values).for_each(|(out, value)| *out = value);
}
