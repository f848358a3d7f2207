//! `--backend`, and `gpu`: on what a command computes.

use crate::Error;
use crate::backend::{Adapter, Backend, Cpu, Gpu, adapters};
use clap::ValueEnum;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{self, Write as _};

/// What computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum BackendKind {
    /// A graphics card where there is one, else the processor
    Auto,
    /// The processor
    #[default]
    Cpu,
    /// A graphics card, through Vulkan, Metal or DX12
    Gpu,
}

/// A command's arguments, and whether its figures are to be JSON.
pub(super) struct Asked<'a, A> {
    pub args: &'a A,
    pub json: bool,
}

/// Work that any backend can do.
pub(super) trait Work {
    /// Does it.
    fn on<B: Backend>(&self, backend: &B) -> Result<(), Error>;
}

impl BackendKind {
    /// Has `work` done, on so many threads where the processor does it, 0 for one each.
    pub(super) fn run(self, threads: usize, work: &impl Work) -> Result<(), Error> {
        match self.card()? {
            Some(gpu) => work.on(&gpu).and_then(|()| gpu.check()),
            None => work.on(&Cpu::new(threads)?),
        }
    }

    /// The card that is meant, or `None` for the processor, and a sentence on the choice where the user left it open. Fails where a card was asked for
    /// and there is none.
    pub(super) fn choose(self) -> Result<(Option<Gpu>, Option<String>), Error> {
        match self {
            Self::Cpu => Ok((None, None)),
            Self::Gpu => Ok((Some(Gpu::new()?), None)),
            Self::Auto => Ok(match Gpu::new() {
                // A driver that computes on the processor is slower than this program there.
                Ok(gpu) if !gpu.adapter().on_processor => {
                    let words = format!("--backend auto: computing on {}", gpu.adapter().name);
                    (Some(gpu), Some(words))
                }
                _ => {
                    (None, Some("--backend auto: computing on the processor, as there is no graphics card".to_owned()))
                }
            }),
        }
    }

    /// [`BackendKind::choose`], the sentence going to stderr.
    pub(super) fn card(self) -> Result<Option<Gpu>, Error> {
        let (gpu, words) = self.choose()?;
        if let Some(words) = words {
            // Not `eprintln!`: a reader that has gone away must not end the command.
            let _ = writeln!(io::stderr(), "{words}");
        }
        Ok(gpu)
    }
}

#[derive(Serialize)]
struct Cards {
    adapters: Vec<Adapter>,
}

/// Lists the graphics cards.
pub(super) fn list(json: bool) -> Result<(), Error> {
    let adapters = adapters();
    if json {
        return super::print_json(&Cards { adapters });
    }
    if adapters.is_empty() {
        return super::print("No graphics card: --backend gpu needs its Vulkan, Metal or DX12 driver\n");
    }
    let mut text = String::new();
    for Adapter { name, interface, kind, driver, largest_tensor, .. } in adapters {
        let mebibytes = largest_tensor >> 20;
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name}\n  {kind}, by {interface}; {driver}; tensors of up to {mebibytes} MiB");
    }
    super::print(&text)
}
