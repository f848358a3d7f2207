//! Flags that nothing in the run goes by are refused by name. A configuration holds every setting: its keys may be idle.

use super::train::args::{FINETUNING, MACHINE_LEARNING, MODEL, UP_DOWN_FINETUNING};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

/// Fails when the command line, `given`, has a flag that belongs to a part of training that the run, with all its settings, does not have.
pub(super) fn check(train: &Command, given: &ArgMatches, run: &ArgMatches) -> Result<(), clap::Error> {
    let takes_place = |epochs: &str| run.get_one::<usize>(epochs).is_some_and(|&epochs| epochs > 0);
    let (up_down, finetuning) = (takes_place("up_down_epochs"), takes_place("finetune_epochs"));
    let goes_on = run.contains_id("from");
    for arg in train.get_arguments() {
        let (id, Some(flag)) = (arg.get_id().as_str(), arg.get_long()) else { continue };
        // A switch that is turned off asks for nothing.
        let is_off = given.get_raw(id).is_some_and(|mut values| values.all(|value| value == "false"));
        if given.value_source(id) != Some(ValueSource::CommandLine) || is_off {
            continue;
        }
        let why = match (arg.get_help_heading().unwrap_or_default(), id) {
            (_, "from" | "up_down_epochs" | "finetune_epochs") => continue,
            // Up-down fine-tuning has the minibatches of the machines.
            (MACHINE_LEARNING, "batch_size") if up_down => continue,
            (MODEL, _) if goes_on => "where a model is gone on from: its machines are what they are",
            (MACHINE_LEARNING, _) if goes_on => {
                "where a model is gone on from: no machine is pretrained (see --finetune-epochs)"
            }
            (UP_DOWN_FINETUNING, _) if !up_down => "without up-down fine-tuning: give --up-down-epochs too",
            (FINETUNING, _) if !finetuning => "without fine-tuning: give --finetune-epochs too",
            _ => continue,
        };
        return Err(train.clone().error(ErrorKind::ArgumentConflict, format!("--{flag} cannot act {why}\n")));
    }
    Ok(())
}
