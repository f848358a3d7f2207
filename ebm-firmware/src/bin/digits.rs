//! Classifies the test digits with the model in flash.
#![cfg_attr(target_os = "none", no_std, no_main)]

use ebm_firmware::{app, entry};

entry!(app::digits);
