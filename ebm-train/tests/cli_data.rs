//! `data` as a user runs it: lists, figures, other formats, and downloads from a server of the test's own.

use ebm_train::data::fetch::{Checksum, Event, Fetched, PublicFile, PublicSet, fetch as fetch_set};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

mod server;
use server::{Answer, Server};

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ebm-train"));
    for proxy in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy", "HTTPS_PROXY"] {
        command.env_remove(proxy);
    }
    command.args(arguments).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the program prints UTF-8")
}

fn json(arguments: &[&str]) -> Value {
    let output = run(&[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("stdout holds one JSON object and nothing else")
}

fn refused(arguments: &[&str], code: i32, words: &[&str]) {
    let output = run(arguments);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
    assert!(output.stdout.is_empty(), "{arguments:?} printed on stdout");
    for word in words {
        assert!(stderr.contains(word), "{arguments:?}: no `{word}` in: {stderr}");
    }
}

#[test]
fn list_names_every_kind_of_data() {
    let words = text(&run(&["data", "list"]).stdout);
    for word in ["digits", "mnist:DIR", "idx:", "csv:", "npy:", "npz:", "fashion-mnist"] {
        assert!(words.contains(word), "no `{word}` in: {words}");
    }
    assert_eq!(json(&["data", "list"])["specs"].as_array().map(Vec::len), Some(6));
}

#[test]
fn inspect_says_what_is_in_a_data_set() {
    let digits = json(&["data", "inspect", "digits"]);
    assert_eq!((&digits["visible"], &digits["image"][0]), (&64.into(), &8.into()));
    let [train, test] = [&digits["parts"][0], &digits["parts"][1]];
    assert_eq!((&train["rows"], &test["rows"]), (&3823.into(), &1797.into()));
    assert_eq!((train["min"].as_f64(), train["max"].as_f64()), (Some(0.0), Some(16.0)));
    assert_eq!((&train["classes"][3]["class"], &train["classes"][3]["samples"]), (&"3".into(), &389.into()));
    assert!(!train["constant"].as_array().expect("a list").is_empty());
    assert_eq!(train["crc32"].as_str().map(str::len), Some(8));

    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("s.csv");
    fs::write(&path, "t,x,fixed,kind\n0,1,5,a\n1,,5,b\n2,3,5,a\n").expect("a file");
    let spec = format!("csv:{}", path.display());
    let arguments = ["data", "inspect", &spec, "--label", "kind", "--ignore", "t"];
    let table = json(&arguments);
    let part = &table["parts"][0];
    assert_eq!((&part["missing"], &part["constant"]), (&1.into(), &serde_json::json!(["column `fixed`"])));
    assert_eq!((part["channels"][0]["mean"].as_f64(), &part["channels"][0]["missing"]), (Some(2.0), &1.into()));
    let words = text(&run(&arguments).stdout);
    for word in ["csv:s.csv", "3 samples", "1 missing", "1 constant: column `fixed`", "a 2, b 1", "column `x`: 1 to 3"]
    {
        assert!(words.contains(word), "no `{word}` in: {words}");
    }
    refused(&["data", "inspect", &spec], 1, &["s.csv: line 2, column `kind`: `a` is no finite number"]);
    refused(&["data", "inspect", "letters"], 2, &["--data", "letters", "csv:FILE"]);
    refused(&["data", "inspect", "digits", "--window", "3"], 2, &["--window"]);
    refused(&["data", "inspect", "digits", "--validation", "1.5"], 2, &["--validation", "share"]);
}

#[test]
fn convert_writes_files_that_are_read_back() {
    let folder = TempDir::new().expect("a folder");
    let out = |name: &str| folder.path().join(name).display().to_string();
    let written = json(&["data", "convert", "digits", "--out", &out("d.npz")]);
    assert_eq!(written["files"], serde_json::json!([out("d.npz")]));
    let [digits, copy] =
        ["digits".to_owned(), format!("npz:{}", out("d.npz"))].map(|spec| json(&["data", "inspect", &spec]));
    assert_eq!(digits["parts"], copy["parts"]);
    let files = json(&["data", "convert", "digits", "--part", "test", "--out", &out("t-images-idx3-ubyte.gz")]);
    assert_eq!(files["files"], serde_json::json!([out("t-images-idx3-ubyte.gz"), out("t-labels-idx1-ubyte.gz")]));
    refused(&["data", "convert", "digits", "--out", &out("d.xls")], 2, &["--out", ".npz"]);
    fs::write(out("none"), "no folder").expect("a file");
    refused(&["data", "convert", "digits", "--out", &out("none/d.csv")], 1, &["none: cannot create the folder"]);
}

/// 300,000 bytes that do not compress, and their SHA-256.
fn content() -> (Vec<u8>, &'static str) {
    let bytes: Vec<u8> = (0..300_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let checksum = sha256(&bytes);
    (bytes, checksum)
}

fn sha256(bytes: &[u8]) -> &'static str {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>().leak()
}

/// A set of one file, fetched from `servers` in turn. What was fetched, the file's bytes, and how often a try failed.
fn fetch_one(folder: &Path, checksum: Checksum, servers: &[&Server]) -> Result<(Fetched, Vec<u8>, usize), String> {
    let files = vec![PublicFile { name: "file.gz", checksum }].leak();
    let set = PublicSet { name: "one", about: "", licence: "", mirrors: &["https://example.org/one"], files };
    let mirrors: Vec<String> = servers.iter().map(|server| server.url()).collect();
    let mut failures = 0;
    let fetched =
        fetch_set(&set, folder, &mirrors, &mut |event| failures += usize::from(matches!(event, Event::Failed(_))));
    let fetched = fetched.map_err(|error| error.to_string())?.remove(0);
    let bytes = fs::read(&fetched.path).expect("what was fetched");
    assert_eq!(fs::read_dir(folder).expect("the folder").count(), 1, "something is left beside the file");
    Ok((fetched, bytes, failures))
}

#[test]
fn a_file_comes_whole_and_is_not_fetched_twice() {
    let folder = TempDir::new().expect("a folder");
    let (bytes, checksum) = content();
    let server = Server::start(vec![Answer::Whole(bytes.clone())]);
    let checksum = Checksum::Packed(checksum);
    let (fetched, there, failures) = fetch_one(folder.path(), checksum, &[&server]).expect("a whole file");
    assert!(there == bytes && failures == 0 && fetched.url.is_some() && fetched.bytes == 300_000);
    let (again, _, _) = fetch_one(folder.path(), checksum, &[&server]).expect("the file that is there");
    assert!(again.url.is_none());
    assert_eq!(server.requests(), ["/folder/file.gz"]);
    // A file that was damaged since is fetched anew.
    fs::write(folder.path().join("file.gz"), "damaged").expect("a file");
    assert_eq!(fetch_one(folder.path(), checksum, &[&server]).expect("a whole file").1, bytes);
}

#[test]
fn a_connection_that_breaks_is_taken_up_where_it_broke() {
    let folder = TempDir::new().expect("a folder");
    let (bytes, checksum) = content();
    let answers =
        [Answer::Cut(bytes.clone(), 100_000), Answer::Cut(bytes.clone(), 250_000), Answer::Whole(bytes.clone())];
    let server = Server::start(answers.to_vec());
    let (_, there, failures) = fetch_one(folder.path(), Checksum::Packed(checksum), &[&server]).expect("a whole file");
    assert!(there == bytes && failures == 2);
    assert_eq!(server.requests(), ["/folder/file.gz", "/folder/file.gz from 100000", "/folder/file.gz from 250000"]);
}

#[test]
fn what_an_earlier_run_left_is_used_where_the_mirror_can() {
    let (bytes, checksum) = content();
    for (left, answer, requests) in [
        (&bytes[..70_000], Answer::Whole(bytes.clone()), 1),
        (&bytes[..70_000], Answer::NoRange(bytes.clone()), 1),
        // All of it, but not yet under its name.
        (&bytes[..], Answer::Whole(bytes.clone()), 1),
        // Of another file: found by the checksum, and fetched anew.
        (&[7; 70_000], Answer::Whole(bytes.clone()), 2),
        (&[7; 400_000], Answer::Whole(bytes.clone()), 2),
    ] {
        let folder = TempDir::new().expect("a folder");
        fs::write(folder.path().join("file.gz.part"), left).expect("a file");
        let server = Server::start(vec![answer]);
        let (_, there, _) = fetch_one(folder.path(), Checksum::Packed(checksum), &[&server]).expect("a whole file");
        assert!(there == bytes);
        assert_eq!(server.requests().len(), requests);
        assert!(server.requests()[0].contains(" from "));
    }
}

#[test]
fn the_next_mirror_is_asked_when_one_fails() {
    let folder = TempDir::new().expect("a folder");
    let (bytes, checksum) = content();
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&bytes).expect("a vector takes all");
    let packed = packed.finish().expect("a vector takes all");
    let wrong = Server::start(vec![Answer::Whole(b"another file".to_vec())]);
    let missing = Server::start(vec![Answer::Missing]);
    let right = Server::start(vec![Answer::Whole(packed.clone())]);
    let checksum = Checksum::Unpacked(checksum);
    let (fetched, there, failures) = fetch_one(folder.path(), checksum, &[&wrong, &missing, &right]).expect("a file");
    assert!(there == packed && failures == 2);
    assert!(fetched.url.is_some_and(|url| url.starts_with(&right.url())));
    let folder = TempDir::new().expect("a folder");
    let said = fetch_one(folder.path(), checksum, &[&wrong, &missing]).expect_err("no mirror has it");
    for word in ["SHA-256", "404", "By hand: download file.gz from https://example.org/one"] {
        assert!(said.contains(word) || word == "SHA-256" && said.contains("damaged"), "no `{word}` in: {said}");
    }
}

/// What a mirror of the set has: not the real files, of which no test can have all, so none has the right checksum.
fn fetch(server: &Server, out: &Path) -> Output {
    run(&["data", "fetch", "mnist", "--url", &server.url(), "--out", &out.display().to_string(), "--json"])
}

#[test]
fn a_mirror_with_other_files_is_refused_and_leaves_nothing() {
    let folder = TempDir::new().expect("a folder");
    let server = Server::start(vec![Answer::Whole(b"something else".to_vec())]);
    let output = fetch(&server, folder.path());
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    for word in ["train-images-idx3-ubyte.gz", "could not be fetched", "By hand", "https://", "--data mnist:"] {
        assert!(stderr.contains(word), "no `{word}` in: {stderr}");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 0);
}

#[test]
fn a_mirror_without_the_file_and_none_at_all_are_said() {
    let folder = TempDir::new().expect("a folder");
    let stderr = text(&fetch(&Server::start(vec![Answer::Missing]), folder.path()).stderr);
    assert!(stderr.contains("404") && stderr.contains("By hand"), "{stderr}");
    let out = folder.path().display().to_string();
    // Port 1 of this machine answers nobody.
    refused(
        &["data", "fetch", "fashion-mnist", "--url", "http://127.0.0.1:1", "--out", &out],
        1,
        &["By hand", "train-images"],
    );
    refused(&["data", "fetch", "letters"], 2, &["letters", "fashion-mnist"]);
}
