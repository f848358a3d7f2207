//! The npy format of NumPy (`numpy/lib/format.py`, versions 1 to 3): a magic, the header as a Python dictionary, then the elements.

use super::{Array, Element};
use crate::Error;
use std::io::{Read, Write};

/// What a file starts with.
pub const MAGIC: &[u8] = b"\x93NUMPY";
/// What the header is filled up to a multiple of.
const ALIGNMENT: usize = 64;
/// Far past any header of an array of numbers.
const LONGEST_HEADER: usize = 1 << 20;

/// What stands ahead of the elements.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// What the array is made of.
    pub element: Element,
    /// Does the first index run fastest (Fortran), not the last (C)?
    pub fortran_order: bool,
    /// Its dimensions.
    pub shape: Vec<usize>,
}

impl Header {
    /// Reads a header; the elements follow. Fails when it is none, or of elements that are neither numbers nor text. `name` is what an
    /// error calls the file.
    pub fn read(name: &str, reader: &mut impl Read) -> Result<Self, Error> {
        let cut = |_| Error::data(name, "cut short within the npy header".into());
        let mut start = [0; 8];
        reader
            .read_exact(&mut start)
            .map_err(|_| Error::data(name, "is no npy file: shorter than its magic".into()))?;
        let [magic @ .., major, _minor] = &start;
        if magic != MAGIC {
            return Err(Error::data(name, "is no npy file: it does not start with \\x93NUMPY".into()));
        }
        let length = match major {
            1 => {
                let mut length = [0; 2];
                reader.read_exact(&mut length).map_err(cut)?;
                usize::from(u16::from_le_bytes(length))
            }
            2 | 3 => {
                let mut length = [0; 4];
                reader.read_exact(&mut length).map_err(cut)?;
                u32::from_le_bytes(length) as usize
            }
            _ => return Err(Error::data(name, format!("npy version {major}; this program reads versions 1 to 3"))),
        };
        if length > LONGEST_HEADER {
            return Err(Error::data(name, format!("an npy header of {length} bytes")));
        }
        let mut text = vec![0; length];
        reader.read_exact(&mut text).map_err(cut)?;
        let text = String::from_utf8_lossy(&text);
        let wrong = |what: &str| Error::data(name, format!("its npy header has no {what}: {}", text.trim_end()));
        let description = value(&text, "descr").and_then(quoted).ok_or_else(|| wrong("`descr` that is one kind"))?;
        let element = element(description).ok_or_else(|| {
            let kinds = "float32, float64, integers, bool or text, little-endian";
            Error::data(name, format!("npy elements `{description}`; expected {kinds}"))
        })?;
        let order = value(&text, "fortran_order").ok_or_else(|| wrong("`fortran_order`"))?;
        let shape = value(&text, "shape").and_then(tuple).ok_or_else(|| wrong("`shape`"))?;
        let bytes = shape.iter().try_fold(element.size(), |product, &size| product.checked_mul(size));
        if bytes.is_none() {
            return Err(Error::data(name, format!("an array {shape:?} is larger than any memory")));
        }
        Ok(Self { element, fortran_order: order.starts_with("True"), shape })
    }

    /// Number of elements.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// Number of bytes that follow.
    pub fn bytes(&self) -> usize {
        self.count() * self.element.size()
    }
}

/// The array in `reader`, to its end. Fails when it is none, or its length is not what its header says.
pub fn read(name: &str, reader: &mut impl Read) -> Result<Array, Error> {
    let header = Header::read(name, reader)?;
    // The header may promise more than there is memory: what is there decides.
    let mut bytes = Vec::new();
    let longest = header.bytes() as u64 + 1;
    reader
        .take(longest)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::data(name, format!("cannot be read: {error}")))?;
    if bytes.len() != header.bytes() {
        let (more, expected) = (if bytes.len() > header.bytes() { "more than " } else { "" }, header.bytes());
        let found = bytes.len().min(expected);
        let problem = format!(
            "an array {:?} of {} takes {expected} bytes; {more}{found} follow its header",
            header.shape, header.element
        );
        return Err(Error::data(name, problem));
    }
    if header.fortran_order {
        bytes = in_c_order(&header.shape, header.element.size(), &bytes);
    }
    Ok(Array { element: header.element, shape: header.shape, bytes })
}

