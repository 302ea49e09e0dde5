//! Placeholder.
use std::{io, path::Path};

use crate::{ConfigBlock, Problem};

pub(super) fn check(
    block: &ConfigBlock,
    _schema: &serde_json::Value,
    _read: &dyn Fn(&Path) -> io::Result<String>,
) -> Result<serde_json::Value, Vec<Problem>> {
    Ok(block.to_json())
}
