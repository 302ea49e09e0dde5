//! Artifacts: files kept with the run.

use bench_model::RunEvent;
use wasmtime::component::Resource;

use crate::{
    bindings::bench::base::metrics,
    host::{
        HostState,
        error::{HostCallError, invalid, limit_exceeded},
    },
};

/// Most bytes of all artifacts of a plugin together: 64 MiB.
const MAX_BYTES: u64 = 64 << 20;
/// Most artifacts of a plugin.
const MAX_ARTIFACTS: usize = 100;
/// Longest name.
const MAX_NAME: usize = 100;

/// A file that the guest has open.
pub struct Artifact {
    name: String,
    media_type: String,
}

impl metrics::HostArtifact for HostState {
    async fn create(
        &mut self,
        name: String,
        media_type: String,
    ) -> Result<Resource<Artifact>, HostCallError> {
        self.context("artifact.create")?;
        check_name(&name)?;
        check_media_type(&media_type)?;
        if self.instruments.artifacts.len() >= MAX_ARTIFACTS {
            return Err(limit_exceeded(format!("a plugin has at most {MAX_ARTIFACTS} artifacts")));
        }
        if !self.instruments.artifacts.insert(name.clone()) {
            return Err(invalid(format!("artifact `{name}` already exists")));
        }
        self.send_artifact(&name, &media_type, Vec::new()).await?;
        self.keep(Artifact { name, media_type })
    }

    async fn append(&mut self, artifact: Resource<Artifact>, bytes: Vec<u8>) -> Result<(), HostCallError> {
        let artifact = self.table.get(&artifact).map_err(wasmtime::Error::from)?;
        let (name, media_type) = (artifact.name.clone(), artifact.media_type.clone());
        let total = self.instruments.artifact_bytes + bytes.len() as u64;
        if total > MAX_BYTES {
            return Err(limit_exceeded(format!("the artifacts of a plugin have at most {MAX_BYTES} bytes")));
        }
        self.instruments.artifact_bytes = total;
        self.send_artifact(&name, &media_type, bytes).await
    }

    async fn drop(&mut self, artifact: Resource<Artifact>) -> wasmtime::Result<()> {
        self.table.delete(artifact)?;
        Ok(())
    }
}

impl HostState {
    async fn send_artifact(
        &mut self,
        name: &str,
        media_type: &str,
        bytes: Vec<u8>,
    ) -> Result<(), HostCallError> {
        let source = self.context("artifact.append")?.user.clone();
        let (name, media_type) = (name.to_owned(), media_type.to_owned());
        Ok(self.send(RunEvent::Artifact { source, name, media_type, bytes }).await?)
    }
}

/// A plain file name: it becomes a file in the run's directory.
fn check_name(name: &str) -> Result<(), HostCallError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || name.len() > MAX_NAME || name.starts_with('.') || !name.chars().all(plain) {
        return Err(invalid(format!(
            "an artifact's name has 1 to {MAX_NAME} of the characters a-z, A-Z, 0-9, `.`, `-` and `_`, and does not start with `.`"
        )));
    }
    Ok(())
}

fn check_media_type(media_type: &str) -> Result<(), HostCallError> {
    let plain = media_type.len() <= MAX_NAME && media_type.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    if plain {
        Ok(())
    } else {
        Err(invalid("an artifact's media type is printable ASCII of at most 100 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_the_directory() {
        for good in ["heap.pprof", "a", "A_1-b.txt"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", ".hidden", "a/b", "a\\b", "a\0b", "ä", &"x".repeat(101)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