/// Writes an array as `numpy.save` does. Fails when `out` does.
pub fn write(array: &Array, out: &mut impl Write) -> std::io::Result<()> {
    let shape = match array.shape.as_slice() {
        [one] => format!("({one},)"),
        shape => format!("({})", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    };
    let description = description(array.element);
    let mut header = format!("{{'descr': '{description}', 'fortran_order': False, 'shape': {shape}, }}");
    // Magic, version and length take ten bytes, the line's end one.
    let length = (header.len() + 11).next_multiple_of(ALIGNMENT) - 10;
    header.extend(std::iter::repeat_n(' ', length - header.len() - 1));
    header.push('\n');
    out.write_all(MAGIC)?;
    out.write_all(&[1, 0])?;
    out.write_all(&(length as u16).to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    out.write_all(&array.bytes)
}

/// The text from a key's value on, in a Python dictionary.
fn value<'a>(dictionary: &'a str, key: &str) -> Option<&'a str> {
    let (_, after) = ['\'', '"'].iter().find_map(|quote| dictionary.split_once(&format!("{quote}{key}{quote}")))?;
    after.trim_start().strip_prefix(':').map(str::trim_start)
}

fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|quote| ['\'', '"'].contains(quote))?;
    text[1..].split_once(quote).map(|(inside, _)| inside)
}

fn tuple(text: &str) -> Option<Vec<usize>> {
    let (inside, _) = text.strip_prefix('(')?.split_once(')')?;
    let sizes = inside.split(',').map(str::trim).filter(|size| !size.is_empty());
    sizes.map(|size| size.trim_end_matches('L').parse().ok()).collect()
}

/// NumPy's names of kinds.
const NAMES: [(&str, Element); 11] = [
    ("<f4", Element::F32),
    ("<f8", Element::F64),
    ("|u1", Element::U8),
    ("|i1", Element::I8),
    ("<u2", Element::U16),
    ("<i2", Element::I16),
    ("<u4", Element::U32),
    ("<i4", Element::I32),
    ("<u8", Element::U64),
    ("<i8", Element::I64),
    ("|b1", Element::Bool),
];

fn element(description: &str) -> Option<Element> {
    if let Some(characters) = description.strip_prefix("<U") {
        return characters.parse().ok().filter(|&characters: &usize| characters < usize::MAX / 4).map(Element::Text);
    }
    // Of a single byte, the order says nothing.
    let same = |name: &str| name == description || name.starts_with('|') && description.get(1..) == name.get(1..);
    NAMES.iter().find(|(name, _)| same(name)).map(|&(_, element)| element)
}

fn description(element: Element) -> String {
    match element {
        Element::Text(characters) => format!("<U{characters}"),
        _ => NAMES.iter().find(|(_, named)| *named == element).map_or_else(String::new, |(name, _)| (*name).to_owned()),
    }
}

