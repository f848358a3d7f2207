//! Samples, reconstructions and filters as PNG files: grids of tiles.

use crate::Error;
use crate::data::{Batch, ImageShape};
use crate::export::write_whole;
use std::io;
use std::path::Path;

/// Between tiles and about them.
const FRAME: [u8; 3] = [64, 64, 64];
/// A value that is missing (NaN).
const MISSING: [u8; 3] = [70, 110, 190];
/// Pixels that lie between two tiles, however much these are enlarged.
const GAP: usize = 2;
/// A picture of fewer pixels a side is enlarged until its tiles can be seen.
const TILE_PIXELS: usize = 56;
/// Pixels of a value of a sample that is no picture, where the sample is not wider for it than [`STRIP_PIXELS`]; and how high a strip is.
const VALUE_PIXELS: usize = 7;
const STRIP_PIXELS: usize = 512;
const STRIP_HEIGHT: usize = 16;
/// Most pixels of a side: past what viewers show.
const MAX_SIDE: usize = 1 << 15;

/// Which colour a value has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Colours {
    /// Grey: the first is black, the second white, values outside are as these.
    Grey(f32, f32),
    /// Weights: 0 is white, so much or more is red, as much below 0 is blue.
    Signed(f32),
}

impl Colours {
    /// Grey from the least to the greatest value; from 0 to 1 where all lie between.
    pub fn grey_of(values: &[f32]) -> Self {
        let (low, high) = values
            .iter()
            .filter(|value| value.is_finite())
            .fold((0.0f32, 1.0f32), |(low, high), &value| (low.min(value), high.max(value)));
        Self::Grey(low, high)
    }

    /// Signed, up to the largest magnitude.
    pub fn signed_of(values: &[f32]) -> Self {
        let magnitudes = values.iter().filter(|value| value.is_finite()).map(|value| value.abs());
        Self::Signed(magnitudes.fold(0.0, f32::max))
    }

    /// Red, green and blue of a value.
    pub fn of(self, value: f32) -> [u8; 3] {
        if value.is_nan() {
            return MISSING;
        }
        let level = |share: f32| (255.0 * share.clamp(0.0, 1.0)).round() as u8;
        match self {
            Self::Grey(low, high) if high > low => [level((value - low) / (high - low)); 3],
            Self::Grey(low, _) => [level(f32::from(u8::from(value > low))); 3],
            Self::Signed(largest) => {
                let share = if largest > 0.0 { value / largest } else { 0.0 };
                let faded = level(1.0 - share.abs());
                if share < 0.0 { [faded, faded, 255] } else { [255, faded, faded] }
            }
        }
    }

    /// What the colours mean.
    pub fn words(self) -> String {
        match self {
            Self::Grey(low, high) => format!("black is {}, white {}", short(low), short(high)),
            Self::Signed(largest) => format!("blue is -{0}, white 0, red {0}", short(largest)),
        }
    }
}

/// A number with three digits that count.
fn short(value: f32) -> f64 {
    let value = f64::from(value);
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let place = 10f64.powf(value.abs().log10().floor() - 2.0);
    // Divided by a whole power where it can be, which is exact.
    if place < 1.0 { (value / place).round() / (1.0 / place).round() } else { (value / place).round() * place }
}

/// A picture in red, green and blue.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Pixels of a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Three bytes a pixel, row by row.
    pub pixels: Vec<u8>,
}

/// How the values of a sample lie in its tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tile {
    /// Row by row: a picture.
    Picture(ImageShape),
    /// Steps of a window from left to right, its channels below each other.
    Window {
        /// Rows of the window.
        steps: usize,
        /// Values of a step.
        channels: usize,
    },
    /// Side by side, each as high as can be seen.
    Strip(usize),
}

impl From<ImageShape> for Tile {
    fn from(image: ImageShape) -> Self {
        Self::Picture(image)
    }
}

impl Tile {
    /// Its shape in values.
    pub fn shape(self) -> ImageShape {
        match self {
            Self::Picture(image) => image,
            Self::Window { steps, channels } => ImageShape { width: steps, height: channels },
            Self::Strip(values) => ImageShape { width: values, height: 1 },
        }
    }

