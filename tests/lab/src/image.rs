//! Images without a registry: OCI archives of one layer, for `ctr images import`.
//!
//! Written by hand because a lab's images are a few files each; the format is the OCI image layout in a ustar archive.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Size of a block of a tar archive, its headers included.
const BLOCK: usize = 512;
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The image that holds a pod's namespaces, and that pods of tests run.
pub const PAUSE: &str = "lab.local/pause:3.10";
/// An image with a shell, if the machine has a static busybox.
pub const BUSYBOX: &str = "lab.local/busybox:1";

/// An image to be written.
pub(crate) struct Image<'a> {
    /// All names under which it is to be known, with tags.
    pub(crate) names: &'a [&'a str],
    /// Programs: path outside, path inside.
    pub(crate) programs: &'a [(&'a Path, &'a str)],
    /// Symbolic links: path inside, target.
    pub(crate) links: &'a [(String, &'a str)],
    pub(crate) entrypoint: &'a [&'a str],
}

/// A path of an image could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("failed to make an image of {path}")]
pub struct ImageError {
    /// Path of the file.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

impl Image<'_> {
    /// Writes the archive.
    pub(crate) fn write(&self, archive: &Path) -> Result<(), ImageError> {
        let layer = self.layer()?;
        let config = self.config(&digest(&layer)).to_string().into_bytes();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, &config),
            "layers": [descriptor(LAYER, &layer)],
        });
        let manifest = manifest.to_string().into_bytes();
        let manifests: Vec<Value> = self.names.iter().map(|name| named(&manifest, name)).collect();
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests });

        let mut tar = Tar::default();
        tar.file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#, 0o644);
        tar.file("index.json", index.to_string().as_bytes(), 0o644);
        for blob in [&config, &manifest, &layer] {
            tar.file(&format!("blobs/sha256/{}", hexadecimal(blob)), blob, 0o644);
        }
        fs::write(archive, tar.end()).map_err(|source| ImageError { path: archive.to_owned(), source })
    }

    fn layer(&self) -> Result<Vec<u8>, ImageError> {
        let mut tar = Tar::default();
        for folder in ["bin", "etc", "tmp", "proc", "sys", "dev", "www"] {
            tar.entry(folder, Kind::Folder, &[], 0o755, "");
        }
        tar.file("etc/passwd", b"root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n", 0o644);
        tar.file("etc/group", b"root:x:0:\n", 0o644);
        for &(outside, inside) in self.programs {
            let bytes =
                fs::read(outside).map_err(|source| ImageError { path: outside.to_owned(), source })?;
            tar.file(inside, &bytes, 0o755);
        }
        for (path, target) in self.links {
            tar.entry(path, Kind::Link, &[], 0o777, target);
        }
        Ok(tar.end())
    }

    fn config(&self, layer: &str) -> Value {
        json!({
            "architecture": architecture(),
            "os": "linux",
            "config": { "Entrypoint": self.entrypoint, "Env": ["PATH=/bin"] },
            "rootfs": { "type": "layers", "diff_ids": [layer] },
        })
    }
}

/// Go's name of the machine's processor, as images carry it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn named(manifest: &[u8], name: &str) -> Value {
    let mut descriptor = descriptor(MANIFEST, manifest);
    if let Some(fields) = descriptor.as_object_mut() {
        fields.insert("annotations".to_owned(), json!({ "io.containerd.image.name": name }));
        fields.insert("platform".to_owned(), json!({ "architecture": architecture(), "os": "linux" }));
    }
    descriptor
}

fn descriptor(media_type: &str, content: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": digest(content), "size": content.len() })
}

fn digest(content: &[u8]) -> String {
    format!("sha256:{}", hexadecimal(content))
}

fn hexadecimal(content: &[u8]) -> String {
    format!("{:x}", Sha256::digest(content))
}

/// A ustar archive being written.
#[derive(Default)]
struct Tar {
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    File,
    Link,
    Folder,
}

impl Tar {
    fn file(&mut self, path: &str, content: &[u8], mode: u32) {
        self.entry(path, Kind::File, content, mode, "");
    }

    fn entry(&mut self, path: &str, kind: Kind, content: &[u8], mode: u32, target: &str) {
        let kind = match kind {
            Kind::File => b'0',
            Kind::Link => b'2',
            Kind::Folder => b'5',
        };
        let octal = |value: u64, width: usize| format!("{value:0width$o}\0", width = width - 1).into_bytes();
        let fields: [&[u8]; 8] = [
            &padded(path.trim_start_matches('/'), 100),
            &octal(mode.into(), 8),
            &octal(0, 8),
            &octal(0, 8),
            &octal(u64::try_from(content.len()).unwrap_or(u64::MAX), 12),
            // Always the same time, so that the same programs give the same digest.
            &octal(0, 12),
            b"        ",
            &[kind],
        ];
        let mut header = fields.concat();
        header.extend(padded(target, 100));
        header.extend(b"ustar\x0000");
        header.resize(BLOCK, 0);
        // The sum over the header, with its own eight bytes as spaces (POSIX pax, "ustar Interchange Format").
        let sum: u64 = header.iter().map(|&byte| u64::from(byte)).sum();
        let sum = format!("{sum:06o}\0 ").into_bytes();
        self.bytes.extend(header.iter().take(148));
        self.bytes.extend(sum);
        self.bytes.extend(header.iter().skip(156));
        self.bytes.extend(content);
        self.pad();
    }

    fn end(mut self) -> Vec<u8> {
        self.bytes.extend([0; 2 * BLOCK]);
        self.bytes
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(BLOCK), 0);
    }
}

/// Text cut or filled with zeros to a width.
fn padded(text: &str, width: usize) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(width, 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_programs_can_read_the_archive() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        fs::write(&program, "hello").unwrap();
        let archive = folder.path().join("image.tar");
        let image = Image {
            names: &["lab.local/a:1", "lab.local/b:2"],
            programs: &[(&program, "/bin/program")],
            links: &[("bin/link".to_owned(), "/bin/program")],
            entrypoint: &["/bin/program"],
        };
        image.write(&archive).unwrap();
        let tar = |arguments: &[&str], file: &Path| {
            let output =
                std::process::Command::new("tar").args(arguments).arg("-f").arg(file).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        let names = tar(&["-t"], &archive);
        assert_eq!(names.lines().count(), 5, "{names}");
        assert!(names.starts_with("oci-layout\nindex.json\nblobs/sha256/"), "{names}");

        let layer = folder.path().join("layer.tar");
        fs::write(&layer, image.layer().unwrap()).unwrap();
        let content = tar(&["-tv"], &layer);
        assert!(content.contains("bin/program") && content.contains("bin/link -> /bin/program"), "{content}");
        let index = fs::read(&archive).unwrap();
        let index = String::from_utf8_lossy(&index);
        assert!(index.contains("lab.local/a:1") && index.contains("lab.local/b:2"));
    }
}
