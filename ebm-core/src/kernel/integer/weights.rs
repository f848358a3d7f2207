//! How the weights of an integer layer are stored: [`Storage`] names the ways, [`Weights`] borrows them.

use super::MAX_WEIGHT;

/// A way of storing the weights `w_ij` of `V` inputs and `H` outputs. Words are 32 bits, little-endian, their bits, nibbles and
/// bytes counted from the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// `w_ij` from −128 to 127, a byte each; output j's weights are contiguous over the inputs.
    Int8,
    /// `w_ij` from −8 to 7 (our quantiser leaves −8 out), two a byte. Output j's weights are `⌈V/8⌉` words; the word of inputs
    /// `8g … 8g + 7` holds `w + 8`, inputs `8g … 8g + 3` in the low halves of its bytes, `8g + 4 … 8g + 7` in the high ones.
    Int4,
    /// `w_ij = ±1`. Output j's weights are `⌈V/32⌉` words; bit `b` of word `g` is set where `w` of input `32g + b` is +1.
    Sign,
    /// `w_ij` from −128 to 127, a byte `w + 128` each; input i's weights are contiguous over the outputs, in `⌈H/4⌉` words. For
    /// inputs that are mostly off or on: rows are added, and multiplied only for a value between.
    Int8Rows,
}

/// Weights in a word of [`Storage::Int4`].
pub(super) const NIBBLES: usize = 8;
/// Weights in a word of [`Storage::Sign`].
pub(super) const SIGNS: usize = 32;
/// Weights in a word of [`Storage::Int8Rows`].
pub(super) const BYTES: usize = 4;

impl Storage {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::Int8, Self::Int4, Self::Sign, Self::Int8Rows];

    /// Largest magnitude of a weight that [`Storage::pack`] takes; symmetric, so the lowest code of each width is left out.
    pub const fn max_weight(self) -> i8 {
        match self {
            Self::Int8 | Self::Int8Rows => 127,
            Self::Int4 => 7,
            Self::Sign => 1,
        }
    }

    /// Elements that hold the weights: bytes for [`Storage::Int8`], words for the others. Held to `usize::MAX`.
    pub const fn len(self, inputs: usize, outputs: usize) -> usize {
        match self {
            Self::Int8 => inputs.saturating_mul(outputs),
            Self::Int4 => inputs.div_ceil(NIBBLES).saturating_mul(outputs),
            Self::Sign => inputs.div_ceil(SIGNS).saturating_mul(outputs),
            Self::Int8Rows => outputs.div_ceil(BYTES).saturating_mul(inputs),
        }
    }

    /// Words that hold the weights, the last one of [`Storage::Int8`] filled up. Held to `usize::MAX`.
    pub const fn words(self, inputs: usize, outputs: usize) -> usize {
        let elements = self.len(inputs, outputs);
        if matches!(self, Self::Int8) { elements.div_ceil(BYTES) } else { elements }
    }

    /// Writes `weights` (`w_ij`, inputs × outputs, column-major; [`Storage::Sign`] takes what is not negative for +1) into the
    /// first [`Storage::words`] of `out`, whose other words it leaves alone; what does not fit is left out.
    /// A magnitude over [`Storage::max_weight`] is held to it.
    pub fn pack(self, weights: &[i8], inputs: usize, outputs: usize, out: &mut [u32]) {
        let used = self.words(inputs, outputs).min(out.len());
        let out = &mut out[..used];
        out.fill(0);
        for (j, column) in weights.chunks_exact(inputs.max(1)).take(outputs).enumerate() {
            for (i, &weight) in column.iter().enumerate() {
                let weight = i32::from(weight.clamp(-self.max_weight(), self.max_weight()));
                let byte_of = |at: usize| (at / BYTES, 8 * (at % BYTES));
                let (word, shift, code) = match self {
                    Self::Int8 => {
                        let (word, shift) = byte_of(i + j * inputs);
                        (word, shift, weight & 0xFF)
                    }
                    Self::Int4 => {
                        let at = i % NIBBLES;
                        let shift = 8 * (at % BYTES) + 4 * (at / BYTES);
                        (i / NIBBLES + j * inputs.div_ceil(NIBBLES), shift, weight + NIBBLE_ZERO)
                    }
                    Self::Sign => (i / SIGNS + j * inputs.div_ceil(SIGNS), i % SIGNS, i32::from(weight >= 0)),
                    Self::Int8Rows => {
                        let (word, shift) = byte_of(j);
                        (word + i * outputs.div_ceil(BYTES), shift, weight + BYTE_ZERO)
                    }
                };
                if let Some(out) = out.get_mut(word) {
                    *out |= (code as u32) << shift;
                }
            }
        }
    }
}

