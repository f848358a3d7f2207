//! The safetensors format: tensors by name, texts as its metadata.

use super::{Array, Element, Named};
use crate::Error;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use std::collections::HashMap;

/// Kinds of numbers that both know.
const KINDS: [(Dtype, Element); 11] = [
    (Dtype::F32, Element::F32),
    (Dtype::F64, Element::F64),
    (Dtype::U8, Element::U8),
    (Dtype::I8, Element::I8),
    (Dtype::U16, Element::U16),
    (Dtype::I16, Element::I16),
    (Dtype::U32, Element::U32),
    (Dtype::I32, Element::I32),
    (Dtype::U64, Element::U64),
    (Dtype::I64, Element::I64),
    (Dtype::BOOL, Element::Bool),
];

/// All tensors of a file, and its metadata as texts. Fails when it is none, or a tensor is of half precision or less.
pub fn read(name: &str, bytes: &[u8]) -> Result<Named, Error> {
    let wrong = |error| Error::data(name, format!("is no safetensors file: {error}"));
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(wrong)?;
    let tensors = SafeTensors::deserialize(bytes).map_err(wrong)?;
    let metadata = header.metadata().iter().flatten().map(|(key, text)| (key.clone(), Array::of_text(text)));
    let mut arrays: Named = metadata.collect();
    for (tensor_name, tensor) in tensors.iter() {
        let Some((_, element)) = KINDS.into_iter().find(|(kind, _)| *kind == tensor.dtype()) else {
            let problem = format!("tensor `{tensor_name}` holds {:?}; save it as float32", tensor.dtype());
            return Err(Error::data(name, problem));
        };
        let array = Array { element, shape: tensor.shape().to_vec(), bytes: tensor.data().to_vec() };
        arrays.insert(tensor_name.to_owned(), array);
    }
    Ok(arrays)
}

/// The bytes of a file with these arrays; texts become its metadata. Fails when an array's bytes do not fill its shape.
pub fn write(name: &str, arrays: &Named) -> Result<Vec<u8>, Error> {
    let wrong = |error| Error::data(name, format!("cannot be written as safetensors: {error}"));
    let mut tensors = Vec::new();
    let mut metadata = HashMap::new();
    for (array_name, array) in arrays {
        match KINDS.into_iter().find(|(_, element)| *element == array.element) {
            Some((kind, _)) => {
                let view = TensorView::new(kind, array.shape.clone(), &array.bytes).map_err(wrong)?;
                tensors.push((array_name, view));
            }
            None => _ = metadata.insert(array_name.clone(), array.to_texts().unwrap_or_default().join("\n")),
        }
    }
    serialize(tensors, Some(metadata).filter(|metadata| !metadata.is_empty())).map_err(wrong)
}