/// The elements of `size` bytes with the last index fastest, from those with the first fastest.
fn in_c_order(shape: &[usize], size: usize, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = vec![0; shape.len()];
    for _ in 0..shape.iter().product() {
        let place = index.iter().zip(shape).rev().fold(0, |place, (index, size)| place * size + index);
        out.extend_from_slice(&bytes[place * size..][..size]);
        for (index, &size) in index.iter_mut().zip(shape).rev() {
            *index += 1;
            if *index < size {
                break;
            }
            *index = 0;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `numpy.save` of the array `[[1, 2, 3], [4, 5, 6]]`, its header as NumPy 1.26 writes it.
    fn saved(description: &str, fortran: &str, elements: &[u8]) -> Vec<u8> {
        let dictionary = format!("{{'descr': '{description}', 'fortran_order': {fortran}, 'shape': (2, 3), }}");
        let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        bytes.extend(format!("{dictionary:<117}\n").as_bytes());
        bytes.extend(elements);
        bytes
    }

    fn refusal(bytes: &[u8]) -> String {
        match read("a.npy", &mut &bytes[..]) {
            Ok(array) => panic!("{array:?} was read"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn writes_what_numpy_writes() {
        let array = Array::of_f32(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let mut bytes = Vec::new();
        write(&array, &mut bytes).expect("a vector takes all");
        assert_eq!(bytes, saved("<f4", "False", &array.bytes));
        assert_eq!(bytes.len() % ALIGNMENT, 24);
    }

    #[test]
    fn every_kind_comes_back_as_it_was() {
        let arrays = [
            Array::of_f32(&[3], &[-0.0, f32::MIN_POSITIVE, 1.0e30]),
            Array::of_f32(&[], &[0.5]),
            Array::of_f32(&[0, 4], &[]),
            Array::of_i64(&[i64::MIN, -1, i64::MAX]),
            Array::of_text("grün, \"x\""),
            Array { element: Element::Bool, shape: vec![2, 1], bytes: vec![0, 1] },
        ];
        for array in arrays {
            let mut bytes = Vec::new();
            write(&array, &mut bytes).expect("a vector takes all");
            assert_eq!(read("a.npy", &mut &bytes[..]).expect("what was written"), array);
        }
        assert_eq!(Array::of_text("grün").to_texts(), Some(vec!["grün".to_owned()]));
    }

    #[test]
    fn elements_are_numbers_whatever_their_kind() {
        for (description, elements) in [
            ("|u1", [1u8, 2, 3, 4, 5, 6].to_vec()),
            ("<i1", [1u8, 2, 3, 4, 5, 6].to_vec()),
            ("<u2", [1u16, 2, 3, 4, 5, 6].map(u16::to_le_bytes).concat()),
            ("<i4", [1i32, 2, 3, 4, 5, 6].map(i32::to_le_bytes).concat()),
            ("<u8", [1u64, 2, 3, 4, 5, 6].map(u64::to_le_bytes).concat()),
            ("<f8", [1f64, 2.0, 3.0, 4.0, 5.0, 6.0].map(f64::to_le_bytes).concat()),
        ] {
            let array = read("a.npy", &mut &saved(description, "False", &elements)[..]).expect(description);
            assert_eq!(array.to_f32(), Some(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), "{description}");
            let integers = (description != "<f8").then(|| vec![1, 2, 3, 4, 5, 6]);
            assert_eq!(array.to_integers(), integers, "{description}");
        }
    }

    #[test]
    fn the_order_of_fortran_is_turned_into_that_of_c() {
        let columns_first = saved("|u1", "True", &[1, 4, 2, 5, 3, 6]);
        assert_eq!(read("a.npy", &mut &columns_first[..]).expect("an array").bytes, [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn what_is_no_array_is_refused_by_name_and_reason() {
        let whole = saved("|u1", "False", &[1, 2, 3, 4, 5, 6]);
        for (bytes, words) in [
            (&b"PK\x03\x04    "[..], "does not start with"),
            (&whole[..5], "shorter than its magic"),
            (&whole[..100], "cut short within the npy header"),
            (&whole[..whole.len() - 1], "an array [2, 3] of uint8 takes 6 bytes; 5 follow"),
            (&[&whole[..], &[7]].concat(), "takes 6 bytes; more than 6 follow"),
            (&saved(">f4", "False", &[0; 24]), "npy elements `>f4`; expected float32"),
            (&saved("|O", "False", &[0; 24]), "npy elements `|O`"),
            (&b"\x93NUMPY\x01\x00\x02\x00{}"[..], "has no `descr`"),
            (&b"\x93NUMPY\x04\x00\x02\x00{}"[..], "npy version 4"),
        ] {
            let message = refusal(bytes);
            assert!(message.starts_with("a.npy: ") && message.contains(words), "no `{words}` in: {message}");
        }
        let huge = "{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 8), }\n";
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((huge.len() as u16).to_le_bytes());
        bytes.extend(huge.as_bytes());
        assert!(refusal(&bytes).contains("larger than any memory"));
    }
}
