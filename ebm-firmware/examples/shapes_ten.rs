//! Machines of ten shapes, to be compared with `shapes_two`: `cargo xtask shapes`.
#![cfg_attr(target_os = "none", no_std, no_main)]

mod shapes;

shapes::program!((64, 32), (64, 16), (60, 24), (48, 40), (40, 12), (36, 20), (28, 28), (20, 10), (16, 8), (12, 6));
