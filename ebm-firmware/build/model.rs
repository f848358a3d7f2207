//! The model: checked here, then linked as it is; its shapes become constants and its number format a type.

use std::env;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use ebm_core::format::{Input, LayerKind, NumberFormat, Reads as _};
use ebm_core::{Float, Int8, Integer, Machine, Model, ModelError};

use crate::board::Memory;
use crate::{shared, slots};

const DEFAULT: &str = "tests/fixtures/digits-int8.ebm";
/// Classes of the test digits.
const CLASSES: usize = 10;
/// What the pixels of the test digits are.
const DIGITS: Input = Input::Levels { max: 16 };

/// Writes `model.ebm`, `slots.bin` and `model.rs`. Fails, naming the file, when it is no model, or none of test digits of `inputs` pixels where
/// there are any.
pub fn embed(root: &Path, out: &Path, inputs: Option<usize>, memory: Memory) -> Result<()> {
    println!("cargo::rerun-if-env-changed=EBM_MODEL");
    // A relative path is one from the workspace's root, wherever cargo was started.
    let path = env::var_os("EBM_MODEL").map_or_else(|| shared::find(root, DEFAULT), |path| root.join("..").join(path));
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
    if let Some(inputs) = inputs {
        check_for_digits(&model, inputs).with_context(file)?;
    }
    let is_float = first.numbers == NumberFormat::F32;
    // The narrowest that reads every layer: a program holds no code for the others.
    let numbers = match is_float {
        true => "Float",
        false if layers.iter().all(|layer| Int8::reads(layer.numbers)) => "Int8",
        false => "Integer",
    };
    let machine = if is_float { shape(model.machine::<Float>()) } else { shape(model.machine::<Integer>()) };
    // A net whose lowest layer is no machine only classifies.
    let (visible, hidden) = machine.unwrap_or((model.inputs(), 0));
    let classes = if last.kind == LayerKind::Head { last.hidden } else { last.classes() };
    let slot = slots::write(&bytes, memory.page_bytes, out).with_context(file)?;
    // Learning changes a copy of the file in RAM, and leaves at least half of that to all else.
    let copy = if is_float && bytes.len() <= memory.ram_bytes / 2 { bytes.len() } else { 0 };
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
         /// Visible units of its machine over the inputs, labels included.\n\
         pub const VISIBLE: usize = {visible};\n\
         /// Hidden units of that machine; 0 where there is none.\n\
         pub const HIDDEN: usize = {hidden};\n\
         /// Its classes; 0 where it has none.\n\
         pub const CLASSES: usize = {classes};\n\
         /// Values that it works in.\n\
         pub const WORK: usize = {work};\n\
         /// Bytes of the names of its classes.\n\
         pub const LABELS: usize = {labels};\n\
         /// Bytes of RAM for a copy of the file that learns; 0 where it is not to.\n\
         pub const COPY: usize = {copy};\n\
         /// Are its values sent as bytes at most? Else in f32, or raw as counts.\n\
         pub const SHORT_VALUES: bool = {short};\n\
         /// Bytes of a slot: the longest file that can be put in its place, and 32.\n\
         pub const SLOT: usize = {slot};\n\
         /// Bytes of the file.\n\
         const LENGTH: usize = {length};\n",
        format = first.numbers.name(),
        short = !is_float && model.header().scaling.is_none(),
        labels = model.header().labels.len(),
        inputs = model.inputs(),
        work = model.work_len(),
        length = bytes.len(),
    );
    fs::write(out.join("model.ebm"), bytes).context("cannot write model.ebm")?;
    fs::write(out.join("model.rs"), text).context("cannot write model.rs")
}

/// Visible and hidden units.
fn shape(machine: Result<impl Machine, ModelError>) -> Option<(usize, usize)> {
    machine.ok().map(|machine| (machine.visible(), machine.hidden()))
}

/// Is the model one of digits of `inputs` pixels?
fn check_for_digits(model: &Model<'_>, inputs: usize) -> Result<()> {
    ensure!(model.inputs() == inputs, "the model takes {} inputs, the test digits have {inputs}", model.inputs());
    ensure!(model.outputs() == CLASSES, "the model has {} classes, the test digits {CLASSES}", model.outputs());
    let input = model.header().input;
    ensure!(input == DIGITS, "the model takes {input:?}, the test digits are {DIGITS:?}");
    Ok(())
}
