//! From a model file back to parameters: what [`super::model_file`] wrote, to be trained further, measured on a backend or exported.

use crate::Error;
use crate::data::{Fitted, Preprocessing, Scaling};
use crate::export::{ModelFile, value_of_a_count};
use crate::parameters::{
    AffineParameters, ClassifierParameters, DbnParameters, Parameters, RbmParameters, Stage, UnitKinds,
};
use crate::run::MODEL_F32;
use ebm_core::format::{self, Header, Layer};
use ebm_core::kernel::integer::Rescale;
use ebm_core::{Affine, HiddenKind, RbmView};

impl ModelFile {
    /// How data for this model are read: its preprocessing, made binary as for the figures of its test data, and its classes. Fails when the file
    /// holds no model.
    pub fn fitted(&self) -> Result<Fitted, Error> {
        let model = self.model()?;
        let Header { input, labels, presentation, scaling, .. } = model.header();
        let scaling = scaling.as_ref().map(scaling_in_numbers);
        let classes = labels.split('\n').filter(|class| !class.is_empty()).map(str::to_owned).collect();
        Ok(Fitted { preprocessing: Preprocessing { input, scaling, binarisation: presentation.test }, classes })
    }

    /// That this file holds integers where parameters are wanted, and which file has them.
    pub fn holds_integers(&self) -> Error {
        let kept = self.path().with_file_name(MODEL_F32);
        let which = match kept.is_file() {
            true => format!("{}, which training kept", kept.display()),
            false => format!("training keeps it as {MODEL_F32} with --f32"),
        };
        let problem = format!("holds quantised integers: give the f32 file that it was made from ({which})");
        Error::data(&self.path().display().to_string(), problem)
    }

    /// The parameters in this file. Fails when they are integers: those are made from f32 and do not go back.
    pub fn parameters(&self) -> Result<Parameters, Error> {
        let model = self.model()?;
        let mut machine = None;
        let mut stages = Vec::new();
        let mut layers = Vec::new();
        let mut hidden = HiddenKind::Bernoulli;
        let mut head = None;
        for index in 0..model.layers() {
            match model.layer(index).ok_or_else(|| self.holds_integers())? {
                Layer::Rbm(view) => stages.push(Stage::Tied(rbm(&view))),
                Layer::Generative(view) => machine = Some(rbm(&view)),
                Layer::Directed(units) => stages.push(Stage::Directed {
                    recognition: affine(&units.recognition()),
                    generative: rbm(&units.generative()),
                }),
                Layer::Sigmoid(up) => layers.push(affine(&up)),
                Layer::Rectifier(up) => {
                    hidden = HiddenKind::Relu;
                    layers.push(affine(&up));
                }
                Layer::Head(up) => head = Some(affine(&up)),
                _ => return Err(self.holds_integers()),
            }
        }
        let Some(head) = head else {
            let Some(Stage::Tied(top)) = stages.pop() else {
                let path = self.path().display().to_string();
                return Err(Error::data(&path, "has neither a machine nor a head on top".into()));
            };
            return Ok(Parameters::Dbn(DbnParameters { below: stages, top }));
        };
        if stages.iter().any(|stage| stage.recognition().1 == HiddenKind::Relu) {
            let path = self.path().display().to_string();
            let problem =
                "has a head on machines of rectified units, whose means are not those of a classifier's rectifiers";
            return Err(Error::data(&path, problem.into()));
        }
        if let Some(first) = stages.first() {
            // A head on the machines themselves: the first of them gives the free energies.
            machine = Some(first.generative().clone());
            layers = stages.iter().map(|stage| stage.recognition().0).chain(layers).collect();
        }
        Ok(Parameters::Classifier(ClassifierParameters { machine, layers, hidden, head }))
    }
}

fn rbm(view: &RbmView<'_>) -> RbmParameters {
    RbmParameters {
        weights: view.up().weights().to_vec(),
        visible_bias: view.visible_bias().to_vec(),
        hidden_bias: view.up().bias().to_vec(),
        kinds: UnitKinds::of(view.units()),
    }
}

fn affine(up: &Affine<'_>) -> AffineParameters {
    AffineParameters { weights: up.weights().to_vec(), bias: up.bias().to_vec() }
}

/// A file's scaling in the numbers of the data: an integer one to within the rounding of its steps.
pub(super) fn scaling_in_numbers(scaling: &format::Scaling<'_>) -> Scaling {
    match scaling {
        format::Scaling::Float { offsets, scales } => Scaling { offsets: offsets.to_vec(), scales: scales.to_vec() },
        format::Scaling::Integer { offsets, scales, counts } => {
            let offset = |(offset, counts): (&i32, &f32)| (f64::from(*offset) / f64::from(*counts)) as f32;
            let scale = |(scale, counts): (&Rescale, &f32)| (value_of_a_count(*scale) * f64::from(*counts)) as f32;
            Scaling {
                offsets: offsets.iter().zip(*counts).map(offset).collect(),
                scales: scales.iter().zip(*counts).map(scale).collect(),
            }
        }
    }
}
