//! Chromium without a window.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// Names that it goes by.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// A browser that is installed here.
pub struct Browser {
    program: &'static str,
}

impl Browser {
    /// The first that there is.
    pub fn find() -> Option<Self> {
        let answers = |name: &&&str| Command::new(name).arg("--version").output().is_ok_and(|out| out.status.success());
        NAMES.iter().find(answers).map(|program| Self { program })
    }

    fn run(&self, page: &Path, arguments: &[String]) -> Output {
        let profile = TempDir::new().expect("a folder");
        let output = Command::new(self.program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--allow-file-access-from-files",
            ])
            .args(["--enable-logging=stderr", "--virtual-time-budget=10000"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(arguments)
            .arg(format!("file://{}", page.display()))
            .output()
            .expect("the browser starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// The page as it stands after its scripts.
    pub fn dom(&self, page: &Path) -> String {
        let output = self.run(page, &["--dump-dom".to_owned()]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What the console says of the page.
    pub fn complaints(&self, page: &Path) -> String {
        let output = self.run(page, &["--dump-dom".to_owned()]);
        let words = String::from_utf8_lossy(&output.stderr);
        words.lines().filter(|line| line.contains(":CONSOLE")).collect::<Vec<_>>().join("\n")
    }

    /// Pixels of a window of this size, three bytes each.
    pub fn screenshot(&self, page: &Path, [width, height]: [u32; 2]) -> Vec<u8> {
        let folder = TempDir::new().expect("a folder");
        let file = folder.path().join("window.png");
        self.run(page, &[format!("--screenshot={}", file.display()), format!("--window-size={width},{height}")]);
        let file = BufReader::new(File::open(file).expect("a picture of the window"));
        let mut decoder = png::Decoder::new(file);
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut pixels).expect("pixels");
        let bytes = info.color_type.samples();
        pixels.chunks_exact(bytes).flat_map(|pixel| pixel[..3].to_vec()).collect()
    }
}
