//! `bench plugin inspect`.

use std::path::Path;

use bench_plugin_host::LoadedPlugin;

use super::load::{load_plugin, plugin_host};
use crate::{
    cli::{Output, PluginInspectArgs},
    diagnostics::{Failure, Message, Ui},
    exit_code::Exit,
};

/// Shows what a plugin is.
pub async fn inspect(args: PluginInspectArgs, ui: &Ui) -> Result<Exit, Failure> {
    let host = plugin_host()?;
    let plugin =
        load_plugin(&host, &args.plugin, Path::new(".")).await.map_err(|(message, help)| match help {
            Some(help) => Failure::with_help(Exit::Plugin, Message(message), help),
            None => Failure::error(Exit::Plugin, Message(message)),
        })?;
    match args.output {
        Output::Json => ui.print(&format!("{:#}\n", as_json(&plugin)))?,
        Output::Text => ui.print(&as_text(&plugin))?,
    }
    Ok(Exit::Pass)
}

fn as_json(plugin: &LoadedPlugin) -> serde_json::Value {
    serde_json::json!({
        "schemaVersion": 1,
        "digest": plugin.digest,
        "manifest": *plugin.manifest,
        "configSchema": *plugin.schema,
    })
}

fn as_text(plugin: &LoadedPlugin) -> String {
    let manifest = &plugin.manifest;
    let mut text = format!("{} {}\n", manifest.name, manifest.version);
    if !manifest.description.is_empty() {
        text.push_str(&format!("  {}\n", manifest.description));
    }
    text.push_str(&format!("digest       {}\n", plugin.digest));
    let kinds: Vec<_> = manifest.kinds.iter().map(|kind| format!("{kind:?}").to_lowercase()).collect();
    text.push_str(&format!("kinds        {}\n", kinds.join(", ")));
    text.push_str(&super::plan::permissions_text(&manifest.permissions, "  "));
    if !manifest.metrics.is_empty() {
        text.push_str("metrics\n");
        for metric in &manifest.metrics {
            let kind = format!("{:?}", metric.kind).to_lowercase();
            text.push_str(&format!(
                "  {:<20} {kind:<10} {:<5} {}\n",
                metric.name, metric.unit, metric.description
            ));
        }
    }
    for table in &manifest.tables {
        let columns: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
        text.push_str(&format!("table        {}: {}\n", table.name, columns.join(", ")));
    }
    text.push_str("configuration (`with:`): bench plugin inspect --output json prints its schema\n");
    text
}
