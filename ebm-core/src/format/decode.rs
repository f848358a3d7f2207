//! Reading the header: postcard's encoding, as `FORMAT.md` describes it, without serde, whose code would be most of what a device's program
//! has to hold. A test holds the two to each other; the header is written by serde.

use super::stored::LayerList;
use super::{
    Binarisation, Header, ImageShape, Input, Kinds, LayerHeader, LayerKind, Novelty, NumberFormat, Presentation,
    Provenance,
};
use crate::units::HiddenKind;

/// What is left of a header's bytes. Every method takes its value off the start, and gives `None` where there is none.
#[derive(Clone, Debug, Default)]
pub struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Has everything been taken?
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    /// A varint of at most `bits` bits: the lower 32, and the upper ones in `high`. Halves, because shifting 64 bits is a function on small processors.
    #[inline(never)]
    fn varint(&mut self, bits: u32, high: &mut u32) -> Option<u32> {
        let (mut low, mut shift) = (0, 0);
        while shift < bits {
            let byte = self.byte()?;
            let seven = u32::from(byte & 0x7F);
            if shift < u32::BITS {
                low |= seven << shift;
                *high |= (seven >> 1) >> (u32::BITS - 1 - shift);
            } else {
                *high |= seven << (shift - u32::BITS);
            }
            if byte < 0x80 {
                return (bits - shift >= 7 || seven >> (bits - shift) == 0).then_some(low);
            }
            shift += 7;
        }
        None
    }

    fn u16(&mut self) -> Option<u16> {
        self.varint(u16::BITS, &mut 0).map(|value| value as u16)
    }

    #[inline(never)]
    pub(super) fn u32(&mut self) -> Option<u32> {
        self.varint(u32::BITS, &mut 0)
    }

    fn u64(&mut self) -> Option<u64> {
        let mut high = 0;
        let low = self.varint(u64::BITS, &mut high)?;
        Some(u64::from(high) << 32 | u64::from(low))
    }

    fn i32(&mut self) -> Option<i32> {
        let zigzag = self.u32()?;
        Some((zigzag >> 1) as i32 ^ -((zigzag & 1) as i32))
    }

    #[inline(never)]
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    fn f32(&mut self) -> Option<f32> {
        Some(f32::from_le_bytes(*self.bytes(4)?.first_chunk()?))
    }

    #[inline(never)]
    fn text(&mut self) -> Option<&'a str> {
        let length = self.u32()?;
        str::from_utf8(self.bytes(length as usize)?).ok()
    }

    /// Passes a text.
    pub(super) fn pass_text(&mut self) -> Option<()> {
        let length = self.u32()?;
        self.bytes(length as usize).map(|_| ())
    }

    pub(super) fn option<T>(&mut self, some: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.byte()? {
            0 => Some(None),
            1 => some(self).map(Some),
            _ => None,
        }
    }

    pub(super) fn input(&mut self) -> Option<Input> {
        Some(match self.u32()? {
            0 => Input::Unit,
            1 => Input::Levels { max: self.u16()? },
            2 => Input::Binary { threshold: self.u16()? },
            3 => Input::Scaled { channels: self.u32()? },
            _ => return None,
        })
    }

    #[inline(never)]
    pub(super) fn layer(&mut self) -> Option<LayerHeader> {
        let kind = self.u32()?;
        let kind = match kind {
            0 => LayerKind::BernoulliRbm,
            1 => LayerKind::Head,
            2 => LayerKind::Generative,
            3 => LayerKind::Sigmoid,
            4..=6 => {
                let kinds = Kinds { blocks: self.u16()?, labels: self.u32()?, hidden: self.hidden_kind()? };
                match kind {
                    4 => LayerKind::Rbm(kinds),
                    5 => LayerKind::GenerativeRbm(kinds),
                    _ => LayerKind::Directed(kinds),
                }
            }
            7 => LayerKind::Rectifier,
            _ => return None,
        };
        Some(LayerHeader { kind, numbers: self.numbers()?, visible: self.u32()?, hidden: self.u32()? })
    }

    fn hidden_kind(&mut self) -> Option<HiddenKind> {
        match self.u32()? {
            0 => Some(HiddenKind::Bernoulli),
            1 => Some(HiddenKind::Relu),
            _ => None,
        }
    }

    fn numbers(&mut self) -> Option<NumberFormat> {
        let format = self.u32()?;
        if format == 0 {
            return Some(NumberFormat::F32);
        }
        let down_shift = self.byte()?;
        match format {
            1 => Some(NumberFormat::Int8 { down_shift }),
            2 => Some(NumberFormat::Int4 { down_shift }),
            3 => Some(NumberFormat::Sign { down_shift }),
            4 => Some(NumberFormat::Int8Rows { down_shift }),
            _ => None,
        }
    }

    pub(super) fn novelty(&mut self) -> Option<Novelty> {
        Some(Novelty { threshold: self.i32()?, quantile: self.f32()? })
    }

    pub(super) fn provenance(&mut self) -> Option<Provenance<'a>> {
        Some(Provenance {
            dataset: self.text()?,
            dataset_crc32: self.u32()?,
            seed: self.u64()?,
            test_accuracy: self.option(Self::f32)?,
            tool: self.text()?,
        })
    }

    #[inline(never)]
    fn binarisation(&mut self) -> Option<Binarisation> {
        Some(match self.u32()? {
            0 => Binarisation::None,
            1 => Binarisation::Threshold { above: self.f32()? },
            2 => Binarisation::SampledOnce { seed: self.u64()? },
            3 => Binarisation::SampledEachTime,
            _ => return None,
        })
    }

    /// The header as every version has it, into `header`.
    #[inline(never)]
    pub(super) fn header<L: LayerList<'a>>(&mut self, header: &mut Header<'a, L>) -> Option<()> {
        header.input = self.input()?;
        header.layers.read(self)?;
        header.labels = self.text()?;
        header.novelty = self.option(Self::novelty)?;
        header.provenance = self.provenance()?;
        Some(())
    }

    /// What version 3 appended.
    #[inline(never)]
    pub(super) fn presentation(&mut self, presentation: &mut Presentation) -> Option<()> {
        let shape = |cursor: &mut Self| Some(ImageShape { width: cursor.u32()?, height: cursor.u32()? });
        presentation.image = self.option(shape)?;
        presentation.training = self.binarisation()?;
        presentation.test = self.binarisation()?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::format;

    /// Headers that between them hold every variant of everything.
    fn headers() -> [Header<'static>; 4] {
        let kinds = Kinds { blocks: 300, labels: 70_000, hidden: HiddenKind::Relu };
        let plain = Kinds { blocks: 0, labels: 0, hidden: HiddenKind::Bernoulli };
        let layers = [
            (LayerKind::BernoulliRbm, NumberFormat::F32),
            (LayerKind::Head, NumberFormat::Int8 { down_shift: 7 }),
            (LayerKind::Generative, NumberFormat::Int4 { down_shift: 0 }),
            (LayerKind::Sigmoid, NumberFormat::Sign { down_shift: 255 }),
            (LayerKind::Rbm(kinds), NumberFormat::Int8Rows { down_shift: 128 }),
            (LayerKind::GenerativeRbm(plain), NumberFormat::F32),
            (LayerKind::Directed(kinds), NumberFormat::F32),
            (LayerKind::Rectifier, NumberFormat::F32),
        ];
        let layer = |(kind, numbers)| LayerHeader { kind, numbers, visible: u32::MAX, hidden: 128 };
        let provenance = Provenance {
            dataset: "Ziffern, größer",
            dataset_crc32: 0xDEAD_BEEF,
            seed: u64::MAX,
            test_accuracy: Some(0.5),
            tool: "a tool",
        };
        let novelty = |threshold| Some(Novelty { threshold, quantile: 0.99 });
        let presentation =
            |training, test| Presentation { image: Some(ImageShape { width: 28, height: 1 << 31 }), training, test };
        [
            Header {
                input: Input::Levels { max: u16::MAX },
                layers: layers.map(layer).into_iter().collect(),
                labels: "one\nzwei\n三",
                novelty: novelty(i32::MIN),
                provenance,
                presentation: presentation(
                    Binarisation::Threshold { above: 0.5 },
                    Binarisation::SampledOnce { seed: u64::MAX },
                ),
                scaling: None,
            },
            Header {
                input: Input::Binary { threshold: 128 },
                novelty: novelty(i32::MAX),
                presentation: presentation(Binarisation::SampledEachTime, Binarisation::None),
                ..Header::default()
            },
            Header { input: Input::Scaled { channels: 16_384 }, novelty: novelty(-1), ..Header::default() },
            Header::default(),
        ]
    }

    /// What both make of bytes: header and presentation and how much is left, or nothing.
    fn both(bytes: &[u8]) -> [std::string::String; 2] {
        let serde = postcard::take_from_bytes::<Header<'_>>(bytes).and_then(|(mut header, rest)| {
            let (presentation, rest) = postcard::take_from_bytes(rest)?;
            header.presentation = presentation;
            Ok((header, rest.len()))
        });
        let mut header: Header<'_> = Header::default();
        let mut cursor = Cursor::new(bytes);
        let ours = cursor.header(&mut header).and_then(|()| cursor.presentation(&mut header.presentation));
        let ours = ours.map(|()| (header, cursor.0.len()));
        // As text, because NaN is not itself.
        [format!("{:?}", serde.ok()), format!("{ours:?}")]
    }

    #[test]
    fn headers_are_read_as_serde_reads_them_whole_cut_and_changed() {
        for header in headers() {
            let mut buffer = [0; 512];
            let mut length = postcard::to_slice(&header, &mut buffer).expect("a small header").len();
            length += postcard::to_slice(&header.presentation, &mut buffer[length..]).expect("a small header").len();
            let bytes = &mut buffer[..length];
            let [serde, ours] = both(bytes);
            assert!(serde == ours && ours == format!("{:?}", Some((header, 0))), "{serde} but {ours}");
            for at in 0..length {
                let [serde, ours] = both(&bytes[..at]);
                assert_eq!(serde, ours, "cut at {at}");
                let good = bytes[at];
                for byte in 0..=u8::MAX {
                    bytes[at] = byte;
                    let [serde, ours] = both(bytes);
                    assert_eq!(serde, ours, "{byte} at {at}");
                }
                bytes[at] = good;
            }
        }
    }
}
