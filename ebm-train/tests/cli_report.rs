//! `report.html` and what lies beside it, as a user finds them and as a browser shows them.

mod browser;
mod program;

use browser::Browser;
use ebm_tests::skipped::skipped;
use program::{program, refuse, succeed};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use tempfile::TempDir;

/// A deep net over the digits, with a comparison: a page that has everything.
const TRAIN: &str = "train --data digits --model dbn --hidden 24,16 --epochs 5 --finetune-epochs 4 --compare --batch-size 100 --out runs/a --quiet";

/// The run, for all tests.
static RUN: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = TempDir::new().expect("a folder");
    succeed(TRAIN, folder.path());
    folder
});

fn read(name: &str) -> String {
    fs::read_to_string(RUN.path().join(name)).expect("a file of text")
}

#[test]
fn a_run_ends_with_a_page_that_has_it_all() {
    let page = read("runs/a/report.html");
    let headings = [
        "Learning",
        "Likelihood",
        "Samples",
        "Filters",
        "Reconstructions and guesses",
        "Answers",
        "Novelty",
        "Boards",
        "How it was made",
    ];
    for heading in headings {
        assert!(page.contains(&format!("<h2>{heading}</h2>")), "no {heading}");
    }
    assert!(!page.contains("Not shown"), "every figure could be formed");
    let command = "--model dbn --hidden 24,16 --epochs 5 --finetune-epochs 4 --compare";
    assert!(page.contains(command) && page.contains("seed 1;"), "the command and the seed");
    assert!(page.contains("mps2-an386") && page.contains("with pretraining and without"));
    // Nothing is fetched, and nothing runs.
    for outside in ["http://", "https://", "<script", "<link rel=\"stylesheet"] {
        let found = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!found.contains(outside), "{outside}");
    }
}

#[test]
fn the_curves_are_those_of_the_log() {
    let mut csv = csv::Reader::from_reader(fs::File::open(RUN.path().join("runs/a/curves.csv")).expect("the curves"));
    let columns = csv.headers().expect("columns").clone();
    let column = |name: &str| columns.iter().position(|column| column == name).expect("a column");
    let rows: Vec<csv::StringRecord> = csv.records().map(|row| row.expect("a row")).collect();
    let log = read("runs/a/log.jsonl");
    let epochs: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("an event"))
        .filter(|event: &Value| event["event"] == "epoch")
        .collect();
    assert_eq!(rows.len(), 5 + 5 + 4 + 4);
    for row in &rows {
        let number: Option<u64> = row[column("epoch")].parse().ok();
        let is_this = |epoch: &&Value| epoch["stage"] == row[column("stage")] && epoch["epoch"].as_u64() == number;
        let epoch = epochs.iter().find(is_this).expect("the same epoch");
        for name in ["train_loss", "test_loss", "train_free_energy_nats", "test_accuracy"] {
            let value = &row[column(name)];
            let expected = epoch.get(name).and_then(Value::as_f64);
            assert_eq!(value.parse().ok(), expected, "{name} of {row:?}");
        }
    }
}

#[test]
fn earlier_machines_are_models() {
    for epoch in [1, 2, 5] {
        let model = format!("runs/a/milestones/epoch-{epoch}.ebm");
        let inspected: Value =
            serde_json::from_str(&succeed(&format!("inspect {model} --json"), RUN.path())).expect("an object");
        assert_eq!(inspected["layers"][0]["hidden"], 24, "{inspected}");
    }
    assert!(!RUN.path().join("runs/a/milestones/epoch-3.ebm").exists());
}

#[test]
fn a_report_is_written_again_with_its_plots() {
    let before = read("runs/a/report.html");
    let written: Value =
        serde_json::from_str(&succeed("report runs/a --plots plots --json", RUN.path())).expect("an object");
    let plots: Vec<&str> = written["plots"].as_array().expect("plots").iter().filter_map(Value::as_str).collect();
    assert!(plots.iter().any(|name| name.ends_with(".svg")) && plots.iter().any(|name| name.ends_with(".png")));
    for name in plots {
        let bytes = fs::read(RUN.path().join(name)).expect("a plot");
        let begins: &[u8] = if name.ends_with(".svg") { b"<svg" } else { b"\x89PNG" };
        assert!(bytes.starts_with(begins), "{name}");
    }
    assert_eq!(read("runs/a/report.html"), before);
}

