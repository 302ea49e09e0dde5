//! WASI with nothing behind it: what the standard libraries of guest languages link.
//!
//! No files, no environment, no arguments, no input, no network (sockets are not even linked). Clocks and
//! random numbers are the run's own, so that `time.time()` or `Math.random()` stay reproducible: the wall
//! clock says how long the run goes on, as if it had begun in 1970. What is printed becomes log messages.

use std::{sync::Arc, time::Duration};

use bench_limiter::RunClock;
use bench_model::LogLevel;
use bytes::Bytes;
use parking_lot::Mutex;
use rand_for_wasi::{SeedableRng, rngs::StdRng};
use tokio::io::AsyncWrite;
use wasmtime::component::Linker;
use wasmtime_wasi::{
    HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView,
    cli::{IsTerminal, StdoutStream, WasiCli, WasiCliView as _},
    filesystem::{WasiFilesystem, WasiFilesystemView as _},
    p2::{OutputStream, Pollable, StreamResult, bindings},
    random::WasiRandom,
};

use crate::host::HostState;

/// Most printed bytes that wait to become messages.
const MAX_PENDING: usize = 64 << 10;
/// Longest line.
const MAX_LINE: usize = 8 << 10;
/// Most random bytes of one call.
const MAX_RANDOM: u64 = 64 << 10;

impl WasiView for HostState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// An empty context on the run's clock; without a clock, time stands still.
pub(crate) fn context(clock: Option<RunClock>, seed: u64, output: &CapturedOutput) -> WasiCtx {
    let random = |stream: u64| StdRng::seed_from_u64(seed ^ stream);
    WasiCtx::builder()
        .monotonic_clock(VirtualClock(clock))
        .wall_clock(VirtualClock(clock))
        .secure_random(random(0x5ec0_4e00))
        .insecure_random(random(0x145e_c04e))
        .insecure_random_seed(u128::from(seed))
        .max_random_size(MAX_RANDOM)
        .allow_tcp(false)
        .allow_udp(false)
        .stdout(Printer { output: output.clone(), level: LogLevel::Info })
        .stderr(Printer { output: output.clone(), level: LogLevel::Warn })
        .build()
}

/// Links WASI 0.2 without sockets.
pub(crate) fn add_to_linker(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    use bindings::{cli, filesystem, random};

    wasmtime_wasi::p2::add_to_linker_proxy_interfaces_async(linker)?;
    random::insecure::add_to_linker::<_, WasiRandom>(linker, |state| state.wasi.random())?;
    random::insecure_seed::add_to_linker::<_, WasiRandom>(linker, |state| state.wasi.random())?;
    cli::exit::add_to_linker::<_, WasiCli>(linker, |state| state.cli())?;
    cli::environment::add_to_linker::<_, WasiCli>(linker, |state| state.cli())?;
    cli::terminal_input::add_to_linker::<_, WasiCli>(linker, |state| state.cli())?;
    cli::terminal_output::add_to_linker::<_, WasiCli>(linker, |state| state.cli())?;
    cli::terminal_stdin::add_to_linker::<_, WasiCli>(linker, |state| state.cli())?;
    cli::terminal_stdout::add_to_linker::<_, WasiCli>(linker, |state| state.cli())?;
    cli::terminal_stderr::add_to_linker::<_, WasiCli>(linker, |state| state.cli())?;
    filesystem::types::add_to_linker::<_, WasiFilesystem>(linker, |state| state.filesystem())?;
    filesystem::preopens::add_to_linker::<_, WasiFilesystem>(linker, |state| state.filesystem())
}

/// The run's clock in WASI's terms.
struct VirtualClock(Option<RunClock>);

impl VirtualClock {
    fn ns(&self) -> u64 {
        self.0.map_or(0, |clock| u64::try_from(clock.now().0).unwrap_or(0))
    }
}

impl HostMonotonicClock for VirtualClock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        self.ns()
    }
}

impl HostWallClock for VirtualClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(self.ns())
    }
}

/// What a guest printed and nobody has read yet; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct CapturedOutput(Arc<Mutex<Pending>>);

#[derive(Debug, Default)]
struct Pending {
    out: Vec<u8>,
    err: Vec<u8>,
    lost: u64,
    /// Last lines of error output that were taken at once, for the message of a fault.
    last: Vec<String>,
}

impl CapturedOutput {
    fn push(&self, level: LogLevel, bytes: &[u8]) {
        let mut pending = self.0.lock();
        let full = pending.out.len() + pending.err.len() + bytes.len() > MAX_PENDING;
        if full {
            pending.lost += 1;
            return;
        }
        let buffer = if level == LogLevel::Info { &mut pending.out } else { &mut pending.err };
        buffer.extend_from_slice(bytes);
    }

    /// Whole lines since the last time, and how many writes were lost.
    pub(crate) fn take_lines(&self) -> (Vec<(LogLevel, String)>, u64) {
        let pending = &mut *self.0.lock();
        let mut lines: Vec<_> = take_lines(&mut pending.out).map(|line| (LogLevel::Info, line)).collect();
        let err: Vec<_> = take_lines(&mut pending.err).collect();
        pending.last = err.iter().rev().take(4).rev().cloned().collect();
        lines.extend(err.into_iter().map(|line| (LogLevel::Warn, line)));
        (lines, std::mem::take(&mut pending.lost))
    }

    /// Error output that was taken last, such as a panic's message; empty when there was none.
    pub(crate) fn last_words(&self) -> String {
        self.0.lock().last.join(" ")
    }
}

fn take_lines(buffer: &mut Vec<u8>) -> impl Iterator<Item = String> + use<> {
    let end = match buffer.iter().rposition(|&byte| byte == b'\n') {
        Some(at) => at + 1,
        // A line without an end may not grow for ever.
        None if buffer.len() > MAX_LINE => buffer.len(),
        None => 0,
    };
    let whole: Vec<u8> = buffer.drain(..end).collect();
    let text = String::from_utf8_lossy(&whole).into_owned();
    let lines: Vec<String> = text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
    lines.into_iter()
}

/// One of the two output streams.
#[derive(Clone)]
struct Printer {
    output: CapturedOutput,
    level: LogLevel,
}

impl IsTerminal for Printer {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printer {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // Only WASI 0.3 asks for this form, and it is not linked.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Printer {
    async fn ready(&mut self) {}
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Printer {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.output.push(self.level, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(4096)
    }
}
