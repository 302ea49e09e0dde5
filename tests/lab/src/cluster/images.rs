//! The images that every node has.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::addons::dns;
use crate::binaries::{AddonBinaries, NodeBinaries, NodeProgram};
use crate::image::{BUSYBOX, Image, ImageError, PAUSE};
use crate::requirements;

/// Names that tests and scenarios give to an image whose content does not matter. `example.invalid` can belong to
/// nobody (RFC 2606), and the pause image is what the scenarios ask for unless told otherwise.
const PAUSE_NAMES: [&str; 7] = [
    PAUSE,
    "registry.k8s.io/pause:3.10",
    "example.invalid/image:1",
    "example.invalid/image:2",
    "example.invalid/side:1",
    "example.invalid/web:1",
    "example.invalid/x:latest",
];

/// As them, of an image that is done at once: Jobs of it complete.
const DONE: &str = "example.invalid/done:1";

/// Writes the archives into the lab's folder; gives their paths.
pub(super) fn write(
    folder: &Path,
    binaries: &NodeBinaries,
    addons: Option<&AddonBinaries>,
) -> Result<Vec<PathBuf>, ImageError> {
    let tool = binaries.path(NodeProgram::Tool);
    let mut archives = Vec::new();
    let mut add = |name: &str, image: &Image<'_>| {
        let archive = folder.join(format!("{name}.tar"));
        image.write(&archive)?;
        archives.push(archive);
        Ok::<(), ImageError>(())
    };
    add(
        "pause",
        &Image {
            names: &PAUSE_NAMES,
            programs: &[(&tool, "/labtool")],
            links: &[],
            entrypoint: &["/labtool", "pause"],
        },
    )?;
    add(
        "done",
        &Image {
            names: &[DONE],
            programs: &[(&tool, "/labtool")],
            links: &[],
            entrypoint: &["/labtool", "exit", "0", "0"],
        },
    )?;
    if let Some(busybox) = requirements::busybox() {
        let links: Vec<(String, &str)> =
            applets(&busybox).into_iter().map(|applet| (format!("bin/{applet}"), "/bin/busybox")).collect();
        add(
            "busybox",
            &Image {
                names: &[BUSYBOX],
                programs: &[(&busybox, "/bin/busybox"), (&tool, "/bin/labtool")],
                links: &links,
                entrypoint: &["/bin/sh"],
            },
        )?;
    }
    if let Some(addons) = addons {
        let coredns = addons.coredns();
        add(
            "coredns",
            &Image {
                names: &[dns::IMAGE],
                programs: &[(&coredns, "/coredns")],
                links: &[],
                entrypoint: &["/coredns"],
            },
        )?;
    }
    Ok(archives)
}

/// Commands that a busybox plays, itself excepted.
fn applets(busybox: &Path) -> Vec<String> {
    let output = Command::new(busybox).arg("--list").output();
    let list = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    list.lines().filter(|applet| *applet != "busybox").map(str::to_owned).collect()
}
