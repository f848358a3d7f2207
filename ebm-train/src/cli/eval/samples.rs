//! Which samples `eval` measures, and whether the model can take them.

use super::{EvalArgs, Part};
use crate::Error;
use crate::data::{self, Batch, Binarisation, DataOptions, Dataset, Fitted, Samples, Split};
use crate::export::ModelFile;
use ebm_core::Model;
use std::borrow::Cow;

/// The samples that are measured, without those that have missing values.
pub(super) struct Measured<'a> {
    /// What they are called: `test`, `validation`, `train` or, of data without a test part, `all`.
    pub part: &'static str,
    /// What the model should expect.
    pub usual: Cow<'a, Split>,
    /// What it should not, by name.
    pub novel: Option<(String, Cow<'a, Split>)>,
    /// Samples left out because a value is missing.
    pub missing: usize,
}

impl<'a> Measured<'a> {
    /// The samples that the flags ask for. Fails when there are none of them.
    pub(super) fn new(args: &EvalArgs, dataset: &'a Dataset, file: &ModelFile) -> Result<Self, Error> {
        let (part, split) = match args.part {
            Part::Test if dataset.test.inputs.rows() == 0 => ("all", dataset.measured()),
            Part::Test => ("test", &dataset.test),
            Part::Validation => ("validation", &dataset.validation),
            Part::Train => ("train", &dataset.train),
        };
        if split.inputs.rows() == 0 {
            let expected = "a part that has samples (--validation splits some off)";
            return Err(Error::Flag { flag: "--part", value: part.to_owned(), expected });
        }
        let (mut usual, mut missing) = complete(split)?;
        let mut novel = None;
        if let Some(spec) = &args.novel {
            let (split, left_out) = other_data(args, spec, dataset, file)?;
            missing += left_out;
            novel = Some((spec.clone(), Cow::Owned(split)));
        } else if !args.novel_class.is_empty() {
            let classes = classes(&args.novel_class, dataset, &usual.labels)?;
            let is_novel = |label: &u16| classes.contains(label);
            let rows = |wanted: bool| -> Vec<u32> {
                (0u32..).zip(&usual.labels).filter(|(_, label)| is_novel(label) == wanted).map(|(row, _)| row).collect()
            };
            let parts = [picked(&usual, &rows(true))?, picked(&usual, &rows(false))?];
            let [of_novel, of_usual] = parts.map(Cow::Owned);
            novel = Some((format!("{} {}", dataset.name, args.novel_class.join(",")), of_novel));
            usual = of_usual;
        }
        if usual.inputs.rows() == 0 {
            return Err(Error::data(&dataset.name, format!("no {part} sample is left to measure")));
        }
        Ok(Self { part, usual, novel, missing })
    }

    /// The training part, where that is not what is measured: free energies are compared with it.
    pub(super) fn train_beside<'d>(&self, dataset: &'d Dataset) -> Result<Option<Cow<'d, Split>>, Error> {
        let beside = matches!(self.part, "test" | "validation") && dataset.train.inputs.rows() > 0;
        let train = beside.then(|| complete(&dataset.train)).transpose()?;
        Ok(train.map(|(train, _)| train))
    }
}

/// How data for the model are read: as the flags say where they speak of binarisation, else as for the figures of its own test data. Values that were
/// sampled anew for each use are sampled once: figures are of one data set.
pub(super) fn fitted(file: &ModelFile, options: &DataOptions) -> Result<Fitted, Error> {
    let trained_on = file.model()?.header().presentation.training;
    let mut fitted = file.fitted()?;
    let preprocessing = &mut fitted.preprocessing;
    if preprocessing.binarisation == Binarisation::None && trained_on == Binarisation::SampledEachTime {
        preprocessing.binarisation = trained_on;
    }
    *preprocessing = preprocessing.clone().binarised(options);
    if preprocessing.binarisation == Binarisation::SampledEachTime {
        preprocessing.binarisation = Binarisation::SampledOnce { seed: options.data_seed };
    }
    Ok(fitted)
}

