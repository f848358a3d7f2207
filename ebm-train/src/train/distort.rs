//! Small random distortions of training images, so that a net learns strokes and not the writers of the training set
//! (Simard, Steinkraus & Platt 2003).

use crate::data::{Batch, ImageShape};
use ebm_core::rng::{Philox, Purpose, Stream, unit_interval};
use rand_core::Rng;

/// Largest distortions; each is drawn uniformly up to it, in both directions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distortion {
    /// Shift along each axis, in pixels.
    pub shift: f32,
    /// Entries of the linear map's difference from the identity: scaling, shear and rotation, as a share.
    pub affine: f32,
}

/// Every image of `images` under an affine map of its own about its centre, resampled bilinearly; outside an image all is 0.
/// A sample's map is drawn from `(seed, epoch, sample)`, its number in `samples`.
pub fn distorted(
    images: &Batch,
    samples: &[u32],
    shape: ImageShape,
    distortion: Distortion,
    seed: u64,
    epoch: usize,
) -> Batch {
    let mut values = Vec::with_capacity(images.values.len());
    for (&sample, image) in samples.iter().zip(images.iter()) {
        let stream = Stream { step: epoch as u32, sample, ..Stream::new(Purpose::Noise) };
        let mut rng = Philox::new(seed, stream);
        let mut symmetric = |bound: f32| bound * (2.0 * unit_interval(rng.next_u32()) - 1.0);
        let map = Map {
            xx: 1.0 + symmetric(distortion.affine),
            xy: symmetric(distortion.affine),
            yx: symmetric(distortion.affine),
            yy: 1.0 + symmetric(distortion.affine),
            dx: symmetric(distortion.shift),
            dy: symmetric(distortion.shift),
        };
        map.resample(image, shape, &mut values);
    }
    Batch { values, visible: images.visible }
}

/// Where in the source a pixel of the result is read, relative to the centre: `(xx·x + xy·y + dx, yx·x + yy·y + dy)`.
struct Map {
    xx: f32,
    xy: f32,
    yx: f32,
    yy: f32,
    dx: f32,
    dy: f32,
}

impl Map {
    fn resample(&self, image: &[f32], shape: ImageShape, out: &mut Vec<f32>) {
        let ImageShape { width, height } = shape;
        let (centre_x, centre_y) = ((width as f32 - 1.0) / 2.0, (height as f32 - 1.0) / 2.0);
        let pixel = |x: i32, y: i32| {
            let inside = (0..width as i32).contains(&x) && (0..height as i32).contains(&y);
            if inside { image[y as usize * width + x as usize] } else { 0.0 }
        };
        for row in 0..height {
            for column in 0..width {
                let (x, y) = (column as f32 - centre_x, row as f32 - centre_y);
                let source_x = self.xx * x + self.xy * y + self.dx + centre_x;
                let source_y = self.yx * x + self.yy * y + self.dy + centre_y;
                let (left, top) = (source_x.floor(), source_y.floor());
                let (right_share, bottom_share) = (source_x - left, source_y - top);
                let (left, top) = (left as i32, top as i32);
                let upper = pixel(left, top) * (1.0 - right_share) + pixel(left + 1, top) * right_share;
                let lower = pixel(left, top + 1) * (1.0 - right_share) + pixel(left + 1, top + 1) * right_share;
                out.push(upper * (1.0 - bottom_share) + lower * bottom_share);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape { width: 3, height: 3 };

    fn resampled(map: &Map, image: &[f32]) -> Vec<f32> {
        let mut out = Vec::new();
        map.resample(image, SHAPE, &mut out);
        out
    }

    #[test]
    fn maps_move_pixels_as_they_say() {
        let image: Vec<f32> = (1..=9u8).map(f32::from).collect();
        let identity = Map { xx: 1.0, xy: 0.0, yx: 0.0, yy: 1.0, dx: 0.0, dy: 0.0 };
        assert_eq!(resampled(&identity, &image), image);
        let shift = Map { dx: 1.0, ..identity };
        assert_eq!(resampled(&shift, &image), [2.0, 3.0, 0.0, 5.0, 6.0, 0.0, 8.0, 9.0, 0.0]);
        let quarter_turn = Map { xx: 0.0, xy: 1.0, yx: -1.0, yy: 0.0, dx: 0.0, dy: 0.0 };
        assert_eq!(resampled(&quarter_turn, &image), [7.0, 4.0, 1.0, 8.0, 5.0, 2.0, 9.0, 6.0, 3.0]);
        let half = Map { dx: 0.5, ..quarter_turn };
        assert!(resampled(&half, &image).iter().all(|v| (0.0..=9.0).contains(v)));
    }

    #[test]
    fn an_image_is_distorted_by_its_epoch_and_sample() {
        let dot = [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        let images = Batch { values: dot.repeat(2), visible: dot.len() };
        let distortion = Distortion { shift: 0.5, affine: 0.1 };
        let of_epoch = |epoch, samples: &[u32]| distorted(&images, samples, SHAPE, distortion, 1, epoch).values;
        let first = of_epoch(1, &[0, 1]);
        assert_eq!(first, of_epoch(1, &[0, 1]));
        assert_ne!(first, of_epoch(2, &[0, 1]));
        assert_ne!(first[..9], first[9..]);
        // Whatever the minibatch that a sample is seen in.
        assert_eq!(first, [&of_epoch(1, &[1, 0])[9..], &of_epoch(1, &[1, 0])[..9]].concat());
    }
}