#[test]
fn what_has_no_report_is_refused() {
    let folder = TempDir::new().expect("a folder");
    refuse("report runs/none", folder.path(), 1, &["runs/none", "no config.toml"]);
    let line = "train --data digits --hidden 8 --epochs 1 --out runs/b --report=false --quiet";
    succeed(line, folder.path());
    assert!(!folder.path().join("runs/b/report.html").exists());
    succeed("report runs/b", folder.path());
    assert!(folder.path().join("runs/b/report.html").is_file());
}

#[test]
fn other_models_have_their_pages() {
    let folder = TempDir::new().expect("a folder");
    let mut rows = String::from("t,a,b,label\n");
    for step in 0..400 {
        let x = f64::from(step) / 7.0;
        rows += &format!("{step},{:.3},{:.3},{}\n", x.sin(), (2.0 * x).cos() + 0.1 * x.sin(), step / 200);
    }
    fs::write(folder.path().join("wave.csv"), rows).expect("the data");
    let data = "--data csv:wave.csv --ignore t --window 8 --hop 4 --quiet";
    for (run, line) in [
        ("gaussian", format!("train {data} --ignore t,label --visible gaussian --hidden 8 --epochs 2 --out gaussian")),
        (
            "class",
            format!("train {data} --label label --scaling min-max --model classrbm --hidden 8 --epochs 2 --out class"),
        ),
        ("int8", "train --data digits --hidden 12 --epochs 2 --format int8 --quiet --out int8".to_owned()),
    ] {
        let line = if run == "gaussian" { line.replacen("--ignore t ", "", 1) } else { line };
        succeed(&line, folder.path());
        let page = fs::read_to_string(folder.path().join(run).join("report.html")).expect("a page");
        assert!(!page.contains("Not shown"), "{run}: {page}");
        assert!(page.contains("<h2>Filters</h2>") && page.contains("<h2>Novelty</h2>"), "{run}");
        assert_eq!(page.contains("`ebm-train eval` finds its likelihood"), run == "class");
    }
    // Written again it has less to draw from, and says so.
    succeed("report int8", folder.path());
    let page = fs::read_to_string(folder.path().join("int8/report.html")).expect("a page");
    assert!(page.contains("<h2>Filters</h2>") && page.contains("written in integers alone"));
}

#[test]
fn a_report_is_of_the_data_that_were_learnt_from() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let rows: Vec<String> = (0..60).map(|row| format!("{},{},{}", row % 2, row / 7 % 2, row % 3 % 2)).collect();
    fs::write(folder.join("bits.csv"), rows.join("\n")).expect("the data");
    succeed("train --data csv:bits.csv --hidden 3 --epochs 2 --out a --quiet", folder);
    let before = fs::read_to_string(folder.join("a/report.html")).expect("a page");
    assert!(before.contains("Log-likelihood of training samples") && before.contains("nats a training sample"));
    fs::write(folder.join("bits.csv"), rows[1..].join("\n")).expect("the data");
    refuse("report a", folder, 1, &["a: its data are not those that it learnt from, data-crc32 = ", "train anew"]);
    assert_eq!(fs::read_to_string(folder.join("a/report.html")).expect("a page"), before);
}

