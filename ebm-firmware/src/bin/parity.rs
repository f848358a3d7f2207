//! Runs the integer kernels over shapes, storages and inputs that try their corners.
#![cfg_attr(target_os = "none", no_std, no_main)]

use ebm_firmware::{app, entry};

entry!(app::parity);