    /// The shape that a half of the sample is a half of: a picture's own, and of other samples that of the row of their values.
    pub fn halved_as(self) -> ImageShape {
        match self {
            Self::Picture(image) => image,
            Self::Window { steps, channels } => ImageShape { width: steps * channels, height: 1 },
            Self::Strip(values) => ImageShape { width: values, height: 1 },
        }
    }

    /// The number of the value at a place.
    fn value(self, x: usize, y: usize) -> usize {
        match self {
            Self::Window { channels, .. } => x * channels + y,
            Self::Picture(_) | Self::Strip(_) => y * self.shape().width + x,
        }
    }

    /// Pixels that a value takes, across and down, so that the tile can be seen.
    fn enlarged(self) -> [usize; 2] {
        let ImageShape { width, height } = self.shape();
        let usual = TILE_PIXELS / width.max(height).max(1);
        let of_values = usual.max(VALUE_PIXELS.min(STRIP_PIXELS / width.max(height).max(1))).max(1);
        match self {
            Self::Picture(_) => [usual.max(1); 2],
            Self::Window { .. } => [of_values; 2],
            Self::Strip(_) => [of_values, of_values.max(STRIP_HEIGHT)],
        }
    }
}

/// Tiles of one shape side by side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// How values lie in a tile.
    pub tile: Tile,
    /// Tiles of a row.
    pub columns: usize,
    /// Pixels that a value takes, across and down.
    pub enlarged: [usize; 2],
}

impl Grid {
    /// A grid for `tiles` tiles, as square as they allow, enlarged until a tile can be seen.
    pub fn square(tile: impl Into<Tile>, tiles: usize) -> Self {
        let tile = tile.into();
        let (ImageShape { width, height }, [across, down]) = (tile.shape(), tile.enlarged());
        // Tiles may be wide: as many columns as make the picture's sides equal.
        let columns = (tiles as f64 * (height * down) as f64 / (width * across).max(1) as f64).sqrt().ceil() as usize;
        Self::rows_of(tile, columns.clamp(1, tiles.max(1)))
    }

    /// A grid of so many tiles a row, enlarged until a tile can be seen.
    pub fn rows_of(tile: impl Into<Tile>, columns: usize) -> Self {
        let tile = tile.into();
        Self { tile, columns, enlarged: tile.enlarged() }
    }

    /// Where the `index`-th tile's first pixel lies, across and down.
    pub fn place(&self, index: usize) -> [usize; 2] {
        self.sides([index % self.columns, index / self.columns])
    }

    /// Pixels that so many tiles across and down take, with the frame ahead of them and behind.
    fn sides(&self, [across, down]: [usize; 2]) -> [usize; 2] {
        let (ImageShape { width, height }, [wide, high]) = (self.tile.shape(), self.enlarged);
        [GAP + across * (width * wide + GAP), GAP + down * (height * high + GAP)]
    }

    /// Draws the tiles, row by row of the grid. Values over or under a tile's are not drawn.
    pub fn draw<'t>(&self, tiles: impl ExactSizeIterator<Item = &'t [f32]>, colours: Colours) -> Picture {
        self.draw_each(tiles.map(|tile| (tile, colours)))
    }

    /// [`Grid::draw`] with each tile in colours of its own.
    pub fn draw_each<'t>(&self, tiles: impl ExactSizeIterator<Item = (&'t [f32], Colours)>) -> Picture {
        let rows = tiles.len().div_ceil(self.columns).max(1);
        let [width, height] = self.sides([self.columns, rows]);
        let (shape, [wide, high]) = (self.tile.shape(), self.enlarged);
        let mut pixels = FRAME.repeat(width * height);
        for (index, (tile, colours)) in tiles.enumerate() {
            let [left, top] = self.place(index);
            for row in 0..shape.height {
                let values = (0..shape.width).map_while(|x| tile.get(self.tile.value(x, row)));
                let line: Vec<u8> = values.flat_map(|&value| colours.of(value).repeat(wide)).collect();
                for y in 0..high {
                    let first = 3 * ((top + row * high + y) * width + left);
                    pixels[first..first + line.len()].copy_from_slice(&line);
                }
            }
        }
        Picture { width, height, pixels }
    }
}

