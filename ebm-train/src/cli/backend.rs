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

/// Work that any backend can do.
pub(super) trait Work {
    /// What comes of it.
    type Found;

    /// Does it. What it writes or prints itself, rather than give it, it asks [`Backend::check`] for first: a card that failed goes on as if it had not.
    fn on<B: Backend>(self, backend: &B) -> Result<Self::Found, Error>;
}

impl BackendKind {
    /// What comes of `work`, done on so many threads where the processor does it, 0 for one each. Fails where a card failed on the way.
    pub(super) fn run<W: Work>(self, threads: usize, work: W) -> Result<W::Found, Error> {
        match self.card()? {
            Some(gpu) => checked(&gpu, work),
            None => checked(&Cpu::new(threads)?, work),
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
                Ok(_) => {
                    (None, Some("--backend auto: computing on the processor, as there is no graphics card".to_owned()))
                }
                Err(error) => (None, Some(format!("--backend auto: computing on the processor ({error})"))),
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

/// What comes of `work`, unless the backend failed: that is then the cause of every other error, and what was found is worth nothing.
fn checked<B: Backend, W: Work>(backend: &B, work: W) -> Result<W::Found, Error> {
    let found = work.on(backend);
    backend.check()?;
    found
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
    for adapter in adapters {
        let Adapter { name, interface, kind, driver, is_chosen, on_processor, features, .. } = &adapter;
        let chosen = match (is_chosen, on_processor) {
            (false, _) => "",
            (true, false) => "; --backend gpu and auto compute on it",
            (true, true) => "; --backend gpu computes on it, auto on the processor without it",
        };
        let [tensor, buffer] = [adapter.largest_tensor, adapter.largest_buffer].map(|bytes| bytes >> 20);
        let (threads, shared) = (adapter.group_threads, adapter.group_bytes >> 10);
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name}\n  {kind}, by {interface}; {driver}{chosen}");
        let _ = writeln!(text, "  tensors of up to {tensor} MiB (of samples, {buffer} in pieces of that)");
        let _ = writeln!(text, "  groups of up to {threads} threads, which share {shared} KiB");
        for feature in features {
            let _ = writeln!(text, "  {feature}");
        }
    }
    super::print(&text)
}

#[cfg(test)]
mod tests {
    use super::{BackendKind, Work};
    use crate::Error;
    use crate::backend::{Backend, adapters};

    /// Asks for four tebibytes, more than any card has, and goes on as if it had them.
    struct Greedy(Result<(), Error>);

    impl Work for Greedy {
        type Found = ();

        fn on<B: Backend>(self, backend: &B) -> Result<(), Error> {
            let _ = backend.zeros(1 << 20, 1 << 20);
            self.0
        }
    }

    #[test]
    fn nothing_comes_of_a_card_that_failed() {
        if adapters().is_empty() {
            return;
        }
        for outcome in [Ok(()), Err(Error::Checkpoint("is of a card that gave nothing but zeros".to_owned()))] {
            let error = BackendKind::Gpu.run(0, Greedy(outcome)).expect_err("no card has that");
            assert!(matches!(error, Error::Gpu { .. }), "{error}");
        }
    }
}
