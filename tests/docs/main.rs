//! What the documents say against what is there: links, commands, scenarios, the example plugin.

// Helpers are tests too; without this, clippy treats them as production code.
#![cfg(test)]

mod catalogue;
mod commands;
mod document;
mod example_plugin;
mod links;