#[test]
fn rates_that_were_changed_on_the_way_are_told() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let line = "train --hidden 8 --epochs 4 --seed 2 --learning-rate 0.25 --out a --quiet";
    succeed(line, folder);
    let page = |run: &str| fs::read_to_string(folder.join(run).join("report.html")).expect("a page");
    assert!(page("a").contains("gives the same bits") && !page("a").contains("Rates on the way"));
    // As after a stop: the model is not there, and the log has no end.
    let log = fs::read_to_string(folder.join("a/log.jsonl")).expect("a log");
    let lines: Vec<&str> = log.lines().filter(|line| !line.contains("\"event\":\"end\"")).collect();
    fs::write(folder.join("a/log.jsonl"), lines.join("\n") + "\n").expect("the log");
    fs::remove_file(folder.join("a/model.ebm")).expect("the model");
    succeed("train --resume a --learning-rate 0.125 --quiet", folder);
    let page = page("a");
    assert!(page.contains("alone gives another model") && !page.contains("gives the same bits"));
    for rate in ["learning-rate = 0.25", "learning-rate = 0.125"] {
        assert!(page.contains(rate), "{rate}");
    }
    assert!(page.contains("the process that ended the run"));
}

#[cfg(unix)]
#[test]
fn an_interrupt_while_the_report_is_formed_leaves_it_to_the_resumed_run() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let mut training = program("train --hidden 700 --epochs 1 --out a");
    let mut training =
        training.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut stderr = BufReader::new(training.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
    assert!(stderr.any(|line| line == "measuring for report.html"), "it begins to");
    let interrupted = Command::new("kill").args(["-INT", &training.id().to_string()]).status().expect("kill");
    assert!(interrupted.success());
    let words: Vec<String> = stderr.collect();
    assert_eq!(training.wait().expect("a status").code(), Some(130), "{words:?}");
    assert!(words.iter().any(|line| line.contains("ending ahead of the report")), "{words:?}");
    assert!(folder.join("a/model.ebm").is_file() && !folder.join("a/report.html").exists());
    succeed("train --resume a --quiet", folder);
    assert!(folder.join("a/report.html").is_file());
}

#[test]
fn samples_of_very_many_values_leave_a_page() {
    let folder = TempDir::new().expect("a folder");
    let row =
        |offset: usize| (0..40_000).map(|column| ((column + offset) % 3 % 2).to_string()).collect::<Vec<_>>().join(",");
    let rows: Vec<String> = (0..6).map(row).collect();
    fs::write(folder.path().join("wide.csv"), rows.join("\n")).expect("the data");
    succeed("train --data csv:wide.csv --hidden 2 --epochs 1 --out a --quiet", folder.path());
    let page = fs::read_to_string(folder.path().join("a/report.html")).expect("a page");
    assert!(page.contains("not shown: the report: a picture of 400") && page.contains("<h2>How it was made</h2>"));
    succeed("report a --plots plots", folder.path());
}

#[test]
fn where_every_sample_misses_a_value_no_likelihood_is_made_up() {
    let folder = TempDir::new().expect("a folder");
    let rows: Vec<String> = (0..40)
        .map(|row| if row % 2 == 0 { format!("{},", row % 4 / 2) } else { format!(",{}", row % 3 % 2) })
        .collect();
    fs::write(folder.path().join("holes.csv"), rows.join("\n")).expect("the data");
    succeed("train --data csv:holes.csv --hidden 2 --epochs 1 --out a --quiet", folder.path());
    let page = fs::read_to_string(folder.path().join("a/report.html")).expect("a page");
    assert!(page.contains("misses a value, so none has a likelihood") && !page.contains("NaN"), "{page}");
}