/// The code of weight 0 in [`Storage::Int4`].
pub(super) const NIBBLE_ZERO: i32 = 8;
/// The code of weight 0 in [`Storage::Int8Rows`].
pub(super) const BYTE_ZERO: i32 = 128;
const _: () = assert!(BYTE_ZERO == MAX_WEIGHT && NIBBLE_ZERO <= MAX_WEIGHT);

/// Borrowed weights; see [`Storage`].
#[derive(Clone, Copy, Debug)]
pub enum Weights<'a> {
    /// [`Storage::Int8`].
    Int8(&'a [i8]),
    /// [`Storage::Int4`].
    Int4(&'a [u32]),
    /// [`Storage::Sign`].
    Sign(&'a [u32]),
    /// [`Storage::Int8Rows`].
    Int8Rows(&'a [u32]),
}

/// Weights of which the program may know, when it is built, how they are stored: then it holds no kernels for other storages.
pub trait Stored<'a>: Copy {
    /// Are weights stored so among them?
    fn holds(storage: Storage) -> bool;
    /// These weights, if they are stored so.
    fn of(weights: Weights<'a>) -> Option<Self>;
    /// The weights.
    fn weights(self) -> Weights<'a>;
}

impl<'a> Stored<'a> for Weights<'a> {
    fn holds(_: Storage) -> bool {
        true
    }

    fn of(weights: Self) -> Option<Self> {
        Some(weights)
    }

    #[inline(always)]
    fn weights(self) -> Self {
        self
    }
}

/// [`Storage::Int8`] alone.
impl<'a> Stored<'a> for &'a [i8] {
    fn holds(storage: Storage) -> bool {
        storage == Storage::Int8
    }

    fn of(weights: Weights<'a>) -> Option<Self> {
        if let Weights::Int8(bytes) = weights { Some(bytes) } else { None }
    }

    #[inline(always)]
    fn weights(self) -> Weights<'a> {
        Weights::Int8(self)
    }
}

impl<'a> Weights<'a> {
    /// The weights of a layer `inputs × outputs` as [`Storage::pack`] writes them; what there are of them.
    pub fn packed(storage: Storage, words: &'a [u32], inputs: usize, outputs: usize) -> Self {
        match storage {
            Storage::Int8 => {
                let bytes: &[i8] = bytemuck::cast_slice(words);
                Self::Int8(bytes.get(..inputs.saturating_mul(outputs)).unwrap_or(bytes))
            }
            Storage::Int4 => Self::Int4(words),
            Storage::Sign => Self::Sign(words),
            Storage::Int8Rows => Self::Int8Rows(words),
        }
    }

    /// How they are stored.
    pub const fn storage(self) -> Storage {
        match self {
            Self::Int8(_) => Storage::Int8,
            Self::Int4(_) => Storage::Int4,
            Self::Sign(_) => Storage::Sign,
            Self::Int8Rows(_) => Storage::Int8Rows,
        }
    }

    /// Their bytes, as in a file.
    pub fn as_bytes(self) -> &'a [u8] {
        match self {
            Self::Int8(bytes) => bytemuck::cast_slice(bytes),
            Self::Int4(words) | Self::Sign(words) | Self::Int8Rows(words) => bytemuck::cast_slice(words),
        }
    }

    /// How many elements there are, as [`Storage::len`] counts them.
    pub const fn len(self) -> usize {
        match self {
            Self::Int8(bytes) => bytes.len(),
            Self::Int4(words) | Self::Sign(words) | Self::Int8Rows(words) => words.len(),
        }
    }

    /// Are there none?
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }
}
