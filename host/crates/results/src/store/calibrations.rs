//! Calibrations of scenarios: `.calibrations/SCENARIO.json` of the store.

use std::{fs, io, path::PathBuf};

use super::{Store, StoreError, read_json};
use crate::compare::Calibration;

const DIRECTORY: &str = ".calibrations";

impl Store {
    fn calibration_file(&self, scenario: &str) -> PathBuf {
        self.root().join(DIRECTORY).join(format!("{}.json", crate::layout::part(scenario)))
    }

    /// Keeps a calibration; one of the same scenario is replaced.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn save_calibration(&self, calibration: &Calibration) -> Result<PathBuf, StoreError> {
        let path = self.calibration_file(&calibration.scenario);
        let write = || -> io::Result<()> {
            let folder = self.root().join(DIRECTORY);
            fs::create_dir_all(&folder)?;
            let temporary = path.with_extension("new");
            fs::write(&temporary, serde_json::to_vec_pretty(calibration)?)?;
            fs::rename(&temporary, &path)
        };
        write().map_err(|source| StoreError::Io { path: path.clone(), source })?;
        Ok(path)
    }

    /// The calibration of a scenario; `None` when there is none that can be read.
    pub fn calibration(&self, scenario: &str) -> Option<Calibration> {
        read_json(&self.calibration_file(scenario))
    }
}
