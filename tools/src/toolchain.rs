//! How to build for a target without an operating system.
//!
//! The active toolchain does it where it has the target's core library (`rustup target add`). Where it
//! does not, the distribution's compiler may: Debian ships the library's source, which cargo then
//! builds along (`-Zbuild-std=core`).

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;
use crate::workspace;

/// The targets that the `no_std` crates are built for.
pub const TARGETS: [&str; 6] = [
    "thumbv6m-none-eabi",
    "thumbv7m-none-eabi",
    "thumbv7em-none-eabihf",
    "thumbv8m.main-none-eabihf",
    "riscv32imac-unknown-none-elf",
    "riscv32imc-unknown-none-elf",
];

/// The oldest compiler that ebm-core builds with, as its Cargo.toml says.
pub const CORE_RUST_VERSION: &str = "1.91";

/// The oldest compiler that the workspace builds with.
const RUST_VERSION: &str = env!("CARGO_PKG_RUST_VERSION");

/// Who builds for a target.
#[derive(Debug)]
pub enum Cross {
    /// The active toolchain, which has the target's core library.
    Rustup,
    /// The distribution's compiler, with the core library's source.
    Distribution {
        /// Its cargo.
        cargo: PathBuf,
        /// Its compiler.
        rustc: PathBuf,
        /// An LLD that links for the target.
        linker: PathBuf,
    },
}

impl Cross {
    /// Finds out who builds for `target`; `None` where nobody can.
    pub fn find(target: &str) -> Option<Self> {
        let library = process::probe(process::command("rustc").args(["--print", "target-libdir", "--target", target]));
        if library.is_some_and(|folder| Path::new(&folder).is_dir()) {
            return Some(Self::Rustup);
        }
        let (cargo, rustc) = distribution()?;
        let linker = linker()?;
        Some(Self::Distribution { cargo, rustc, linker })
    }

    /// The same, or an error that says what to do.
    pub fn require(target: &str) -> Result<Self> {
        Self::find(target).with_context(|| format!("nothing here builds for {target}: `cargo xtask setup` sees to it"))
    }

    /// `cargo build` or another of cargo's commands for `target`, to be given packages and the rest.
    pub fn cargo(&self, subcommand: &str, target: &str) -> Command {
        let mut command = match self {
            Self::Rustup => {
                let mut command = process::command("cargo");
                command.arg(subcommand);
                command
            }
            Self::Distribution { cargo, rustc, linker } => {
                let variable = target.to_uppercase().replace(['-', '.'], "_");
                let mut command = distribution_command(cargo);
                command
                    .env("RUSTC", rustc)
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env(format!("CARGO_TARGET_{variable}_LINKER"), linker)
                    .args([subcommand, "-Zbuild-std=core"]);
                command
            }
        };
        let remaps = remaps();
        if !remaps.is_empty() {
            command.arg("--config").arg(format!("target.{target:?}.rustflags={remaps:?}"));
        }
        // What is compiled piece by piece is cut otherwise: nobody's own setting shall change what is counted.
        command.env("CARGO_INCREMENTAL", "0");
        command.args(["--target", target, "--target-dir"]).arg(workspace::cross_target());
        command
    }

    /// The compiler's name and version.
    pub fn compiler(&self) -> Result<String> {
        let mut command = match self {
            Self::Rustup => process::command("rustc"),
            Self::Distribution { rustc, .. } => distribution_command(rustc),
        };
        Ok(process::stdout(command.arg("-V"))?.trim().to_owned())
    }
}

/// An installed toolchain of rustup's that is of a version, `1.89` say.
pub fn installed(version: &str) -> Option<String> {
    let output = process::command("rustup").args(["toolchain", "list"]).output().ok()?;
    let list = String::from_utf8(output.stdout).ok()?;
    let names = list.lines().filter_map(|line| line.split_whitespace().next());
    let is_of = |name: &&str| name.strip_prefix(version).is_some_and(|rest| rest.starts_with(['-', '.']));
    names.into_iter().find(is_of).map(str::to_owned)
}

