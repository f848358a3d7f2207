//! The model: checked here, then linked as it is; its shapes become constants and its number format a type.

use std::env;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use ebm_core::format::{Input, LayerKind, NumberFormat, Reads as _};
use ebm_core::{Float, Int8, Integer, Machine, Model};

const DEFAULT: &str = "../tests/fixtures/digits-int8.ebm";
/// Classes of the test digits.
const CLASSES: usize = 10;
/// What the pixels of the test digits are.
const DIGITS: Input = Input::Levels { max: 16 };

/// Writes `model.ebm` and `model.rs`. Fails, naming the file, when it is no classifier, or none of test digits of `inputs` pixels where
/// there are any.
pub fn embed(root: &Path, out: &Path, inputs: Option<usize>) -> Result<()> {
    println!("cargo::rerun-if-env-changed=EBM_MODEL");
    // A relative path is one from the workspace's root, wherever cargo was started.
    let path = env::var_os("EBM_MODEL").map_or_else(|| root.join(DEFAULT), |path| root.join("..").join(path));
    println!("cargo::rerun-if-changed={}", path.display());
    let file = || format!("EBM_MODEL={} (a relative path is one from the workspace's root)", path.display());
    let bytes = fs::read(&path).with_context(file)?;
    // Words of 16 bytes, because a model is borrowed from where it lies.
    let mut words = vec![0u128; bytes.len().div_ceil(size_of::<u128>())];
    let aligned = &mut bytemuck::cast_slice_mut(&mut words)[..bytes.len()];
    aligned.copy_from_slice(&bytes);
    let model = Model::parse(aligned).with_context(file)?;

    let layers = &model.header().layers;
    let (Some(first), Some(last)) = (layers.first(), layers.last()) else {
        unreachable!("a model without layers is refused");
    };
    ensure!(last.kind == LayerKind::Head, "{}: the firmware needs a softmax head on top", file());
    if let Some(inputs) = inputs {
        check_for_digits(&model, inputs).with_context(file)?;
    }
    let (numbers, hidden) = match first.numbers {
        NumberFormat::F32 => ("Float", model.machine::<Float>().map(|rbm| rbm.hidden())),
        _ if layers.iter().all(|layer| Int8::reads(layer.numbers)) => {
            ("Int8", model.machine::<Int8>().map(|rbm| rbm.hidden()))
        }
        _ => ("Integer", model.machine::<Integer>().map(|rbm| rbm.hidden())),
    };
    let hidden = hidden.with_context(|| format!("{}: no machine over the inputs", file()))?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let text = format!(
        "/// Name of the model file.\n\
         pub const NAME: &str = {name:?};\n\
         /// Name of its number format.\n\
         pub const NUMBER_FORMAT: &str = {format:?};\n\
         /// Its numbers: the narrowest that read it.\n\
         pub type Numbers = ebm_core::{numbers};\n\
         /// Its inputs.\n\
         pub const INPUTS: usize = {inputs};\n\
         /// Hidden units of its machine over the inputs.\n\
         pub const HIDDEN: usize = {hidden};\n\
         /// Its classes.\n\
         pub const CLASSES: usize = {classes};\n\
         /// Values that it works in.\n\
         pub const WORK: usize = {work};\n\
         /// Bytes of the file.\n\
         const LENGTH: usize = {length};\n",
        format = first.numbers.name(),
        inputs = model.inputs(),
        classes = model.outputs(),
        work = model.work_len(),
        length = bytes.len(),
    );
    fs::write(out.join("model.ebm"), bytes).context("cannot write model.ebm")?;
    fs::write(out.join("model.rs"), text).context("cannot write model.rs")
}

/// Is the model one of digits of `inputs` pixels?
fn check_for_digits(model: &Model<'_>, inputs: usize) -> Result<()> {
    ensure!(model.inputs() == inputs, "the model takes {} inputs, the test digits have {inputs}", model.inputs());
    ensure!(model.outputs() == CLASSES, "the model has {} classes, the test digits {CLASSES}", model.outputs());
    let input = model.header().input;
    ensure!(input == DIGITS, "the model takes {input:?}, the test digits are {DIGITS:?}");
    Ok(())
}
