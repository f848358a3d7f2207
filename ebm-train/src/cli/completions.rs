//! `completions`: a script for the user's shell, made of the flags' own definitions.

use crate::Error;
use clap_complete::Shell;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "For every session: write it where the shell looks for such scripts.
  bash        ~/.local/share/bash-completion/completions/ebm-train
  zsh         _ebm-train in a folder of $fpath
  fish        ~/.config/fish/completions/ebm-train.fish
  powershell  append it to $PROFILE
  elvish      append it to ~/.config/elvish/rc.elv

Example: ebm-train completions bash")]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "ebm-train", &mut script);
    // In bash's, clap_complete 4.6 takes the hyphen of the program's name for a space in one of two places that must agree.
    super::print(&String::from_utf8_lossy(&script).replace("ebm__subcmd__train", "ebm__train"))
}
