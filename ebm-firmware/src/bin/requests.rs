//! Shows what each request costs the program that answers a host.
#![cfg_attr(target_os = "none", no_std, no_main)]

use ebm_firmware::board::Hardware;
use ebm_firmware::{app, entry};

entry!(app::requests::<Hardware, _>);
