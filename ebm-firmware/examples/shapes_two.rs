//! Machines of two shapes, to be compared with `shapes_ten`: `cargo xtask shapes`.
#![cfg_attr(target_os = "none", no_std, no_main)]

mod shapes;

shapes::program!((64, 32), (64, 16));
