//! `device` on a line to the firmware's own server, over TCP: answers compared, models replaced and fetched, learning; and devices that are not what they
//! should be.

mod program;

use ebm_core::format::crc32;
use ebm_core::service::{Memory, Spoken};
use ebm_core::wire::{self, Answer, Deframer, Response};
use ebm_core::{Aligned, Float, Integer};
use ebm_firmware::flash::MemoryFlash;
use ebm_firmware::server::{Identity, Line, Server};
use ebm_firmware::slots::Record;
use embedded_io::{ErrorType, Read, ReadReady, Write};
use program::{refuse, succeed};
use serde_json::Value;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;
use tempfile::TempDir;

/// Bytes of a slot, in whole pages: the f32 fixture and a record fit.
const SLOT: usize = 300 << 10;
/// Bytes of a body.
const BODY: usize = 2048;

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(name);
    path.to_str().expect("a path in UTF-8").to_owned()
}

/// A stream as a serial line.
struct Console {
    stream: TcpStream,
    /// Says another class than the model does.
    lies: bool,
}

impl ErrorType for Console {
    type Error = io::Error;
}

impl ReadReady for Console {
    fn read_ready(&mut self) -> io::Result<bool> {
        Ok(true)
    }
}

impl Read for Console {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.stream.read(bytes)
    }
}

impl Write for Console {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = if self.lies { another_class(bytes) } else { bytes.to_vec() };
        self.stream.write_all(&sent)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// The frame of a response, the class in it another one.
fn another_class(frame: &[u8]) -> Vec<u8> {
    let (mut body, mut out) = (vec![0; BODY], vec![0; 2 * BODY]);
    let mut deframer = Deframer::new(&mut body);
    let received = deframer.feed(&mut &*frame).expect("a whole frame").expect("a good one");
    let Response { ticks, outcome } = received.response().expect("a response");
    let outcome = outcome.map(|answer| match answer {
        Answer::Inferred { class, scores, energy } => Answer::Inferred { class: (class + 1) % 10, scores, energy },
        other => other,
    });
    wire::encode_response(received.tag(), &Response { ticks, outcome }, &mut out).expect("room").to_vec()
}

/// A device with this model in its flash, which serves one peer after another; its address.
fn device<N: Spoken>(model: &str, lies: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let model = fs::read(model).expect("a model");
    // Deep enough for all buffers of a device on its stack.
    let stack = 16 << 20;
    let serve = move || {
        let mut flash = Box::new(Aligned([0xFF; 2 * SLOT]));
        let record = Record { sequence: 0, len: model.len() as u32, crc: crc32(&model) };
        flash.0[..Record::LEN].copy_from_slice(&record.to_bytes());
        flash.0[Record::LEN..][..model.len()].copy_from_slice(&model);
        let mut memory = Box::new(Memory::<N, 64, 256, 384, 10, SLOT, 256>::ZERO);
        let identity = Identity { firmware: "test", board: "memory", clock_hz: 1_000_000 };
        let mut server = Server::new(identity, memory.as_mut().as_mut(), MemoryFlash::new(&mut flash.0), BODY);
        for stream in listener.incoming() {
            let console = Console { stream: stream.expect("a peer"), lies };
            let (mut body, mut frame) = ([0; BODY], [0; wire::frame_len(BODY)]);
            Line { console, body: &mut body, frame: &mut frame, clock: || 7, alive: || () }.serve(&mut server);
        }
    };
    thread::Builder::new().stack_size(stack).spawn(serve).expect("a thread");
    address
}

fn json(line: &str, folder: &Path) -> Value {
    serde_json::from_str(&succeed(&format!("{line} --json"), folder)).expect("stdout holds one JSON object")
}

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().to_owned();
    (folder, path)
}

#[test]
fn every_answer_is_compared_with_the_hosts() {
    let (_kept, folder) = folder();
    for (model, address) in [
        (fixture("digits-int8.ebm"), device::<Integer>(&fixture("digits-int8.ebm"), false)),
        (fixture("digits-f32.ebm"), device::<Float>(&fixture("digits-f32.ebm"), false)),
    ] {
        let line = format!("device {model} --tcp {address} --data digits --samples 60");
        let figures = json(&line, &folder);
        assert_eq!(
            (&figures["samples"], &figures["answers"], &figures["disagreements"]),
            (&60.into(), &120.into(), &0.into())
        );
        assert!(figures["accuracy"].as_f64().is_some_and(|accuracy| accuracy > 0.95), "{figures}");
        assert_eq!(figures["latency_us"], 0.0, "a clock that stands still");
        assert!(figures["instructions_per_inference"].is_null(), "nobody counts them here");
        assert!(succeed(&line, &folder).contains("all 120 answers are the host's, to the bit"));
    }
}