/// The tiles of bands: `columns` samples of the first, the same of the second below them, and so on, then the next samples. Where a row has fewer, its
/// last tiles are empty.
pub fn bands<'t>(bands: &[&'t Batch], columns: usize) -> Vec<&'t [f32]> {
    let rows = bands.first().map_or(0, |band| band.rows());
    let mut tiles = Vec::new();
    for first in (0..rows).step_by(columns.max(1)) {
        for band in bands {
            let tile = |row| if row < rows { band.row(row) } else { &[] };
            tiles.extend((first..first + columns).map(tile));
        }
    }
    tiles
}

impl Picture {
    /// Writes the picture as PNG, whole or not at all, with `words` about it inside.
    pub fn write_png(&self, path: &Path, words: &str) -> Result<(), Error> {
        self.check_size(&path.display().to_string())?;
        write_whole(path, "write the picture", |file| Ok(self.encode(io::BufWriter::new(file), words)?))
    }

    /// The bytes of the picture as PNG, with `words` about it inside. Fails when it is larger than viewers show.
    pub fn png(&self, words: &str) -> Result<Vec<u8>, Error> {
        self.check_size("the report")?;
        let mut bytes = Vec::new();
        let encoded = self.encode(&mut bytes, words).map_err(io::Error::from);
        encoded.map_err(Error::file(Path::new("the report"), "draw a picture"))?;
        Ok(bytes)
    }

    fn encode(&self, out: impl io::Write, words: &str) -> Result<(), png::EncodingError> {
        let mut encoder = png::Encoder::new(out, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.add_itxt_chunk("Description".into(), words.into())?;
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels)?;
        writer.finish()
    }

