//! The terminal of the live view: taken, drawn on, given back.
//!
//! Taken means raw mode, the alternate screen and no cursor. It is given back when the view is dropped and
//! before the message of a panic is printed; a process that is killed with no chance to run leaves it taken.

use std::{
    io::{self, BufWriter, Write},
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bench_model::{EventBatch, RunId, StopReason, Subscription};
use ratatui::{
    Terminal,
    backend::CrosstermBackend,
    crossterm::{
        cursor, event,
        event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
        execute,
        terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
    },
};

use super::{
    board::{self, PodBoard},
    look::Look,
    scene::{Chosen, Drawn, Scene, draw},
};
use crate::progress::Shown;

/// Bytes that are collected before they go to the terminal: most of a whole picture.
const BUFFER: usize = 1 << 16;

/// Whether the terminal is taken.
static TAKEN: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// What a key means to the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// End the load; once more: leave.
    Stop,
    /// Mark this moment.
    Mark,
}

/// See the module's documentation.
pub struct LiveView {
    terminal: Terminal<CrosstermBackend<BufWriter<io::Stderr>>>,
    shown: Shown,
    board: PodBoard,
    chosen: Chosen,
    drawn: Drawn,
    look: Look,
}

impl LiveView {
    /// Takes the terminal behind stderr.
    ///
    /// # Errors
    /// When there is none, or it does not let itself be taken; it is as before then.
    pub fn open(shown: Shown, look: Look) -> io::Result<Self> {
        let terminal = Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(BUFFER, io::stderr())))?;
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                give_back();
                before(panic);
            }));
        });
        TAKEN.store(true, Ordering::SeqCst);
        let (board, chosen, drawn) = (PodBoard::default(), Chosen::default(), Drawn::default());
        // From here on, dropping it gives the terminal back.
        let view = Self { terminal, shown, board, chosen, drawn, look };
        enable_raw_mode()?;
        execute!(io::stderr(), EnterAlternateScreen, cursor::Hide)?;
        Ok(view)
    }

    /// The watch whose rows [`LiveView::pods`] takes.
    pub fn subscription(run_id: RunId) -> Subscription {
        board::subscription(run_id)
    }

    /// Takes note of pods.
    pub fn pods(&mut self, batch: &EventBatch) {
        self.board.see(batch);
    }

    /// Names the nodes of the cluster, so that those without pods are seen.
    pub fn nodes(&mut self, names: Vec<String>) {
        self.board.add_nodes(names);
    }

    /// Says why there are no pods to see.
    pub fn no_pods(&mut self, why: &str) {
        self.board.set_note(why);
    }

    /// Says that the run was told to stop.
    pub fn stopping(&mut self, reason: StopReason) {
        self.shown.look(|now| now.stop(reason));
    }

    /// Reads the keys that were pressed; those that mean nothing to the run do what they do.
    ///
    /// # Errors
    /// When the terminal cannot be read.
    pub fn keys(&mut self) -> io::Result<Vec<Action>> {
        let mut actions = Vec::new();
        while event::poll(Duration::ZERO)? {
            match event::read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => actions.extend(self.key(key)?),
                // A new size shows with the next picture.
                _ => {}
            }
        }
        Ok(actions)
    }

    fn key(&mut self, key: KeyEvent) -> io::Result<Option<Action>> {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let Drawn { most_scroll, page } = self.drawn;
        let chosen = &mut self.chosen;
        match key.code {
            KeyCode::Char('c') if control => return Ok(Some(Action::Stop)),
            // `Terminal::clear` asks the terminal where the cursor is, on a stdout that may be a file.
            KeyCode::Char('l') if control => self.terminal.resize(self.terminal.size()?.into())?,
            KeyCode::Char('q' | 'Q') => return Ok(Some(Action::Stop)),
            KeyCode::Char('m' | 'M') => return Ok(Some(Action::Mark)),
            KeyCode::Char('g' | 'G') => (chosen.grid, chosen.scroll) = (chosen.grid.next(), 0),
            KeyCode::Char('?' | 'h' | 'H') => chosen.help = !chosen.help,
            KeyCode::Esc => chosen.help = false,
            KeyCode::Up | KeyCode::Char('k') => chosen.scroll = chosen.scroll.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => chosen.scroll = (chosen.scroll + 1).min(most_scroll),
            KeyCode::PageUp => chosen.scroll = chosen.scroll.saturating_sub(page),
            KeyCode::PageDown => chosen.scroll = (chosen.scroll + page).min(most_scroll),
            KeyCode::Home => chosen.scroll = 0,
            KeyCode::End => chosen.scroll = most_scroll,
            _ => {}
        }
        Ok(None)
    }

    /// Draws the run as it is now; nothing when a panic has given the terminal back.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn draw(&mut self) -> io::Result<()> {
        if !TAKEN.load(Ordering::SeqCst) {
            return Ok(());
        }
        let Self { terminal, shown, board, chosen, drawn, look } = self;
        terminal.draw(|frame| {
            let area = frame.area();
            // The recorder waits while the picture is made, not while it is written.
            *drawn = shown.look(|now| {
                draw(&Scene { now, board, chosen: *chosen, look: *look }, area, frame.buffer_mut())
            });
        })?;
        Ok(())
    }
}

impl Drop for LiveView {
    fn drop(&mut self) {
        give_back();
    }
}

/// Once; later calls do nothing. What fails is left: there is nobody to tell.
fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut stderr = io::stderr();
    let _ = execute!(stderr, LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
    let _ = stderr.flush();
}
