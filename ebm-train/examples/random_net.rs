//! Writes a net of random weights in every number format: what it costs on a device is what any net of its shape costs.
//!
//! `cargo run -p ebm-train --example random_net -- 784-128-10 FOLDER`: a machine of 784 visible and 128 hidden units under a softmax head of
//! 10 classes, in a file per number format; `784-128-64-10` has a second hidden layer, `784+100-128-10` a machine of 100 hidden units beside the
//! stack. Several shapes may be named. `cargo xtask figures` and `cargo xtask costs` measure them.

use ebm_core::HiddenKind;
use ebm_core::format::{Header, Input, Layer, Provenance, encode, encoded_len};
use ebm_core::kernel::integer::Storage;
use ebm_core::rng::{Philox, Purpose, Stream};
use ebm_train::export::{Storages, prepare_folder, quantize};
use ebm_train::parameters::{AffineParameters, ClassifierParameters, RbmParameters, UnitKinds};
use rand_core::Rng;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Largest weight: with a fifth of 784 units on, the hidden fields' standard deviation is 0.9 nats.
const LARGEST_WEIGHT: f32 = 0.125;
/// Bias of the visible units, in nats: a fifth of them on.
const VISIBLE_BIAS: f32 = -1.4;
/// Between the visible units and the hidden ones of a machine beside the stack.
const BESIDE: char = '+';

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let Some(folder) = arguments.pop().filter(|_| !arguments.is_empty()).map(PathBuf::from) else {
        return Err("usage: random_net VISIBLE-HIDDEN-CLASSES... FOLDER".into());
    };
    prepare_folder(&folder)?;
    arguments.iter().try_for_each(|shape| write(shape, &folder))
}

/// Writes the files of a net and prints their names.
fn write(shape: &str, folder: &Path) -> Result<(), Box<dyn Error>> {
    let net = net(shape)?;
    let machine = net.machine.as_ref().ok_or("the net has no machine")?.view()?;
    let is_beside = shape.contains(BESIDE);
    let below = if is_beside { Layer::Generative(machine) } else { Layer::Rbm(machine) };
    write_file(shape, folder, below, net.layers()?)?;
    for storage in Storage::ALL {
        let quantised = quantize(&net, Storages::below_the_head(storage))?;
        let machine = quantised.machine.as_ref().ok_or("the quantised net has no machine")?.view()?;
        let below = if is_beside { Layer::IntegerGenerative(machine) } else { Layer::IntegerRbm(machine) };
        write_file(shape, folder, below, quantised.layers()?)?;
    }
    Ok(())
}

/// Random weights of a shape.
fn net(shape: &str) -> Result<ClassifierParameters, Box<dyn Error>> {
    let (visible, beside) = match shape.split_once(BESIDE) {
        Some((visible, rest)) => (format!("{visible}-{}", rest.split_once('-').unwrap_or_default().1), rest),
        None => (shape.to_owned(), ""),
    };
    let stack: Vec<usize> = visible.split('-').map(str::parse).collect::<Result<_, _>>()?;
    let ([visible, .., last, classes], Some(&first)) = (stack.as_slice(), stack.get(1)) else {
        return Err(format!("{shape}: three sizes or more expected, VISIBLE-HIDDEN-CLASSES").into());
    };
    let hidden = if beside.is_empty() { first } else { beside.split('-').next().unwrap_or_default().parse()? };

    let mut rng = Philox::new(1, Stream::new(Purpose::Weights));
    let mut weights = |count| (0..count).map(|_| weight(&mut rng)).collect();
    let machine = RbmParameters {
        weights: weights(visible * hidden),
        visible_bias: vec![VISIBLE_BIAS; *visible],
        hidden_bias: weights(hidden),
        kinds: UnitKinds::default(),
    };
    // A machine in the stack is its first layer.
    let layers = &stack[usize::from(beside.is_empty())..stack.len() - 1];
    let affine = |sizes: &[usize]| AffineParameters { weights: weights(sizes[0] * sizes[1]), bias: weights(sizes[1]) };
    let mut layers: Vec<AffineParameters> = layers.windows(2).chain([&[*last, *classes][..]]).map(affine).collect();
    let head = layers.pop().ok_or("the net has no head")?;
    Ok(ClassifierParameters { machine: Some(machine), layers, hidden: HiddenKind::Bernoulli, head })
}

/// Writes the file of a machine and of what else there is.
fn write_file<'a>(
    shape: &str,
    folder: &Path,
    machine: Layer<'a>,
    mut layers: Vec<Layer<'a>>,
) -> Result<(), Box<dyn Error>> {
    layers[0] = machine;
    let path = folder.join(format!("{shape}-{}.ebm", layers[0].header().numbers.name()));
    fs::write(&path, file(&layers)?)?;
    println!("{}", path.display());
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
