//! Training over several processes: MPI, and what its bindings are generated with.

use std::env;
use std::fs;

use crate::console::say;
use crate::packages::Packages;
use crate::process;

/// Debian's packages: the library, its launcher, and the reader of its header.
const PACKAGES: [&str; 3] = ["libopenmpi-dev", "openmpi-bin", "libclang-dev"];
/// Programs of the first two.
const PROGRAMS: [&str; 2] = ["mpicc", "mpirun"];
/// Where Debian's LLVM is, a folder a version.
const LLVM: &str = "/usr/lib";

/// Why nothing can be trained over several processes here.
pub fn impossible() -> Option<String> {
    (!is_installed())
        .then(|| format!("there is no MPI, or no libclang: as root `apt-get install {}`", PACKAGES.join(" ")))
}

fn is_installed() -> bool {
    let runs = |program: &&str| process::probe(process::command(program).arg("--version")).is_some();
    PROGRAMS.iter().all(runs) && has_libclang()
}

/// Whether the generator of bindings finds libclang: where the user says, or where Debian has it.
fn has_libclang() -> bool {
    let entries = fs::read_dir(LLVM).into_iter().flatten().flatten();
    let of_llvm = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("llvm-"));
    env::var_os("LIBCLANG_PATH").is_some()
        || of_llvm.map(|entry| entry.path()).any(|llvm| llvm.join("lib/libclang.so").exists())
}

/// Installs MPI where it is missing. That it cannot is no error: the step is left out, in words.
pub fn setup(packages: &mut Packages) {
    if cfg!(target_os = "linux")
        && !is_installed()
        && packages.install(&PACKAGES, "trains over several processes").is_err()
    {
        say!("{} cannot be installed here; training over several processes will not be tested", PACKAGES.join(" "));
    }
}