#[test]
fn an_answer_that_is_not_the_hosts_is_found_and_fails() {
    let (_kept, folder) = folder();
    let model = fixture("digits-int8.ebm");
    let address = device::<Integer>(&model, true);
    let words = ["5 of 10 answers are not the host's, to the bit"];
    refuse(&format!("device {model} --tcp {address} --samples 5"), &folder, 1, &words);
}

#[test]
fn a_model_is_pushed_checked_and_pulled() {
    let (_kept, folder) = folder();
    let (first, small) = (fixture("digits-int8.ebm"), fixture("v1-tiny-int8.ebm"));
    let address = device::<Integer>(&first, false);
    refuse(&format!("device {small} --tcp {address} --data digits"), &folder, 1, &["inputs: 3 expected, 64 found"]);
    succeed(&format!("device push {small} --tcp {address}"), &folder);
    let words = ["it runs another model than", "208 bytes", "3×2, 2×2", "device push"];
    refuse(&format!("device {first} --tcp {address} --samples 5"), &folder, 1, &words);
    succeed(&format!("device pull --tcp {address} --out pulled.ebm"), &folder);
    assert_eq!(fs::read(folder.join("pulled.ebm")).expect("a file"), fs::read(&small).expect("a fixture"));
    succeed(&format!("device push {first} --tcp {address}"), &folder);
    succeed(&format!("device {first} --tcp {address} --samples 5"), &folder);
    let float = fixture("digits-f32.ebm");
    let words = [&*address, "refuses: not supported: numbers that this build is not made for"];
    refuse(&format!("device push {float} --tcp {address}"), &folder, 1, &words);
    succeed(&format!("device {first} --tcp {address} --samples 5"), &folder);
}

#[test]
fn a_device_learns_what_the_host_learns_and_is_fetched_as_a_file() {
    let (_kept, folder) = folder();
    let model = fixture("digits-f32.ebm");
    let address = device::<Float>(&model, false);
    let line = format!(
        "device learn {model} --tcp {address} --data digits --samples 20 --learning-rate 0.02 --out adapted.ebm"
    );
    let figures = json(&line, &folder);
    assert_eq!(
        (&figures["updates"], &figures["answers"], &figures["disagreements"]),
        (&20.into(), &60.into(), &0.into())
    );
    assert_ne!(figures["before"], figures["after"]);
    let adapted = folder.join("adapted.ebm");
    assert_ne!(fs::read(&adapted).expect("a file"), fs::read(&model).expect("a fixture"));
    succeed("eval adapted.ebm --data digits", &folder);
    // The device answers with what it has learnt, and the file that came back says what.
    succeed(&format!("device adapted.ebm --tcp {address} --data digits --samples 5"), &folder);
    let integers = fixture("digits-int8.ebm");
    refuse(
        &format!("device learn {integers} --tcp {address} --data digits"),
        &folder,
        1,
        &["holds quantised integers"],
    );
}

#[test]
fn a_device_that_is_not_there_is_named_with_what_to_do() {
    let (_kept, folder) = folder();
    let model = fixture("digits-int8.ebm");
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    refuse(&format!("device {model} --tcp {closed}"), &folder, 1, &["cannot connect", "cargo xtask serve"]);
    refuse(&format!("device {model} --port /dev/no-such-port"), &folder, 1, &["/dev/no-such-port", "cannot open"]);
    refuse(&format!("device {model} --qemu mps2-an386"), &folder, 1, &["no checkout around the current folder"]);
    refuse(&format!("device {model}"), &folder, 2, &["--port"]);
    refuse("device", &folder, 2, &["MODEL"]);
    // Somebody else: what it says is no answer.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.and_then(|mut stream| stream.write_all(b"\0SSH-2.0-OpenSSH_9.2\r\n\0"));
        }
    });
    refuse(&format!("device {model} --tcp {address}"), &folder, 1, &["the line is lost"]);
}
