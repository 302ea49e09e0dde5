//! Lists the hostile guests, so that one without a test does not compile.

#![expect(clippy::expect_used, reason = "a build script stops the build by panicking")]

use std::{env, fs, path::PathBuf};

fn main() {
    let guests =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("guests/examples");
    println!("cargo::rerun-if-changed={}", guests.display());
    let mut names: Vec<String> = fs::read_dir(&guests)
        .expect("the guests")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    names.sort();
    let calls: String = names.iter().map(|name| format!("$each!({name}); ")).collect();
    let source = format!("macro_rules! foreach_guest {{ ($each:ident) => {{ {calls} }} }}\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("foreach_guest.rs");
    fs::write(out, source).expect("written");
}
