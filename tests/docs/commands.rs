//! Commands in documents exist, with the flags that they are given.

use std::process::Command;

use crate::document::{documents, root};

fn help(arguments: &[&str]) -> Option<String> {
    let output =
        Command::new(env!("CARGO_BIN_EXE_bench")).args(arguments).arg("--help").output().expect("starts");
    output.status.success().then(|| String::from_utf8(output.stdout).expect("UTF-8"))
}

/// What is wrong with `bench …`: a word that is no command, a flag that it does not take.
fn mistake(command: &str) -> Option<String> {
    let words: Vec<&str> = command.split(" #").next().unwrap_or(command).split_whitespace().skip(1).collect();
    let is_word =
        |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
    let first = words.first().copied().filter(|word| is_word(word))?;
    let Some(mut text) = help(&[first]) else { return Some(format!("no command `{first}`")) };
    if text.contains("<COMMAND>")
        && let Some(second) = words.get(1).filter(|word| is_word(word))
    {
        match help(&[first, second]) {
            Some(deeper) => text = deeper,
            None => return Some(format!("no command `{first} {second}`")),
        }
    }
    let mut flags = words.iter().filter(|word| word.starts_with('-') && **word != "--");
    let unknown = flags.find(|flag| {
        let name = flag.split(['=', '/']).next().unwrap_or(flag);
        !text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '=')).any(|word| word == name)
    })?;
    Some(format!("`bench {first}` takes no `{unknown}`"))
}

#[test]
fn every_bench_command_in_a_document_can_be_given() {
    let mut wrong = Vec::new();
    let mut n_checked = 0;
    for document in documents() {
        for command in document.commands().iter().filter(|command| command.starts_with("bench ")) {
            n_checked += 1;
            wrong.extend(mistake(command).map(|mistake| format!("{}: {command}: {mistake}", document.name)));
        }
    }
    assert!(n_checked > 10, "only {n_checked} commands were found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_command_that_is_not_there_is_noticed() {
    assert_eq!(mistake("bench frobnicate x").as_deref(), Some("no command `frobnicate`"));
    assert_eq!(mistake("bench run x --fast").as_deref(), Some("`bench run` takes no `--fast`"));
    assert_eq!(mistake("bench runs list --output json"), None);
}

#[test]
fn every_xtask_in_a_document_exists() {
    let source = std::fs::read_to_string(root().join("host/xtask/src/main.rs")).expect("the tasks");
    let tasks = source.split("enum Task {").nth(1).and_then(|rest| rest.split("\n}").next()).expect("tasks");
    let names: Vec<String> = tasks
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with(char::is_uppercase))
        .map(|line| line.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase())
        .collect();
    let mut wrong = Vec::new();
    for document in documents() {
        for command in document.commands() {
            let Some(rest) = command.strip_prefix("cargo xtask ") else { continue };
            let task = rest.split_whitespace().next().unwrap_or_default();
            if !names.iter().any(|name| name == task) {
                wrong.push(format!("{}: `{command}`", document.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
