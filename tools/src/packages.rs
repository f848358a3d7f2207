//! Debian's packages: installed by apt-get, never at the cost of one that is there.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::console::say;
use crate::process;
use crate::workspace;

/// The packages of the system, as far as this process may install them.
#[derive(Default)]
pub struct Packages {
    lists_are_new: bool,
}

/// Why a package was not installed.
pub enum Refusal {
    /// This process may not, or this system does not work so.
    NotHere(&'static str),
    /// No source has a package of this name.
    Unknown(String),
    /// These installed packages would have to go.
    Conflict(Vec<String>),
    /// A command failed, with its last words.
    Failed(String),
}

/// What apt-get would do.
struct Plan {
    install: Vec<String>,
    remove: Vec<String>,
}

impl Packages {
    /// Installs packages, after saying so.
    pub fn install(&mut self, packages: &[&str], purpose: &str) -> Result<(), Refusal> {
        self.look(packages)?;
        let plan = plan(packages)?;
        if !plan.remove.is_empty() {
            return Err(Refusal::Conflict(plan.remove));
        }
        say!("install: {} (apt-get; {purpose})", packages.join(" "));
        apt_get(&[&INSTALL, packages].concat(), &workspace::root())
    }

    /// Unpacks a package that cannot be installed beside what is there into the folder of tools, and
    /// installs the libraries that it needs, after saying so.
    pub fn unpack(&mut self, package: &str) -> Result<(), Refusal> {
        self.look(&[package])?;
        let plan = plan(&[package])?;
        let needed = dependencies(package)?;
        // The packages of one source conflict together: "qemu-system-arm" and "qemu-system-common".
        let family = package.split_once('-').map_or(package, |(family, _)| family);
        let libraries: Vec<&str> = plan
            .install
            .iter()
            .filter(|name| needed.contains(name) && !name.starts_with(family))
            .map(String::as_str)
            .collect();
        if !libraries.is_empty() {
            self.install(&libraries, &format!("libraries of {package}"))?;
        }
        let folder = workspace::tools();
        say!("unpack: {package} into {} (installing it would remove {})", folder.display(), plan.remove.join(" "));
        let failed = |error: std::io::Error| Refusal::Failed(format!("{}: {error}", folder.display()));
        fs::create_dir_all(&folder).map_err(failed)?;
        apt_get(&["download", package], &folder)?;
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|extension| extension == "deb") {
                let mut command = process::command("dpkg-deb");
                succeed(command.arg("-x").arg(&path).arg(&folder))?;
                fs::remove_file(&path).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Sees that packages can be installed here, and that these are known.
    fn look(&mut self, packages: &[&str]) -> Result<(), Refusal> {
        if process::probe(process::command("apt-get").arg("--version")).is_none() {
            return Err(Refusal::NotHere("there is no apt-get here"));
        }
        if process::probe(process::command("id").arg("-u")).as_deref() != Some("0") {
            return Err(Refusal::NotHere("that needs root"));
        }
        if !self.lists_are_new {
            say!("update: the lists of packages (apt-get update)");
            // One source that fails does not matter where the others have what is needed.
            let _ = apt_get(&["update"], &workspace::root());
            self.lists_are_new = true;
        }
        match packages.iter().find(|package| !is_known(package)) {
            Some(package) => Err(Refusal::Unknown((*package).to_owned())),
            None => Ok(()),
        }
    }
}

const INSTALL: [&str; 3] = ["install", "--yes", "--no-install-recommends"];

/// What it would take to install the packages.
fn plan(packages: &[&str]) -> Result<Plan, Refusal> {
    let mut command = process::command("apt-get");
    command.arg("--simulate").args(INSTALL).args(packages);
    let text = succeed(&mut command)?;
    let named = |action: &str| -> Vec<String> {
        text.lines()
            .filter_map(|line| line.strip_prefix(action)?.split_whitespace().next())
            .map(str::to_owned)
            .collect()
    };
    Ok(Plan { install: named("Inst "), remove: named("Remv ") })
}

/// The packages that a package depends on directly.
fn dependencies(package: &str) -> Result<Vec<String>, Refusal> {
    let text = succeed(process::command("apt-cache").args(["depends", package]))?;
    Ok(text.lines().filter_map(|line| line.trim().strip_prefix("Depends: ")).map(str::to_owned).collect())
}

/// Whether there is a version of the package to install.
fn is_known(package: &str) -> bool {
    succeed(process::command("apt-cache").args(["policy", package])).is_ok_and(|text| {
        text.lines().filter_map(|line| line.trim().strip_prefix("Candidate: ")).any(|version| version != "(none)")
    })
}

/// Runs apt-get without a question.
fn apt_get(arguments: &[&str], folder: &Path) -> Result<(), Refusal> {
    let mut command = process::command("apt-get");
    command
        .current_dir(folder)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["-qq", "-o", "DPkg::Lock::Timeout=120"])
        .args(arguments);
    succeed(&mut command).map(drop)
}

/// Runs a command and keeps its output to itself; its last words are the reason where it fails.
fn succeed(command: &mut Command) -> Result<String, Refusal> {
    // The output is read here, so it has to be in English.
    let output = command.env("LC_ALL", "C").output();
    let failed = |reason: &str| Refusal::Failed(format!("`{}`: {reason}", process::show(command)));
    let output = output.map_err(|error| failed(&error.to_string()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(failed(words.lines().last().unwrap_or("no reason given")))
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHere(reason) => write!(out, "not installed: {reason}"),
            Self::Unknown(package) => write!(out, "not installed: apt-get knows no {package}"),
            Self::Conflict(remove) => {
                write!(out, "not installed: it would remove {}", remove.join(" "))
            }
            Self::Failed(reason) => write!(out, "not installed: {reason}"),
        }
    }
}