/// The samples of `spec`, made of the same flags: its test part, or all of them.
fn other_data(args: &EvalArgs, spec: &str, dataset: &Dataset, file: &ModelFile) -> Result<(Split, usize), Error> {
    let options = DataOptions { data: spec.to_owned(), test: None, ..args.data.clone() };
    // What is novel may have classes of its own.
    let fitted = Fitted { classes: Vec::new(), ..fitted(file, &options)? };
    let other = data::open_as(&options, &fitted)?;
    let (expected, found) = (dataset.measured().inputs.visible(), other.measured().inputs.visible());
    if expected != found {
        return Err(Error::data(
            &other.name,
            format!("has {found} values a sample, but {} has {expected}", dataset.name),
        ));
    }
    let (split, missing) = complete(other.measured())?;
    Ok((split.into_owned(), missing))
}

/// Classes of the data that the model was not shown come after its own: what is novel may be one of those.
pub(super) fn with_novel(mut fitted: Fitted, novel: &[String]) -> Fitted {
    // A model that names no classes leaves them to the data.
    if !fitted.classes.is_empty() {
        let foreign = |class: &&String| !fitted.classes.contains(class);
        let beyond: Vec<String> = novel.iter().filter(foreign).cloned().collect();
        fitted.classes.extend(beyond);
    }
    fitted
}

/// Labels of the classes with these names, of which there have to be samples.
fn classes(names: &[String], dataset: &Dataset, labels: &[u16]) -> Result<Vec<u16>, Error> {
    let label = |name: &String| {
        let found = (0u16..).zip(&dataset.classes).find(|(label, class)| *class == name && labels.contains(label));
        let expected = "a class that the measured samples have (--label names the column that holds them)";
        found.map(|(label, _)| label).ok_or_else(|| Error::Flag {
            flag: "--novel-class",
            value: name.clone(),
            expected,
        })
    };
    names.iter().map(label).collect()
}

/// The samples that have every value, and how many have not.
fn complete(split: &Split) -> Result<(Cow<'_, Split>, usize), Error> {
    let mut rows = Vec::new();
    let mut row = 0u32;
    for piece in split.inputs.pieces() {
        for sample in piece?.iter() {
            if sample.iter().all(|v| !v.is_nan()) {
                rows.push(row);
            }
            row += 1;
        }
    }
    let missing = split.inputs.rows() - rows.len();
    Ok((if missing == 0 { Cow::Borrowed(split) } else { Cow::Owned(picked(split, &rows)?) }, missing))
}

/// The samples named by `rows`.
fn picked(split: &Split, rows: &[u32]) -> Result<Split, Error> {
    let mut batch = Batch::default();
    split.inputs.gather(rows, &mut batch)?;
    batch.visible = split.inputs.visible();
    let labels = rows.iter().filter_map(|&row| split.labels.get(row as usize).copied()).collect();
    Ok(Split { inputs: Samples::from(batch), labels })
}

/// Fails when the model takes other inputs, or names other classes, than the data have.
pub(super) fn check_fit(args: &EvalArgs, model: &Model<'_>, dataset: &Dataset) -> Result<(), Error> {
    let path = args.model.display().to_string();
    ebm_core::ShapeError::check("inputs", model.inputs(), dataset.measured().inputs.visible())
        .map_err(ebm_core::ModelError::from)?;
    let classes = model.header().layers.last().map_or(0, |layer| layer.classes() as usize);
    let labels = dataset.classes.len();
    // Those of `with_novel`: none of their samples is measured as one of the model's classes.
    let beyond_are_novel = dataset.classes.iter().skip(classes).all(|class| args.novel_class.contains(class));
    let is_alike = labels >= classes && beyond_are_novel;
    if classes > 0 && !dataset.measured().labels.is_empty() && !is_alike {
        return Err(Error::data(&path, format!("gives {classes} outputs, but {} has {labels} classes", dataset.name)));
    }
    Ok(())
}
