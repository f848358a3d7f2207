//! Greets and measures: shows that the board, its console and its counters work.
#![cfg_attr(target_os = "none", no_std, no_main)]

use ebm_firmware::{app, entry};

entry!(app::hello);
