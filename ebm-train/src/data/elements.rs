//! Rows of binary numbers, as idx and npy files hold them after their headers.

use super::reader::Reader;
use super::store::{MAX_VISIBLE, Store};
use super::{ImageShape, store::Budget};
use crate::Error;
use crate::arrays::Element;
use std::io::Read;

/// Bytes that are read at once, where a row is not longer.
const CHUNK: usize = 1 << 20;

/// What a file says of the numbers in it. The first dimension counts the samples.
pub(super) struct Elements {
    pub element: Element,
    /// Is the most significant byte the first?
    pub big_endian: bool,
    pub shape: Vec<usize>,
}

impl Elements {
    /// Samples that the file claims.
    pub fn rows(&self) -> usize {
        self.shape.first().copied().unwrap_or(0)
    }

    /// The samples' shape as images, where it is one: two dimensions, with or without one for a single colour.
    pub fn image(&self) -> Option<ImageShape> {
        match self.shape[1..] {
            [height, width] | [height, width, 1] | [1, height, width] => Some(ImageShape { width, height }),
            _ => None,
        }
    }

    /// Values of a sample. Fails when there are none, or more than any data have.
    fn visible(&self, reader: &Reader<'_>) -> Result<usize, Error> {
        let visible = self.shape[1..].iter().try_fold(1usize, |product, &size| product.checked_mul(size));
        match visible {
            Some(visible) if (1..=MAX_VISIBLE).contains(&visible) && self.rows() > 0 => Ok(visible),
            Some(visible) if visible == 0 || self.rows() == 0 => {
                Err(reader.origin.problem(format!("is empty: its dimensions are {:?}", self.shape)))
            }
            _ => {
                let problem = format!("its dimensions {:?} make samples of more than {MAX_VISIBLE} values", self.shape);
                Err(reader.origin.problem(problem))
            }
        }
    }

    /// Reads the samples to the end of the file, as the bytes come: what a file claims takes no memory. Fails when there are fewer or more
    /// than it claims, or one of the numbers is infinite.
    pub fn samples<'b>(&self, reader: &mut Reader<'_>, budget: &'b Budget) -> Result<Store<'b>, Error> {
        let visible = self.visible(reader)?;
        let mut store = Store::new(visible, budget);
        let mut values = Vec::new();
        self.chunks(reader, visible, |reader, bytes| {
            values.clear();
            self.element.append_f32(bytes, &mut values);
            if let Some(place) = values.iter().position(|value| value.is_infinite()) {
                let (row, column) = (store.rows() + place / visible, place % visible);
                return Err(reader
                    .origin
                    .problem(format!("sample {row}, value {column}: infinite, or too large for f32")));
            }
            store.push(&values)
        })?;
        Ok(store)
    }

    /// Reads one label a sample. Fails as [`Elements::samples`] does, and when a label is no integer from 0 to 65,535.
    pub fn labels(&self, reader: &mut Reader<'_>) -> Result<Vec<u16>, Error> {
        if self.visible(reader)? != 1 {
            let problem = format!("dimensions {:?} where labels have one number a sample", self.shape);
            return Err(reader.origin.problem(problem));
        }
        let mut labels = Vec::new();
        self.chunks(reader, 1, |reader, bytes| {
            let integers = self.element.integers(bytes).or_else(|| {
                let mut values = Vec::new();
                self.element.append_f32(bytes, &mut values);
                values.into_iter().map(|v| (v.fract() == 0.0).then_some(v as i64)).collect()
            });
            let integers = integers.ok_or_else(|| reader.origin.problem("labels that are no integers"))?;
            for label in integers {
                let row = labels.len();
                let label = u16::try_from(label);
                labels.push(
                    label
                        .map_err(|_| reader.origin.problem(format!("label of sample {row} is not from 0 to 65535")))?,
                );
            }
            Ok(())
        })?;
        Ok(labels)
    }

    /// Hands over the bytes of some whole rows after the other, little-endian.
    fn chunks(
        &self,
        reader: &mut Reader<'_>,
        visible: usize,
        mut take: impl FnMut(&Reader<'_>, &[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let size = self.element.size();
        if size == 0 || matches!(self.element, Element::Text(_)) {
            return Err(reader.origin.problem("holds text, where numbers are expected"));
        }
        let row = visible * size;
        let chunk = (CHUNK / row).max(1) * row;
        let claimed = self.rows() as u128 * row as u128;
        let mut found = 0u128;
        let mut bytes = Vec::new();
        while found < claimed {
            bytes.clear();
            let wanted = (chunk as u128).min(claimed - found) as u64;
            reader.by_ref().take(wanted).read_to_end(&mut bytes).map_err(|error| reader.origin.failed(error))?;
            found += bytes.len() as u128;
            if (bytes.len() as u64) < wanted {
                let problem =
                    format!("cut short: its dimensions {:?} take {claimed} bytes, there are {found}", self.shape);
                return Err(reader.origin.problem(problem));
            }
            if self.big_endian {
                bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
            }
            take(reader, &bytes)?;
        }
        match reader.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(reader
                .origin
                .problem(format!("more bytes than the {claimed} that its dimensions {:?} take", self.shape))),
            Err(error) => Err(reader.origin.failed(error)),
        }
    }
}
