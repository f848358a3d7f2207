//! A driver for the tests of the graphics card: Mesa's, which computes on the processor, where there is no other.

use std::fs;

use crate::console::say;
use crate::packages::Packages;

/// Debian's package of the drivers.
const PACKAGE: &str = "mesa-vulkan-drivers";
/// Where Vulkan's drivers are named.
const FOLDERS: [&str; 2] = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"];

/// Whether the tests have to find a card.
pub fn is_driver_installed() -> bool {
    FOLDERS.iter().filter_map(|folder| fs::read_dir(folder).ok()).any(|mut files| files.next().is_some())
}

/// Installs a driver where there is none. That it cannot is no error: the tests say that they are left out.
pub fn setup(packages: &mut Packages) {
    if cfg!(target_os = "linux")
        && !is_driver_installed()
        && packages.install(&[PACKAGE], "computes as a graphics card does").is_err()
    {
        say!("{PACKAGE} cannot be installed here; the graphics card will not be tested where there is none");
    }
}
