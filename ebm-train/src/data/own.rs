//! Samples that a program has in memory, in place of a file's: [`of_samples`], [`Dataset::prepare`].

use super::assemble::{self, Raw};
use super::table::Table;
use super::{Batch, DataOptions, Dataset, Samples, Split, fit};
use crate::Error;

/// Number of the part that draws of [`Dataset::prepare`] are told apart by.
const OTHER: u16 = 2;

/// The data set that raw samples make, `rows × visible` values: divided into parts, scaled as the training part asks for, and binarised, all as
/// `options` say and as samples of a file are. What `options` say of files and of a CSV's columns means nothing here. `name` is what errors and a
/// model's provenance call the data.
///
/// ```
/// use ebm_train::data::{Batch, DataOptions, ScalingChoice, Size, Split, of_samples};
///
/// # fn main() -> Result<(), ebm_train::Error> {
/// let raw = Batch { values: (0..40).map(|n| 20.0 + n as f32).collect(), visible: 4 };
/// let samples = Split { inputs: raw.into(), labels: vec![0, 1, 0, 1, 0, 1, 0, 1, 0, 1] };
/// let options = DataOptions { scaling: ScalingChoice::MinMax, test_size: Size::Share(0.2), ..DataOptions::default() };
/// let data = of_samples("thermometers", samples, &options)?;
/// assert_eq!((data.train.inputs.rows(), data.test.inputs.rows(), data.classes.len()), (8, 2, 2));
/// # Ok(())
/// # }
/// ```
///
/// Labels are numbers of classes from 0, one a sample, or none at all; a class is called by its number. A value that is missing is NaN.
///
/// Fails when there is no sample, when values fill no whole rows or are infinite, when labels are not as many as samples, and when `options` cannot
/// be meant for them.
pub fn of_samples(name: &str, samples: Split, options: &DataOptions) -> Result<Dataset, Error> {
    let Split { inputs, labels } = samples;
    let rows = inputs.rows();
    if rows == 0 || inputs.visible() == 0 {
        return Err(Error::data(name, "has no samples".into()));
    }
    if !labels.is_empty() && labels.len() != rows {
        return Err(Error::data(name, format!("{} labels for {rows} samples: one for each, or none", labels.len())));
    }
    let table = Table::of_values(name, inputs, labels)?;
    let options = DataOptions { data: name.to_owned(), test: None, ..options.clone() };
    assemble::of_raw(Raw { name: name.to_owned(), train: table, test: None }, &options, None)
}

impl Dataset {
    /// Other raw samples, `rows × visible` values, as the values that this data set's are: scaled and binarised alike.
    ///
    /// Fails when a sample has another number of values, when one is infinite, and when integer levels are wanted that these are not.
    pub fn prepare(&self, raw: Batch) -> Result<Samples, Error> {
        let (found, expected) = (raw.visible, self.train.inputs.visible());
        if found != expected {
            return Err(Error::data(
                &self.name,
                format!("other samples of {found} values, where its own have {expected}"),
            ));
        }
        let table = Table::of_values(&self.name, raw.into(), Vec::new())?;
        fit::check(&self.name, &table, &self.preprocessing, &DataOptions::default())?;
        let rows: Vec<u32> = (0..table.rows.rows() as u32).collect();
        Ok(table.rows.prepared(&rows, &self.preprocessing, OTHER))
    }
}

impl Table {
    /// Values without names of columns. Fails when they fill no whole rows, or one is infinite.
    fn of_values(name: &str, rows: Samples, labels: Vec<u16>) -> Result<Self, Error> {
        if let Some(Batch { values, visible }) = rows.memory() {
            if !values.len().is_multiple_of((*visible).max(1)) {
                let problem = format!("{} values fill no whole samples of {visible}", values.len());
                return Err(Error::data(name, problem));
            }
            if let Some(place) = values.iter().position(|value| value.is_infinite()) {
                let problem = format!("value {} of sample {} is infinite", place % visible, place / visible);
                return Err(Error::data(name, problem));
            }
        }
        let classes = labels.iter().max().map_or(0, |&label| u32::from(label) + 1);
        Ok(Self {
            rows,
            labels,
            classes: (0..classes).map(|class| class.to_string()).collect(),
            groups: Vec::new(),
            channels: Vec::new(),
            image: None,
            max_level: None,
            missing: None,
            notes: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{ScalingChoice, Size};

    fn samples(values: Vec<f32>, labels: Vec<u16>) -> Split {
        Split { inputs: Batch { values, visible: 2 }.into(), labels }
    }

    fn problem(result: Result<impl Sized, Error>) -> String {
        result.err().expect("it is refused").to_string()
    }

    #[test]
    fn own_samples_are_split_and_scaled_as_a_files_are() {
        let values: Vec<f32> = (0..200).map(|value| 10.0 + value as f32).collect();
        let labels: Vec<u16> = (0..100).map(|row| row % 3).collect();
        let options =
            DataOptions { test_size: Size::Count(20), scaling: ScalingChoice::MinMax, ..DataOptions::default() };
        let data = of_samples("counts", samples(values, labels), &options).expect("a data set");
        assert_eq!((data.train.inputs.rows(), data.test.inputs.rows(), data.test.labels.len()), (80, 20, 20));
        assert_eq!((data.name.as_str(), &data.classes[..]), ("counts", &["0".to_owned(), "1".into(), "2".into()][..]));
        let train = &data.train.inputs.memory().expect("in memory").values;
        assert!(train.iter().all(|v| (0.0..=1.0).contains(v)) && train.contains(&0.0) && train.contains(&1.0));
        // The same raw sample has the same values, whether it was there from the start or comes later.
        let scaling = data.preprocessing.scaling.clone().expect("a scaling");
        let first = Batch { values: vec![scaling.offsets[0], scaling.offsets[1]], visible: 2 };
        let prepared = data.prepare(first).expect("they fit");
        assert_eq!(prepared.memory().expect("in memory").values, [0.0, 0.0]);
    }

    #[test]
    fn what_makes_no_data_set_is_refused_by_its_name() {
        let options = DataOptions::default();
        let of = |values, labels| problem(of_samples("mine", samples(values, labels), &options));
        assert_eq!(of(vec![], vec![]), "mine: has no samples");
        assert_eq!(of(vec![0.0; 5], vec![]), "mine: 5 values fill no whole samples of 2");
        assert_eq!(of(vec![0.0; 4], vec![1]), "mine: 1 labels for 2 samples: one for each, or none");
        assert_eq!(of(vec![0.0, f32::NAN, f32::INFINITY, 0.0], vec![]), "mine: value 0 of sample 1 is infinite");
        let data = of_samples("mine", samples(vec![0.0; 4], vec![]), &options).expect("a data set");
        let other = Batch { values: vec![0.0; 3], visible: 3 };
        assert_eq!(problem(data.prepare(other)), "mine: other samples of 3 values, where its own have 2");
    }
}
