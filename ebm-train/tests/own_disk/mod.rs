//! A small disk of the test's own: a tmpfs in a mount namespace, which goes away with the process.

use ebm_tests::skipped::skipped;
use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Tells the test, started anew in a namespace, that it is there.
const INSIDE: &str = "EBM_TEST_OWN_MOUNTS";
/// What a tmpfs gives and takes at once.
const PAGE: u64 = 4096;

/// Whether this process may mount. Where it may not, the test `name` is started anew in a namespace where it may, and this is false; it says so where there
/// can be none.
pub fn may_mount(name: &str) -> bool {
    if env::var_os(INSIDE).is_some() {
        return true;
    }
    // As an ordinary user, and where those may not, as root.
    let ways: [&[&str]; 2] = [&["--user", "--map-root-user", "--mount"], &["--mount"]];
    let works = |way: &&&[&str]| {
        let mut probe = Command::new("unshare");
        probe.args(**way).args(["mount", "-t", "tmpfs", "none", "/mnt"]);
        probe.output().is_ok_and(|output| output.status.success())
    };
    let Some(way) = ways.iter().find(works) else {
        skipped(&format!("{name}: no disk of its own can be mounted here"));
        return false;
    };
    let mut again = Command::new("unshare");
    again.args(*way).arg(env::current_exe().expect("this test"));
    let output = again.args(["--exact", name, "--nocapture"]).env(INSIDE, "1").output().expect("unshare was there");
    print!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    false
}

/// A disk of so many pages, mounted on a folder.
pub struct Disk {
    path: PathBuf,
}

impl Disk {
    pub fn mount(path: &Path, pages: u64) -> Self {
        fs::create_dir_all(path).expect("a folder");
        let size = format!("size={}", pages * PAGE);
        call(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(path));
        Self { path: path.to_owned() }
    }

    /// Leaves room for so many pages.
    pub fn fill(&self, room: u64) {
        let mut filler = File::create(self.filler()).expect("a file");
        while filler.write_all(&[0; PAGE as usize]).is_ok() {}
        let length = filler.metadata().expect("a file").len();
        filler.set_len(length.saturating_sub(room * PAGE)).expect("a shorter file");
    }

    /// Makes room again.
    pub fn clear(&self) {
        fs::remove_file(self.filler()).expect("it was filled");
    }

    pub fn make_read_only(&self) {
        call(Command::new("mount").args(["-o", "remount,ro"]).arg(&self.path));
        let written = OpenOptions::new().create(true).truncate(false).write(true).open(self.filler());
        assert!(written.is_err(), "the disk is read-only");
    }

    fn filler(&self) -> PathBuf {
        self.path.join("filler")
    }
}

fn call(command: &mut Command) {
    let output = command.output().expect("mount is there");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