/// What a browser says of every chart and picture of the page in a window so wide.
fn shown(browser: &Browser, page: &Path, width: u32) -> Value {
    let probe = page.with_file_name("probe.html");
    fs::write(&probe, PROBE.replace("WIDTH", &width.to_string())).expect("the probe");
    let dom = browser.dom(&probe);
    let found =
        dom.split("<pre id=\"found\">").nth(1).and_then(|rest| rest.split("</pre>").next()).expect("the probe's words");
    serde_json::from_str(&found.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")).expect(found)
}

/// Looks at the page from outside, as it has no script of its own.
const PROBE: &str = r#"<!doctype html><title>probe</title><iframe id="page" style="width:WIDTHpx;height:900px" src="report.html"></iframe><pre id="found"></pre>
<script>
const size = (element) => { const { width, height } = element.getBoundingClientRect(); return [width, height]; };
document.getElementById("page").onload = (event) => {
  const page = event.target.contentDocument;
  const charts = [...page.querySelectorAll("figure.chart")].map((chart) => ({
    title: chart.querySelector("figcaption").textContent,
    size: size(chart.querySelector("svg")),
    lines: [...chart.querySelectorAll("polyline")].filter((line) => line.getAttribute("stroke-width") === "4").map((line) => line.points.numberOfItems),
    marks: chart.querySelectorAll("circle").length,
    bars: chart.querySelectorAll("rect").length,
    letters: [...chart.querySelectorAll("text")].map((text) => text.getBoundingClientRect().height),
  }));
  const pictures = [...page.images].map((image) => ({ natural: image.naturalWidth, size: size(image) }));
  const root = page.documentElement;
  document.getElementById("found").textContent = JSON.stringify({ charts, pictures, wide: [root.scrollWidth, root.clientWidth] });
};
</script>"#;

#[test]
fn a_browser_shows_every_point_on_a_desk_and_on_a_phone() {
    let Some(browser) = Browser::find() else {
        skipped("no report was looked at in a browser: no Chromium is installed");
        return;
    };
    let page = RUN.path().join("runs/a/report.html");
    // It is heard.
    let complaining = RUN.path().join("complaining.html");
    fs::write(&complaining, "<!doctype html><script>console.error(\"ouch\")</script>").expect("a page");
    assert!(browser.complaints(&complaining).contains("ouch"));
    assert_eq!(browser.complaints(&page), "", "the browser's console");
    for width in [1280, 390] {
        let found = shown(&browser, &page, width);
        assert_eq!(found["wide"][0], found["wide"][1], "{width}: the page scrolls sideways");
        let chart = |title: &str| {
            let charts = found["charts"].as_array().expect("charts");
            charts.iter().find(|chart| chart["title"] == title).unwrap_or_else(|| panic!("no chart {title}: {found}"))
        };
        let lines = |title: &str, expected: &[u64]| {
            let lines: Vec<u64> =
                chart(title)["lines"].as_array().expect("lines").iter().filter_map(Value::as_u64).collect();
            assert_eq!(lines, expected, "{title}");
            assert_eq!(chart(title)["marks"].as_u64(), Some(expected.iter().sum()), "{title}");
        };
        // Training and test, a point an epoch.
        lines("Loss: pretrain-1", &[5, 5]);
        lines("Free energy: pretrain-2", &[5, 5]);
        lines("Grey levels of test samples in place of states", &[3, 3]);
        lines("Free-energy gap: pretrain-1", &[5]);
        assert!(chart("Free energy")["bars"].as_u64() > Some(80), "two histograms");
        for chart in found["charts"].as_array().expect("charts") {
            let side = |side: usize| chart["size"][side].as_f64().expect("a size");
            assert!(side(0) > 300.0 && side(0) < f64::from(width) && side(1) > 180.0, "{width}: {chart}");
            let letters = chart["letters"].as_array().expect("letters");
            assert!(letters.iter().all(|height| height.as_f64() > Some(8.0)), "{width}: too small to read: {chart}");
        }
        let pictures = found["pictures"].as_array().expect("pictures");
        assert_eq!(pictures.len(), 5, "samples twice, filters, reconstructions, guesses");
        for picture in pictures {
            assert!(
                picture["natural"].as_u64() > Some(0) && picture["size"][0].as_f64() <= Some(f64::from(width)),
                "{picture}"
            );
        }
    }
    // The page is drawn, not only laid out: its lines' blue is in a picture of the window.
    let pixels = browser.screenshot(&page, [1280, 1600]);
    let blue = pixels.chunks_exact(3).filter(|pixel| *pixel == [0, 114, 178]).count();
    assert!(blue > 500, "{blue} pixels are of the first line's colour");
}
