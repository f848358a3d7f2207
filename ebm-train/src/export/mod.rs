//! ③ From trained parameters to a model file.

mod file;
pub mod foreign;
pub mod named;
mod quantize;
mod read;

pub use crate::files::{prepare_folder, write_whole};
pub use file::ModelFile;
pub use quantize::{IntegerAffineParameters, IntegerParameters, IntegerRbmParameters, Storages, quantize};

use crate::Error;
use crate::data::Dataset;
use crate::eval::{classification, novelty};
use crate::parameters::{ClassifierParameters, DbnParameters, Parameters};
use ebm_core::format::{Header, Layer, Novelty, Provenance, encode, encoded_len};
use ebm_core::{HiddenKind, Numbers};

/// Share of the training set whose free energy lies under the novelty threshold.
pub const NOVELTY_QUANTILE: f32 = 0.99;
/// What the provenance names as its writer.
const TOOL: &str = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));

impl ClassifierParameters {
    /// The layers as ebm-core takes them.
    pub fn layers(&self) -> Result<Vec<Layer<'_>>, Error> {
        let machine = self.machine.iter().map(|rbm| Ok(Layer::Generative(rbm.view()?)));
        let layers = self.layers.iter().map(|layer| {
            let view = layer.view(self.hidden)?;
            Ok(if self.hidden == HiddenKind::Relu { Layer::Rectifier(view) } else { Layer::Sigmoid(view) })
        });
        let head = self.head.view(HiddenKind::Bernoulli).map(Layer::Head).map_err(Error::from);
        machine.chain(layers).chain([head]).collect()
    }
}

impl DbnParameters {
    /// The layers as ebm-core takes them.
    pub fn layers(&self) -> Result<Vec<Layer<'_>>, Error> {
        let below = self.below.iter().map(|stage| match stage.directed()? {
            Some(directed) => Ok(Layer::Directed(directed)),
            None => Ok(Layer::Rbm(stage.generative().view()?)),
        });
        below.chain([self.top.view().map(Layer::Rbm).map_err(Error::from)]).collect()
    }
}

impl Parameters {
    /// The layers as ebm-core takes them.
    pub fn layers(&self) -> Result<Vec<Layer<'_>>, Error> {
        match self {
            Self::Dbn(dbn) => dbn.layers(),
            Self::Classifier(net) => net.layers(),
        }
    }
}

/// Makes a model's file. Test accuracy, where it names classes, and the novelty threshold, where it has a machine, are measured on the very bytes
/// that are written.
pub fn model_file<N: Numbers>(layers: &[Layer<'_>], dataset: &Dataset, seed: u64) -> Result<ModelFile, Error> {
    let has_classes = |layer: &Layer<'_>| match layer {
        Layer::Rbm(machine) => machine.units().labels() > 0,
        Layer::Head(_) | Layer::IntegerHead(_) => true,
        _ => false,
    };
    let names_classes = layers.last().is_some_and(has_classes);
    let labels = if names_classes { dataset.classes.join("\n") } else { String::new() };
    let mut header = Header {
        input: dataset.preprocessing.input,
        layers: Default::default(),
        labels: &labels,
        novelty: None,
        provenance: Provenance {
            dataset: &dataset.name,
            dataset_crc32: dataset.train_crc32,
            seed,
            test_accuracy: None,
            tool: TOOL,
        },
        ..Header::default()
    };
    let unmeasured = encoded(&header, layers)?;
    let unfit = |error: Error| error.between("the new model".as_ref(), &dataset.name);
    let model = unmeasured.model()?;
    if names_classes && !dataset.test.labels.is_empty() {
        let measured = classification::evaluate::<N>(&model, &dataset.test).map_err(unfit)?;
        header.provenance.test_accuracy = Some(measured.accuracy as f32);
    }
    if model.machine::<N>().is_ok() {
        let threshold = novelty::threshold::<N>(&model, &dataset.train.inputs, NOVELTY_QUANTILE).map_err(unfit)?;
        header.novelty = threshold.map(|threshold| Novelty { threshold, quantile: NOVELTY_QUANTILE });
    }
    encoded(&header, layers)
}

fn encoded(header: &Header<'_>, layers: &[Layer<'_>]) -> Result<ModelFile, Error> {
    let mut file = ModelFile::zeroed(encoded_len(header, layers)?);
    encode(header, layers, file.bytes_mut())?;
    Ok(file)
}
