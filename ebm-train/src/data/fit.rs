//! From raw training values to the [`Preprocessing`] that all parts, and a device, share.

use super::statistics::{self, Channel, min_max, standard};
use super::table::Table;
use super::{Binarisation, BinarisationChoice, DataOptions, Preprocessing, Scaling, ScalingChoice};
use crate::Error;
use ebm_core::format::Input;
use ebm_core::kernel::float::scaled;
use ebm_core::{Block, VisibleKind};

/// What `options` ask for, fitted on the samples of `table` named by `rows`, and the kinds of visible units that the values are made for.
/// `name` is what an error calls the data.
pub(super) fn fit(
    name: &str,
    table: &Table,
    rows: &[u32],
    options: &DataOptions,
) -> Result<(Preprocessing, Vec<Block>), Error> {
    if !options.threshold.is_finite() {
        let value = options.threshold.to_string();
        return Err(Error::Flag { flag: "--threshold", value, expected: "a finite number" });
    }
    let are_bytes = table.max_level.is_some();
    if are_bytes && matches!(options.scaling, ScalingChoice::Auto | ScalingChoice::Levels) {
        let max = options.max_level.or(table.max_level).unwrap_or(u16::MAX);
        return Ok((levels(max, options), Vec::new()));
    }
    let channels = statistics::of(&table.rows, rows, table.units())?;
    let categorical = table.is_categorical();
    let lies_in = |channel: &Channel, (low, high)| channel.count == 0 || channel.min >= low && channel.max <= high;
    let choice = match options.scaling {
        ScalingChoice::Auto if options.max_level.is_some() => ScalingChoice::Levels,
        ScalingChoice::Auto if channels.iter().all(|channel| lies_in(channel, (0.0, 1.0))) => ScalingChoice::None,
        ScalingChoice::Auto => ScalingChoice::Standard,
        choice => choice,
    };
    let scaling = match choice {
        ScalingChoice::Levels => {
            check_levels(name, table, &channels)?;
            if categorical.contains(&true) {
                let expected = "another scaling, as there are categorical columns";
                return Err(Error::Flag { flag: "--scaling", value: "levels".into(), expected });
            }
            let greatest = channels.iter().filter(|channel| channel.count > 0).map(|channel| channel.max as u16).max();
            let max = options.max_level.or(greatest).unwrap_or(1).max(1);
            return Ok((levels(max, options), Vec::new()));
        }
        ScalingChoice::MinMax => Some(min_max(&channels)),
        ScalingChoice::Standard => Some(standard(&channels)),
        ScalingChoice::None | ScalingChoice::Auto => None,
    };
    let scaling = scaling.map(|scaling| leave_categories(scaling, &categorical));
    let in_unit = |unit: usize| {
        let (mut range, channel) = ([channels[unit].min, channels[unit].max], &channels[unit]);
        if let Some(scaling) = &scaling {
            range = range.map(|raw| scaled(raw, scaling.offsets[unit], scaling.scales[unit]));
        }
        channel.count == 0 || range[0] >= 0.0 && range[1] <= 1.0
    };
    if let (BinarisationChoice::SampledOnce | BinarisationChoice::SampledEachTime, Some(unit)) =
        (options.binarisation, (0..channels.len()).find(|&unit| !in_unit(unit)))
    {
        let problem = format!(
            "{} goes from {} to {}, and is no probability to sample from: --scaling min-max makes it one",
            table.unit_name(unit),
            channels[unit].min,
            channels[unit].max
        );
        return Err(Error::data(name, problem));
    }
    let is_bit = options.binarisation == BinarisationChoice::Threshold;
    let kind = |unit| if is_bit || in_unit(unit) { VisibleKind::Bernoulli } else { VisibleKind::Gaussian };
    let blocks = table.blocks(kind);
    let input = scaling.as_ref().map_or(Input::Unit, Scaling::input);
    Ok((Preprocessing { input, scaling, binarisation: binarisation(options) }, blocks))
}

fn levels(max: u16, options: &DataOptions) -> Preprocessing {
    let binarisation = binarisation(options);
    let input = match binarisation {
        // The highest level whose value is not above the threshold.
        Binarisation::Threshold { above } => {
            Input::Binary { threshold: (f64::from(above) * f64::from(max)).floor() as u16 }
        }
        _ => Input::Levels { max },
    };
    Preprocessing { input, scaling: None, binarisation }
}

impl Preprocessing {
    /// The same with the binarisation that `options` ask for, where they ask for one.
    pub fn binarised(self, options: &DataOptions) -> Self {
        match (options.binarisation, self.input) {
            (BinarisationChoice::None, _) => self,
            (_, Input::Levels { max }) => levels(max, options),
            _ => Self { binarisation: binarisation(options), ..self },
        }
    }
}

fn binarisation(options: &DataOptions) -> Binarisation {
    match options.binarisation {
        BinarisationChoice::None => Binarisation::None,
        BinarisationChoice::Threshold => Binarisation::Threshold { above: options.threshold },
        BinarisationChoice::SampledOnce => Binarisation::SampledOnce { seed: options.data_seed },
        BinarisationChoice::SampledEachTime => Binarisation::SampledEachTime,
    }
}

/// Units of a categorical column are 0 and 1 as they are.
fn leave_categories(mut scaling: Scaling, categorical: &[bool]) -> Scaling {
    for (unit, _) in categorical.iter().enumerate().filter(|(_, is_categorical)| **is_categorical) {
        (scaling.offsets[unit], scaling.scales[unit]) = (0.0, 1.0);
    }
    scaling
}

/// Fails when `preprocessing`, fitted elsewhere, cannot be meant for `table`: other channels, or no integer levels where it takes such.
pub(super) fn check(
    name: &str,
    table: &Table,
    preprocessing: &Preprocessing,
    options: &DataOptions,
) -> Result<(), Error> {
    if let (Some(own), Input::Levels { max }) = (options.max_level.or(table.max_level), preprocessing.input)
        && own != max
    {
        let problem = format!(
            "has levels from 0 to {own}, but the model takes levels from 0 to {max} (--max-level {max} says that these are such)"
        );
        return Err(Error::data(name, problem));
    }
    if let Some(scaling) = &preprocessing.scaling {
        let (channels, units, visible) = (scaling.offsets.len(), table.units(), table.rows.visible());
        if channels == 0 || scaling.scales.len() != channels || !visible.is_multiple_of(channels) {
            let problem = format!("samples of {visible} values, {units} a step, where {channels} channels are scaled");
            return Err(Error::data(name, problem));
        }
    }
    if table.max_level.is_none() && matches!(preprocessing.input, Input::Levels { .. } | Input::Binary { .. }) {
        let rows: Vec<u32> = (0..table.rows.rows() as u32).collect();
        check_levels(name, table, &statistics::of(&table.rows, &rows, table.units())?)?;
    }
    Ok(())
}

fn check_levels(name: &str, table: &Table, channels: &[Channel]) -> Result<(), Error> {
    match channels.iter().position(|channel| !channel.are_levels) {
        None => Ok(()),
        Some(unit) => {
            let (column, Channel { min, max, .. }) = (table.unit_name(unit), channels[unit]);
            let problem = format!("{column} goes from {min} to {max} and holds no integer levels from 0 to 65535");
            Err(Error::data(name, problem))
        }
    }
}