/// Flags that name the registry's sources alike on every machine: a panic carries its file's path into
/// flash, and the size of a program shall not depend on where somebody's home is.
fn remaps() -> Vec<String> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let registries = home.and_then(|home| fs::read_dir(home.join("registry/src")).ok());
    let mut folders: Vec<PathBuf> =
        registries.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.sort();
    folders.iter().map(|folder| format!("--remap-path-prefix={}=registry", folder.display())).collect()
}

/// The distribution's cargo and compiler, where they are here, new enough and with the source of the
/// core library. They are looked for in the whole PATH, where rustup's come first as a rule.
pub fn distribution() -> Option<(PathBuf, PathBuf)> {
    process::path().into_iter().find_map(|folder| {
        let (cargo, rustc) = (folder.join("cargo"), folder.join("rustc"));
        let sysroot = process::probe(distribution_command(&rustc).args(["--print", "sysroot"]))?;
        let source = Path::new(&sysroot).join("lib/rustlib/src/rust/library/core/Cargo.toml");
        let version = process::probe(distribution_command(&rustc).arg("-V"))?;
        let fits = is_new_enough(&version) && source.is_file() && cargo.is_file();
        fits.then_some((cargo, rustc))
    })
}

/// An LLD: the one that the active toolchain carries, or one on the PATH.
pub fn linker() -> Option<PathBuf> {
    let bundled = || {
        let host_libraries = process::probe(process::command("rustc").args(["--print", "target-libdir"]))?;
        let linker = Path::new(&host_libraries).parent()?.join("bin/rust-lld");
        linker.is_file().then_some(linker)
    };
    bundled().or_else(|| process::find("rust-lld")).or_else(|| process::find("ld.lld"))
}

/// A program of the distribution's toolchain, without what would make it use the active one's parts.
fn distribution_command(program: &Path) -> Command {
    let mut command = process::command(program);
    for variable in ["RUSTUP_TOOLCHAIN", "RUSTC", "RUSTDOC", "LD_LIBRARY_PATH"] {
        command.env_remove(variable);
    }
    command
}

/// Whether `rustc -V` printed a version that the workspace builds with.
fn is_new_enough(printed: &str) -> bool {
    let numbers = |version: &str| -> Option<(u32, u32)> {
        let mut parts = version.split(['.', '-']);
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    let version = printed.split_whitespace().nth(1).and_then(numbers);
    version.is_some() && version >= numbers(RUST_VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_compiler_does_not_count() {
        assert!(!is_new_enough("rustc 1.63.0 (4b91a6ea7 2022-08-08)"));
        assert!(!is_new_enough("cargo"));
        assert!(is_new_enough(&format!("rustc {RUST_VERSION}.0-nightly (x)")));
        assert!(is_new_enough("rustc 2.0.0"));
    }

    #[test]
    fn a_distribution_build_names_its_parts_and_not_the_active_toolchain() {
        let cross = Cross::Distribution {
            cargo: "/usr/bin/cargo".into(),
            rustc: "/usr/bin/rustc".into(),
            linker: "/usr/bin/ld.lld".into(),
        };
        let command = cross.cargo("build", "thumbv8m.main-none-eabihf");
        let variable = |name: &str| command.get_envs().find(|(key, _)| *key == name);
        assert_eq!(command.get_program(), "/usr/bin/cargo");
        assert!(matches!(variable("RUSTC"), Some((_, Some(_)))));
        assert!(matches!(variable("RUSTUP_TOOLCHAIN"), Some((_, None))));
        let linker = variable("CARGO_TARGET_THUMBV8M_MAIN_NONE_EABIHF_LINKER");
        assert!(matches!(linker, Some((_, Some(path))) if path == "/usr/bin/ld.lld"));
    }
}