    fn check_size(&self, name: &str) -> Result<(), Error> {
        if self.width.max(self.height) <= MAX_SIDE {
            return Ok(());
        }
        let problem = format!("a picture of {} × {} pixels; draw fewer tiles", self.width, self.height);
        Err(Error::data(name, problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_what_they_say() {
        let grey = Colours::Grey(0.0, 1.0);
        assert_eq!([grey.of(0.0), grey.of(0.5), grey.of(1.0), grey.of(7.0)], [[0; 3], [128; 3], [255; 3], [255; 3]]);
        assert_eq!(grey.of(f32::NAN), MISSING);
        assert_eq!([0.0, 1.0820818, -0.00123456, 98765.0].map(short), [0.0, 1.08, -0.00123, 98800.0]);
        assert_eq!(Colours::grey_of(&[0.2, -3.0, f32::NAN, 2.0]), Colours::Grey(-3.0, 2.0));
        assert_eq!([0.0, 1.0820818, -0.00123456, 98765.0].map(short), [0.0, 1.08, -0.00123, 98800.0]);
        assert_eq!(Colours::grey_of(&[0.2]), grey, "values within 0 to 1 keep their grey from picture to picture");
        let signed = Colours::signed_of(&[0.5, -2.0]);
        assert_eq!(signed, Colours::Signed(2.0));
        assert_eq!([signed.of(0.0), signed.of(2.0), signed.of(-2.0)], [[255; 3], [255, 0, 0], [0, 0, 255]]);
        assert_eq!([signed.of(1.0), signed.of(-1.0)], [[255, 128, 128], [128, 128, 255]]);
        assert_eq!(Colours::signed_of(&[]).of(0.0), [255; 3]);
    }

    #[test]
    fn every_pixel_of_a_grid_is_a_tile_s_or_the_frame_s() {
        let tile = ImageShape { width: 2, height: 1 };
        let grid = Grid { tile: tile.into(), columns: 2, enlarged: [3, 3] };
        let tiles = [[0.0, 1.0], [1.0, 0.0], [f32::NAN, 0.4]];
        let picture = grid.draw(tiles.iter().map(|tile| &tile[..]), Colours::Grey(0.0, 1.0));
        assert_eq!((picture.width, picture.height), (2 + 6 + 2 + 6 + 2, 2 + 3 + 2 + 3 + 2));
        for y in 0..picture.height {
            for x in 0..picture.width {
                let inside = |at: usize, size: usize| at.checked_sub(2).filter(|at| at % (size + 2) < size);
                let expected = match (inside(x, 6), inside(y, 3)) {
                    (Some(x), Some(y)) => {
                        let (tile, value) = (y / 5 * 2 + x / 8, x % 8 / 3);
                        tiles.get(tile).map_or(FRAME, |tile| Colours::Grey(0.0, 1.0).of(tile[value]))
                    }
                    _ => FRAME,
                };
                let first = 3 * (y * picture.width + x);
                assert_eq!(picture.pixels[first..first + 3], expected, "pixel {x}, {y}");
            }
        }
    }

    #[test]
    fn bands_lie_below_each_other_sample_by_sample() {
        let batch = |values: &[f32]| Batch { values: values.to_vec(), visible: 1 };
        let (upper, lower) = (batch(&[1.0, 2.0, 3.0]), batch(&[4.0, 5.0, 6.0]));
        let tiles: Vec<Option<f32>> = bands(&[&upper, &lower], 2).iter().map(|tile| tile.first().copied()).collect();
        assert_eq!(tiles, [1.0, 2.0, 4.0, 5.0, 3.0, 0.0, 6.0, 0.0].map(|v| Some(v).filter(|v| *v > 0.0)));
    }

    #[test]
    fn a_grid_is_about_square_whatever_its_tiles() {
        let columns = |width, height, tiles| Grid::square(ImageShape { width, height }, tiles).columns;
        assert_eq!([columns(28, 28, 64), columns(28, 28, 10), columns(100, 1, 64), columns(8, 8, 1)], [8, 4, 1, 1]);
        assert_eq!(Grid::square(ImageShape { width: 8, height: 8 }, 4).enlarged, [7, 7]);
        assert_eq!(Grid::square(ImageShape { width: 100, height: 1 }, 4).enlarged, [1, 1]);
    }

    #[test]
    fn what_is_no_picture_can_be_seen() {
        let enlarged = |tile: Tile| tile.enlarged();
        assert_eq!([Tile::Strip(4), Tile::Strip(40), Tile::Strip(784)].map(enlarged), [[14, 16], [7, 16], [1, 16]]);
        let window = Tile::Window { steps: 3, channels: 2 };
        let grid = Grid { enlarged: [1, 1], ..Grid::rows_of(window, 1) };
        let values = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5];
        let picture = grid.draw([&values[..]].into_iter(), Colours::Grey(0.0, 0.5));
        let at = |x: usize, y: usize| picture.pixels[3 * ((GAP + y) * picture.width + GAP + x)];
        let rows = [0, 1].map(|channel| [0, 1, 2].map(|step| at(step, channel)));
        assert_eq!(rows, [[0, 102, 204], [51, 153, 255]], "a row a channel");
    }

    #[test]
    fn a_written_picture_is_read_again() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let path = folder.path().join("a.png");
        let tile = ImageShape { width: 3, height: 2 };
        let values = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];
        let picture = Grid::square(tile, 1).draw([&values[..]].into_iter(), Colours::Grey(0.0, 1.0));
        picture.write_png(&path, "black is 0, \"grün\" is none").expect("the picture");
        let file = io::BufReader::new(std::fs::File::open(&path).expect("the file"));
        let mut reader = png::Decoder::new(file).read_info().expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut pixels).expect("pixels");
        assert_eq!((info.width as usize, info.height as usize), (picture.width, picture.height));
        assert_eq!(pixels, picture.pixels);
        let words = reader.info().utf8_text[0].get_text().expect("text");
        assert_eq!(words, "black is 0, \"grün\" is none");
        let huge = Picture { width: MAX_SIDE + 1, height: 1, pixels: Vec::new() };
        assert!(huge.write_png(&path, "").expect_err("too wide").to_string().contains("draw fewer tiles"));
    }
}
