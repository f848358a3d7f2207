//! Answers a host's requests with the model in flash: the program to put on a device.
#![cfg_attr(target_os = "none", no_std, no_main)]

use ebm_firmware::app;
use ebm_firmware::board::Hardware;

ebm_firmware::bare!(app::serve::<Hardware>);
