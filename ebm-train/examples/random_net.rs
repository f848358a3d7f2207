//! Writes a net of random weights in every number format: what it costs on a device is what any net of its shape costs.
//!
//! `cargo run -p ebm-train --example random_net -- 784-128-10 FOLDER`: a machine of 784 visible and 128 hidden units under a softmax head of
//! 10 classes, in a file per number format. `cargo xtask figures` measures them.

use ebm_core::HiddenKind;
use ebm_core::format::{Header, Input, Layer, Provenance, encode, encoded_len};
use ebm_core::kernel::integer::Storage;
use ebm_core::rng::{Philox, Purpose, Stream};
use ebm_train::export::{Storages, prepare_folder, quantize};
use ebm_train::parameters::{AffineParameters, ClassifierParameters, RbmParameters, UnitKinds};
use rand_core::Rng;
use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

/// Largest weight: with a fifth of 784 units on, the hidden fields' standard deviation is 0.9 nats.
const LARGEST_WEIGHT: f32 = 0.125;
/// Bias of the visible units, in nats: a fifth of them on.
const VISIBLE_BIAS: f32 = -1.4;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(shape), Some(folder)) = (arguments.next(), arguments.next().map(PathBuf::from)) else {
        return Err("usage: random_net VISIBLE-HIDDEN-CLASSES FOLDER".into());
    };
    let sizes: Vec<usize> = shape.split('-').map(str::parse).collect::<Result<_, _>>()?;
    let &[visible, hidden, classes] = sizes.as_slice() else {
        return Err(format!("{shape}: three sizes expected, VISIBLE-HIDDEN-CLASSES").into());
    };

    let mut rng = Philox::new(1, Stream::new(Purpose::Weights));
    let mut weights = |count| (0..count).map(|_| weight(&mut rng)).collect();
    let machine = RbmParameters {
        weights: weights(visible * hidden),
        visible_bias: vec![VISIBLE_BIAS; visible],
        hidden_bias: weights(hidden),
        kinds: UnitKinds::default(),
    };
    let head = AffineParameters { weights: weights(hidden * classes), bias: weights(classes) };
    let net = ClassifierParameters { machine: Some(machine), layers: Vec::new(), hidden: HiddenKind::Bernoulli, head };
    prepare_folder(&folder)?;
    let write = |layers: &[Layer<'_>]| -> Result<(), Box<dyn Error>> {
        let format = layers.first().map_or("", |layer| layer.header().numbers.name());
        let path = folder.join(format!("{shape}-{format}.ebm"));
        fs::write(&path, file(layers)?)?;
        println!("{}", path.display());
        Ok(())
    };

    let Some(machine) = &net.machine else {
        unreachable!("the net has a machine");
    };
    write(&[Layer::Rbm(machine.view()?), Layer::Head(net.head.view(HiddenKind::Bernoulli)?)])?;
    for storage in Storage::ALL {
        let quantised = quantize(&net, Storages::below_the_head(storage))?;
        let machine = quantised.machine.as_ref().ok_or("the quantised net has no machine")?;
        write(&[Layer::IntegerRbm(machine.view()?), Layer::IntegerHead(quantised.head.view()?)])?;
    }
    Ok(())
}

/// Uniform in ±[`LARGEST_WEIGHT`].
fn weight(rng: &mut Philox) -> f32 {
    (rng.next_u32() as f32 / u32::MAX as f32 * 2.0 - 1.0) * LARGEST_WEIGHT
}

/// A model file of these layers.
fn file(layers: &[Layer<'_>]) -> Result<Vec<u8>, Box<dyn Error>> {
    let header = Header {
        input: Input::Unit,
        layers: Default::default(),
        labels: "",
        novelty: None,
        provenance: Provenance {
            dataset: "none: random weights",
            dataset_crc32: 0,
            seed: 1,
            test_accuracy: None,
            tool: "random_net",
        },
        ..Header::default()
    };
    let mut bytes = vec![0; encoded_len(&header, layers)?];
    encode(&header, layers, &mut bytes)?;
    Ok(bytes)
}
