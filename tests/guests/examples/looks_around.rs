//! Looks for files, variables, arguments and the time of day.

use std::{env, fs, time::SystemTime};

use guest::{Guest, export_guest};

struct Looks;

impl Guest for Looks {
    fn run() -> Result<(), String> {
        if let Some((name, _)) = env::vars().next() {
            return Err(format!("found the variable {name}"));
        }
        if let Some(argument) = env::args().next() {
            return Err(format!("found the argument {argument}"));
        }
        for path in ["/", ".", "/etc/passwd", "/proc/self/environ"] {
            if fs::metadata(path).is_ok() || fs::read_dir(path).is_ok() || fs::read(path).is_ok() {
                return Err(format!("found {path}"));
            }
        }
        if fs::write("/tmp/found", "x").is_ok() {
            return Err("wrote a file".to_owned());
        }
        let now =
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_err(|error| error.to_string())?;
        if now.as_secs() > 3_600 {
            return Err(format!("found the time of day: {now:?}"));
        }
        Ok(())
    }
}

export_guest!(Looks);
