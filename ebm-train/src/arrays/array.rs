//! [`Array`]: numbers of any kind with a shape, in the order of C.

use std::fmt;

/// What an array is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
    /// Unsigned byte.
    U8,
    /// Signed byte.
    I8,
    /// Unsigned, 16 bits.
    U16,
    /// Signed, 16 bits.
    I16,
    /// Unsigned, 32 bits.
    U32,
    /// Signed, 32 bits.
    I32,
    /// Unsigned, 64 bits.
    U64,
    /// Signed, 64 bits.
    I64,
    /// A byte that is 0 or 1.
    Bool,
    /// Text of at most so many characters, each in 32 bits, filled up with zeros.
    Text(usize),
}

impl Element {
    /// Bytes of one.
    pub fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::Bool => 1,
            Self::U16 | Self::I16 => 2,
            Self::F32 | Self::U32 | Self::I32 => 4,
            Self::F64 | Self::U64 | Self::I64 => 8,
            Self::Text(characters) => 4 * characters,
        }
    }

    /// Appends to `out` the elements in `bytes`, little-endian, as the nearest f32, one after another whatever their shape; `false`, and nothing appended, where they are text.
    /// Bytes over that are no whole element are left.
    pub fn append_f32(self, bytes: &[u8], out: &mut Vec<f32>) -> bool {
        match self {
            Self::F32 => out.extend(words(bytes).map(f32::from_le_bytes)),
            Self::F64 => out.extend(words(bytes).map(|word| f64::from_le_bytes(word) as f32)),
            Self::U8 => out.extend(bytes.iter().copied().map(f32::from)),
            Self::I8 => out.extend(bytes.iter().map(|&byte| f32::from(byte as i8))),
            Self::U16 => out.extend(words(bytes).map(|word| f32::from(u16::from_le_bytes(word)))),
            Self::I16 => out.extend(words(bytes).map(|word| f32::from(i16::from_le_bytes(word)))),
            Self::U32 => out.extend(words(bytes).map(|word| u32::from_le_bytes(word) as f32)),
            Self::I32 => out.extend(words(bytes).map(|word| i32::from_le_bytes(word) as f32)),
            Self::U64 => out.extend(words(bytes).map(|word| u64::from_le_bytes(word) as f32)),
            Self::I64 => out.extend(words(bytes).map(|word| i64::from_le_bytes(word) as f32)),
            Self::Bool => out.extend(bytes.iter().map(|&byte| f32::from(u8::from(byte != 0)))),
            Self::Text(_) => return false,
        }
        true
    }

    /// The elements in `bytes` as integers; `None` where they are fractions, text, or over 2^63 − 1.
    pub fn integers(self, bytes: &[u8]) -> Option<Vec<i64>> {
        Some(match self {
            Self::U8 => bytes.iter().copied().map(i64::from).collect(),
            Self::I8 => bytes.iter().map(|&byte| i64::from(byte as i8)).collect(),
            Self::U16 => words(bytes).map(|word| u16::from_le_bytes(word).into()).collect(),
            Self::I16 => words(bytes).map(|word| i16::from_le_bytes(word).into()).collect(),
            Self::U32 => words(bytes).map(|word| u32::from_le_bytes(word).into()).collect(),
            Self::I32 => words(bytes).map(|word| i32::from_le_bytes(word).into()).collect(),
            Self::U64 => {
                words(bytes).map(|word| i64::try_from(u64::from_le_bytes(word)).ok()).collect::<Option<_>>()?
            }
            Self::I64 => words(bytes).map(i64::from_le_bytes).collect(),
            Self::Bool => bytes.iter().map(|&byte| i64::from(byte != 0)).collect(),
            Self::F32 | Self::F64 | Self::Text(_) => return None,
        })
    }
}

impl fmt::Display for Element {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::F32 => "float32",
            Self::F64 => "float64",
            Self::U8 => "uint8",
            Self::I8 => "int8",
            Self::U16 => "uint16",
            Self::I16 => "int16",
            Self::U32 => "uint32",
            Self::I32 => "int32",
            Self::U64 => "uint64",
            Self::I64 => "int64",
            Self::Bool => "bool",
            Self::Text(_) => "text",
        })
    }
}

/// Consecutive words of `N` bytes.
fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.as_chunks().0.iter().copied()
}

/// An array: the last index runs fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// What it is made of.
    pub element: Element,
    /// Its dimensions; none for a single element.
    pub shape: Vec<usize>,
    /// The elements, little-endian.
    pub bytes: Vec<u8>,
}

impl Array {
    /// An array of f32 of this shape, `values` in C order: the last index runs fastest. Panics when `values` does not fill the shape.
    pub fn of_f32(shape: &[usize], values: &[f32]) -> Self {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "values of an array {shape:?}");
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { element: Element::F32, shape: shape.to_vec(), bytes }
    }

    /// A row of integers.
    pub fn of_i64(values: &[i64]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { element: Element::I64, shape: vec![values.len()], bytes }
    }

    /// A single text, as NumPy's `str_` of no dimensions.
    pub fn of_text(text: &str) -> Self {
        let bytes: Vec<u8> = text.chars().flat_map(|character| u32::from(character).to_le_bytes()).collect();
        Self { element: Element::Text(bytes.len() / 4), shape: Vec::new(), bytes }
    }

    /// Number of elements.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// The elements as the nearest f32; `None` where they are text.
    pub fn to_f32(&self) -> Option<Vec<f32>> {
        let mut values = Vec::with_capacity(self.count());
        self.element.append_f32(&self.bytes, &mut values).then_some(values)
    }

    /// The elements as integers; `None` where they are fractions, text, or over 2^63 − 1.
    pub fn to_integers(&self) -> Option<Vec<i64>> {
        self.element.integers(&self.bytes)
    }

    /// The texts; `None` where the elements are none.
    pub fn to_texts(&self) -> Option<Vec<String>> {
        let Element::Text(characters) = self.element else { return None };
        let text = |bytes: &[u8]| -> Option<String> {
            let text: Option<String> = words(bytes).map(|word| char::from_u32(u32::from_le_bytes(word))).collect();
            text.map(|text| text.trim_end_matches('\0').to_owned())
        };
        match characters {
            0 => Some(vec![String::new(); self.count()]),
            _ => self.bytes.chunks_exact(4 * characters).map(text).collect(),
        }
    }
}
