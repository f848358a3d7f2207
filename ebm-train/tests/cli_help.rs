//! Help, completions and manual pages: every command has an example, and examples are right.
#![cfg(unix)]

mod program;

use clap::Command;
use program::{run, succeed, text};
use std::fs;
use std::path::Path;
use std::process;
use tempfile::TempDir;

/// What examples need that is not there after a checkout.
const ELSEWHERE: [&str; 4] = ["mnist", "csv:", "--qemu", "--port"];

/// Every command with its words, such as `data list`.
fn all(command: &Command, words: &str, found: &mut Vec<(String, String)>) {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    found.push((words.to_owned(), help));
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        all(sub, format!("{words} {}", sub.get_name()).trim(), found);
    }
}

/// The command lines of a help's examples, after `ebm-train`.
fn examples(help: &str) -> Vec<&str> {
    let examples = help.find("Example").map(|start| &help[start..]).unwrap_or_default();
    let lines = examples.lines().map(|line| line.trim_start_matches("Examples:").trim_start_matches("Example:").trim());
    lines.filter_map(|line| line.strip_prefix("ebm-train ")).collect()
}

/// Files by the names that the examples give them.
fn prepare(folder: &Path) {
    succeed("train --hidden 16 --epochs 1 --out runs/a", folder);
    succeed("train --model dbn --hidden 16,8 --label-units --epochs 1 --out runs/dbn", folder);
    succeed("train --model dbn --hidden 16,8 --epochs 1 --finetune-epochs 1 --out runs/b", folder);
    succeed("export runs/a/model.ebm --out rbm.safetensors", folder);
    fs::create_dir_all(folder.join("runs/digits")).expect("a folder");
    for (model, copy) in [
        ("runs/b/model.ebm", "runs/digits/model.ebm"),
        ("runs/b/model.ebm", "model-f32.ebm"),
        ("runs/a/model.ebm", "rbm.ebm"),
        ("runs/dbn/model.ebm", "dbn.ebm"),
    ] {
        fs::copy(folder.join(model), folder.join(copy)).expect("a copy");
    }
    fs::remove_dir_all(folder.join("runs/b")).expect("its own example makes it");
}

#[test]
fn every_command_has_an_example_that_runs() {
    let mut commands = Vec::new();
    all(&ebm_train::cli::command(), "", &mut commands);
    assert!(commands.len() > 20, "{commands:?}");
    // Others go on from what this one's example makes.
    commands.sort_by_key(|(command, _)| command != "train");
    let folder = TempDir::new().expect("a folder");
    prepare(folder.path());
    let mut carried_out = 0;
    for (command, help) in &commands {
        let examples = examples(help);
        assert!(!examples.is_empty(), "ebm-train {command}: no example in its help: {help}");
        for example in examples {
            assert!(example.starts_with(command.as_str()), "ebm-train {command}: {example}");
            let words = ["ebm-train"].into_iter().chain(example.split_whitespace());
            ebm_train::cli::command().try_get_matches_from(words).unwrap_or_else(|error| panic!("{example}: {error}"));
            if !ELSEWHERE.iter().any(|need| example.contains(need)) {
                succeed(example, folder.path());
                carried_out += 1;
            }
        }
    }
    assert!(carried_out > 10, "{carried_out} examples");
}

#[test]
fn usage_names_the_program() {
    let folder = TempDir::new().expect("a folder");
    for (line, usage) in [
        ("train --epochs 1 --finetune-learning-rate 1 --out x", "Usage: ebm-train train [OPTIONS]"),
        ("finetune --out x", "Usage: ebm-train finetune [OPTIONS] [MODEL]"),
        ("train --nonsense", "Usage: ebm-train train [OPTIONS]"),
    ] {
        let words = text(&run(line, folder.path()).stderr);
        assert!(words.contains(usage), "{line}: {words}");
    }
}

/// What a shell prints; it must succeed.
fn shell(program: &str, arguments: &[&str], folder: &Path) -> String {
    let output = process::Command::new(program).args(arguments).current_dir(folder).output().expect("the shell starts");
    assert!(output.status.success(), "{program} {arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn a_shell_completes_commands_and_flags() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = succeed(&format!("completions {shell}"), folder);
        assert!(script.contains("learning-rate") && script.contains("reconstruct"), "{shell}");
        fs::write(folder.join(shell), script).expect("a script");
    }
    shell("bash", &["-n", "bash"], folder);
    // As bash calls it when the user presses Tab after these words.
    let complete = |words: &str| {
        let last = words.split(' ').count() - 1;
        let line = format!(
            "source ./bash; function=$(complete -p ebm-train | sed 's/.*-F //; s/ .*//'); COMP_WORDS=({words}); COMP_CWORD={last}; $function ebm-train \"${{COMP_WORDS[{last}]}}\" \"${{COMP_WORDS[{}]}}\"; \
             echo ${{COMPREPLY[@]}}",
            last - 1
        );
        shell("bash", &["-c", &line], folder)
    };
    assert_eq!(complete("ebm-train tr").trim(), "train");
    assert_eq!(complete("ebm-train data fe").trim(), "fetch");
    assert_eq!(complete("ebm-train train --algo").trim(), "--algorithm");
    assert!(complete("ebm-train train --algorithm fast").contains("fast-pcd"));
}

#[test]
fn manual_pages_are_written_for_every_command() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    succeed("man --out new/man1", folder);
    let mut commands = Vec::new();
    all(&ebm_train::cli::command(), "", &mut commands);
    for (command, _) in &commands {
        let name = format!("ebm-train {command}").trim().replace(' ', "-");
        let page = format!("new/man1/{name}.1");
        let source = fs::read_to_string(folder.join(&page)).expect(&page);
        assert!(source.contains(".SH SYNOPSIS") && source.contains("Example"), "{page}");
        // Where there is a groff, it must have nothing to warn of.
        if let Ok(output) =
            process::Command::new("groff").args(["-Kutf8", "-man", "-Tutf8", "-ww", &page]).current_dir(folder).output()
        {
            assert_eq!(text(&output.stderr), "", "{page}");
            assert!(!output.stdout.is_empty(), "{page}");
        }
    }
}
