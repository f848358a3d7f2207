//! A board's serial line under QEMU, as a user has it: `ebm-train device` asks the firmware's program `serve`, replaces its model, and lets it learn.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ebm_core::format::crc32;
use ebm_core::wire::{self, Request};

use crate::board::{self, Board};
use crate::console::say;
use crate::model::Model;
use crate::process;
use crate::serve;
use crate::workspace;

/// The boards whose lines `cargo xtask test` uses: flash that is flash, the default board, another architecture.
pub const BOARDS: [&str; 3] = ["microbit", board::DEFAULT, "riscv32-virt"];
/// How long an emulator may take to listen.
const PATIENCE: Duration = Duration::from_secs(20);
/// Samples that are shown at a time.
const SAMPLES: &str = "100";
/// Where a transfer is cut: in the middle of a piece.
const CUT: usize = 5_000;

/// Shows the board's device digits, puts the model of `other` in its place, cuts such a transfer off and sends noise; on the default board a model learns.
pub fn run(board: &Board, other: &Path) -> Result<bool> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let device = Emulator(serve::at_port(board, &Model::Default, port)?.spawn().context("cannot start the emulator")?);
    let line = format!("127.0.0.1:{port}");
    wait_for(&line)?;
    let first = Model::Default.path();
    train(["device"], &first, &["--tcp", &line, "--samples", SAMPLES])?;
    train(["device", "push"], other, &["--tcp", &line])?;
    train(["device"], other, &["--tcp", &line, "--samples", SAMPLES])?;
    break_off(&line, &std::fs::read(&first).with_context(|| first.display().to_string())?)?;
    train(["device"], other, &["--tcp", &line, "--samples", SAMPLES])?;
    say!("ok: a model that was cut off, and noise: the one before goes on answering");
    drop(device);
    if board.name == board::DEFAULT {
        learn(board)?;
    }
    Ok(true)
}

/// A small machine learns on the device; what it has learnt comes back as a file.
fn learn(board: &Board) -> Result<()> {
    let folder = workspace::target().join("learns");
    let (out, adapted) = (folder.join("run"), folder.join("adapted.ebm"));
    let mut command = ebm_train();
    command
        .args(["train", "--data", "digits", "--model", "rbm", "--hidden", "32", "--epochs", "1", "--force", "--out"]);
    process::run(command.arg(&out))?;
    let model = out.join("model.ebm");
    let adapted_text = adapted.to_string_lossy().into_owned();
    train(["device", "learn"], &model, &["--qemu", &board.name, "--samples", "200", "--out", &adapted_text])?;
    train(["eval"], &adapted, &["--log-likelihood", "none"])
}

/// Sends half a transfer of `model`, noise, and half a frame.
fn break_off(line: &str, model: &[u8]) -> Result<()> {
    let mut stream = TcpStream::connect(line).context("cannot reach the emulator")?;
    let mut frame = vec![0; 1 << 16];
    let mut bytes = Vec::new();
    let mut add = |request: &Request<'_>| -> Result<()> {
        bytes.extend_from_slice(wire::encode_request(1, request, &mut frame).context("a frame")?);
        Ok(())
    };
    add(&Request::BeginModel { len: model.len() as u32, crc: crc32(model) })?;
    for (index, piece) in model.chunks(64).enumerate() {
        add(&Request::WriteModel { offset: 64 * index as u32, bytes: piece })?;
    }
    bytes.truncate(CUT);
    // Any bytes, zeros among them.
    bytes.extend((0..20_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8));
    stream.write_all(&bytes).context("the emulator's line is closed")?;
    // The emulator takes what was sent before it sees that the peer has gone.
    thread::sleep(Duration::from_secs(1));
    Ok(())
}

fn wait_for(line: &str) -> Result<()> {
    let start = Instant::now();
    while TcpStream::connect(line).is_err() {
        if start.elapsed() > PATIENCE {
            bail!("the emulator does not listen at {line}");
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn ebm_train() -> Command {
    let mut command = process::command("cargo");
    command.args(["run", "--quiet", "-p", "ebm-train", "--"]);
    command
}

/// Runs one of `ebm-train`'s commands on a model.
fn train<const N: usize>(words: [&str; N], model: &Path, flags: &[&str]) -> Result<()> {
    process::run(ebm_train().args(words).arg(model).args(flags))
}

/// An emulator that ends when it is no longer needed.
struct Emulator(Child);

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
