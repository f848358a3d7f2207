//! [`Shape`]: a file's shapes at compile time, so that buffers have the right size and a file of another shape does not build.
//!
//! A second reader of the header, because a constant cannot be made by serde: it follows `FORMAT.md` as the first does, and a test holds the two
//! to each other. It checks neither checksums nor numbers; [`crate::Model::parse`] does, when the program starts.

use super::{MAGIC, PREFIX_LEN, VERSION, at};

/// What a program needs to know of a model file to hold its buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// [`crate::Model::inputs`].
    pub inputs: usize,
    /// [`crate::Model::outputs`].
    pub outputs: usize,
    /// [`crate::Model::work_len`].
    pub work: usize,
    /// Visible units of layer 0: with labels, where it has some.
    pub visible: usize,
    /// Hidden units of layer 0: `Chain<_, VISIBLE, HIDDEN>` samples its machine.
    pub hidden: usize,
}

/// A place in a header.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    /// The next byte; 0 past the end, where the layers' shapes come out as zero and the file is refused.
    const fn byte(&mut self) -> u8 {
        let byte = if self.at < self.bytes.len() { self.bytes[self.at] } else { 0 };
        self.at += 1;
        byte
    }

    /// The next varint.
    const fn number(&mut self) -> usize {
        let (mut value, mut shift) = (0usize, 0);
        loop {
            let byte = self.byte();
            if shift < usize::BITS {
                value |= (byte as usize & 0x7F) << shift;
            }
            shift += 7;
            if byte & 0x80 == 0 {
                return value;
            }
        }
    }
}

/// One layer, as far as a shape needs it.
#[derive(Clone, Copy)]
struct Layer {
    kind: usize,
    labels: usize,
    visible: usize,
    hidden: usize,
}

const HEAD: usize = 1;
const BESIDE: [usize; 2] = [2, 5];
const WITH_KINDS: core::ops::RangeInclusive<usize> = 4..=6;

impl Layer {
    const fn read(header: &mut Cursor<'_>) -> Self {
        let kind = header.number();
        let mut labels = 0;
        if *WITH_KINDS.start() <= kind && kind <= *WITH_KINDS.end() {
            header.number();
            labels = header.number();
            header.number();
        }
        if header.number() != 0 {
            header.byte();
        }
        Self { kind, labels, visible: header.number(), hidden: header.number() }
    }

    const fn is_beside(self) -> bool {
        self.kind == BESIDE[0] || self.kind == BESIDE[1]
    }
}

impl Shape {
    /// Reads the shapes of a file.
    ///
    /// # Panics
    /// When the bytes are no model file of a version that this crate knows: at compile time, where it is meant to be called.
    pub const fn of(file: &[u8]) -> Self {
        assert!(file.len() >= PREFIX_LEN, "the model file is cut short");
        let mut index = 0;
        while index < MAGIC.len() {
            assert!(file[index] == MAGIC[index], "not a model file: it does not begin with \"EBM\\x1a\"");
            index += 1;
        }
        let version = u16::from_le_bytes([file[at::VERSION], file[at::VERSION + 1]]);
        assert!(version != 0 && version <= VERSION, "the model file is of a version that this ebm-core does not read");

        let mut header = Cursor { bytes: file, at: PREFIX_LEN };
        if header.number() != 0 {
            header.number();
        }
        let count = header.number();
        assert!(count > 0 && count <= super::MAX_LAYERS, "the model file's header cannot be read");
        let first = Layer::read(&mut header);
        let mut last = first;
        let (mut work, mut below) = (0usize, 0usize);
        let mut index = 1;
        while index < count {
            if !last.is_beside() {
                let both = last.hidden.saturating_add(below);
                if both > work {
                    work = both;
                }
                below = last.hidden;
            }
            last = Layer::read(&mut header);
            index += 1;
        }
        assert!(first.visible > first.labels && last.hidden > 0, "the model file's header cannot be read");
        let classes = if last.kind == HEAD { last.hidden } else { last.labels };
        Self {
            inputs: first.visible - first.labels,
            outputs: if classes == 0 { last.hidden } else { classes },
            work,
            visible: first.visible,
            hidden: first.hidden,
        }
    }

    /// Stops the build, naming both shapes, unless the file takes `inputs` and gives `outputs`.
    ///
    /// # Panics
    /// When they differ: at compile time, where it is meant to be called.
    pub const fn expect(self, inputs: usize, outputs: usize) {
        if self.inputs != inputs || self.outputs != outputs {
            let text = self.mismatch(inputs, outputs);
            panic!("{}", text.as_str());
        }
    }

    /// What [`Shape::expect`] says.
    pub const fn mismatch(self, inputs: usize, outputs: usize) -> Text {
        let mut text = Text { bytes: [b' '; TEXT], length: 0 };
        text.push("the model file takes ");
        text.push_number(self.inputs);
        text.push(" inputs and gives ");
        text.push_number(self.outputs);
        text.push(" outputs, the program expects ");
        text.push_number(inputs);
        text.push(" and ");
        text.push_number(outputs);
        text
    }
}

/// Room for the longest sentence: 54 letters and four numbers of 20 digits.
const TEXT: usize = 160;

/// A sentence put together at compile time.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    bytes: [u8; TEXT],
    length: usize,
}

impl Text {
    const fn push(&mut self, words: &str) {
        let words = words.as_bytes();
        let mut index = 0;
        while index < words.len() && self.length < TEXT {
            self.bytes[self.length] = words[index];
            self.length += 1;
            index += 1;
        }
    }

    const fn push_number(&mut self, number: usize) {
        let mut power = 1;
        while number / power >= 10 {
            power *= 10;
        }
        while power > 0 && self.length < TEXT {
            self.bytes[self.length] = b'0' + (number / power % 10) as u8;
            self.length += 1;
            power /= 10;
        }
    }

    /// The sentence.
    pub const fn as_str(&self) -> &str {
        match core::str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(text) => text,
            Err(_) => "the model file has another shape than the program expects",
        }
    }
}
