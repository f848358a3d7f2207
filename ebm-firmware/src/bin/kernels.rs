//! Shows what each operation of the model in flash costs.
#![cfg_attr(target_os = "none", no_std, no_main)]

use ebm_firmware::{app, entry};

entry!(app::kernels);
