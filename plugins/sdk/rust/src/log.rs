//! Messages for people: [`debug!`](crate::debug), [`info!`](crate::info), [`warn!`](crate::warn), [`error!`](crate::error).
//!
//! `info!("pods are late"; "count" => 3, "namespace" => name)`: what varies goes into fields, so that messages group.
//! What the host would not keep is not even formatted.

pub use crate::bindings::measurement::bench::base::log::Level;
use crate::{Label, bindings::measurement::bench::base::log};

/// Whether the host keeps messages of `level`.
pub fn enabled(level: Level) -> bool {
    level as u8 >= log::max_level() as u8
}

/// Gives a message to the host.
pub fn send(level: Level, message: &str, fields: &[Label]) {
    log::log(level, message, fields);
}

/// Logs at a level; the other macros call it.
#[macro_export]
macro_rules! log {
    ($level:expr, $message:expr $(; $($name:literal => $value:expr),+ $(,)?)?) => {
        if $crate::log::enabled($level) {
            $crate::log::send($level, &$message, &[$($($crate::label($name, $value.to_string())),+)?]);
        }
    };
}

/// For authors.
#[macro_export]
macro_rules! debug { ($($arg:tt)*) => { $crate::log!($crate::log::Level::Debug, $($arg)*) }; }

/// For users.
#[macro_export]
macro_rules! info { ($($arg:tt)*) => { $crate::log!($crate::log::Level::Info, $($arg)*) }; }

/// Something is odd.
#[macro_export]
macro_rules! warn { ($($arg:tt)*) => { $crate::log!($crate::log::Level::Warn, $($arg)*) }; }

/// Something failed.
#[macro_export]
macro_rules! error { ($($arg:tt)*) => { $crate::log!($crate::log::Level::Error, $($arg)*) }; }
