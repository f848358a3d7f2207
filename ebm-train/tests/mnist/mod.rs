//! MNIST's files with other images in them.

use std::fs;
use std::path::Path;

/// MNIST's four files with so many images, in which a stroke goes through the label's columns.
pub fn write_mnist(folder: &Path, train: u32, test: u32) {
    for (part, count) in [("train", train), ("t10k", test)] {
        let label = |image: u32| (image % 10) as u8;
        let mut images = [&[0, 0, 8, 3][..], &count.to_be_bytes(), &28u32.to_be_bytes(), &28u32.to_be_bytes()].concat();
        for image in 0..count {
            images.extend((0..784u32).map(|pixel| if pixel % 28 / 2 == u32::from(label(image)) { 200 } else { 9 }));
        }
        let mut labels = [&[0, 0, 8, 1][..], &count.to_be_bytes()].concat();
        labels.extend((0..count).map(label));
        fs::write(folder.join(format!("{part}-images-idx3-ubyte")), images).expect("a file");
        fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), labels).expect("a file");
    }
}
