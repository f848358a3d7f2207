//! ③ From trained parameters to a model file.

mod file;
pub mod foreign;
mod loss;
mod model_file;
pub mod named;
pub mod onnx;
mod quantize;
mod read;
mod scaling;

pub use crate::files::{prepare_folder, write_whole};
pub use file::ModelFile;
pub use loss::{QuantizationLoss, quantization_loss};
pub use model_file::{NOVELTY_QUANTILE, model_file};
pub use quantize::{
    IntegerAffineParameters, IntegerParameters, IntegerRbmParameters, Quantized, Storages, quantize, quantize_stack,
};
pub use scaling::{IntegerScaling, default_counts, value_of_a_count};

pub use ebm_core::kernel::integer::Storage;
pub use ebm_core::{Float, Integer};

use model_file::{TOOL, encoded};

use crate::Error;
use crate::parameters::{ClassifierParameters, DbnParameters, Parameters};
use ebm_core::HiddenKind;
use ebm_core::format::Layer;

impl ClassifierParameters {
    /// The layers as ebm-core takes them, from the input up. Fails when lengths do not fit each other.
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
    /// The layers as ebm-core takes them, from the input up. Fails when lengths do not fit each other.
    pub fn layers(&self) -> Result<Vec<Layer<'_>>, Error> {
        let below = self.below.iter().map(|stage| match stage.directed()? {
            Some(directed) => Ok(Layer::Directed(directed)),
            None => Ok(Layer::Rbm(stage.generative().view()?)),
        });
        below.chain([self.top.view().map(Layer::Rbm).map_err(Error::from)]).collect()
    }
}

impl Parameters {
    /// The layers as ebm-core takes them, from the input up. Fails when lengths do not fit each other.
    pub fn layers(&self) -> Result<Vec<Layer<'_>>, Error> {
        match self {
            Self::Dbn(dbn) => dbn.layers(),
            Self::Classifier(net) => net.layers(),
        }
    }
}
