//! Learns from the test digits on the device.
#![cfg_attr(target_os = "none", no_std, no_main)]

use ebm_firmware::{app, entry};

entry!(app::learn);
