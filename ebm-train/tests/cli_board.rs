//! `inspect --board` as a user runs it, before anything is flashed: what a model takes, and what is said where it does not fit.

mod program;

use program::{fail, refuse, succeed};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const INT8: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/digits-int8.ebm");
const F32: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/digits-f32.ebm");

fn on_board(model: &str, rest: &str, folder: &Path) -> Value {
    let text = succeed(&format!("inspect '{model}' --json --board {rest}"), folder);
    let facts: Value = serde_json::from_str(&text).expect("stdout holds one JSON object and nothing else");
    facts["board"].clone()
}

/// A fact that is a number.
fn number(facts: &Value, key: &str) -> u64 {
    facts[key].as_u64().unwrap_or_else(|| panic!("no number {key} in {facts}"))
}

#[test]
fn a_model_that_fits_is_told_in_figures_and_in_words() {
    let folder = TempDir::new().expect("a folder");
    let facts = on_board(INT8, "mps2-an386", folder.path());
    assert_eq!((&facts["name"], &facts["program"]), (&"mps2-an386".into(), &"serve".into()));
    let bytes = fs::metadata(INT8).expect("the model").len();
    let flash = number(&facts, "flash_bytes");
    assert!(2 * bytes < flash && flash <= number(&facts, "flash_available_bytes"), "{facts}");
    let ram = number(&facts, "static_ram_bytes") + number(&facts, "stack_bytes");
    assert!(0 < ram && ram <= number(&facts, "ram_available_bytes"), "{facts}");
    let inference = number(&facts, "instructions_per_inference");
    // Of 50,432 weights, of which each is read and multiplied with.
    assert!((60_000..200_000).contains(&inference), "{facts}");
    assert!(number(&facts, "instructions_per_free_energy") < inference, "{facts}");
    assert!(number(&facts, "instructions_per_gibbs_step") > 0, "{facts}");
    let read = number(&facts, "flash_bytes_read_per_inference");
    assert!(50_432 < read && read < bytes, "{facts}");
    assert!(facts["note"].as_str().is_some_and(|note| note.contains("not cycles")), "{facts}");

    let words = succeed(&format!("inspect '{INT8}' --board mps2-an386"), folder.path());
    for word in
        ["second slot".to_owned(), format!("flash  {flash} of"), format!("{inference} instructions an inference")]
    {
        assert!(words.contains(&word), "no `{word}` in: {words}");
    }
}

#[test]
fn a_model_that_does_not_fit_is_refused_with_what_would() {
    let folder = TempDir::new().expect("a folder");
    let words = ["does not fit microbit: it takes", "bytes of flash of 262144", "mps2-an386"];
    refuse(&format!("inspect '{F32}' --board microbit"), folder.path(), 1, &words);
    let stderr = fail(&format!("inspect '{F32}' --board microbit --json"), folder.path(), 1);
    assert!(stderr.contains("number formats that fit (ebm-train quantize): int8, int4, sign"), "{stderr}");
    let (_, hidden) = stderr.split_once("in this number format: ").expect("how many hidden units fit");
    let hidden: Vec<u32> =
        hidden.lines().next().unwrap_or_default().split(',').map(|units| units.parse().expect("a number")).collect();
    // Of 256 and 128.
    assert!(
        hidden.len() == 2 && hidden[0] < 256 && hidden[0] > 100 && hidden[0].div_ceil(2) == hidden[1],
        "{hidden:?}"
    );
}

#[test]
fn an_unknown_board_is_refused_with_those_there_are() {
    let folder = TempDir::new().expect("a folder");
    let words = ["--board abacus: no such board; there is: esp32c3-devkitm, microbit", "riscv32-virt"];
    refuse(&format!("inspect '{INT8}' --board abacus"), folder.path(), 2, &words);
}

#[test]
fn data_say_how_many_inputs_are_on() {
    let folder = TempDir::new().expect("a folder");
    let rows = folder.path().join("rows.ebm");
    succeed(&format!("quantize '{F32}' --bits int8-rows --out '{}'", rows.display()), folder.path());
    let rows = rows.display().to_string();
    let [dense, digits] = ["mps2-an386", "mps2-an386 --data digits"].map(|rest| on_board(&rows, rest, folder.path()));
    for key in ["instructions_per_inference", "flash_bytes_read_per_inference"] {
        assert!(number(&digits, key) < number(&dense, key), "{key}: {digits} {dense}");
    }
}
