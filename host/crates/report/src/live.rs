//! The live view: a run on a whole terminal, with keys.
//!
//! Numbers, charts and gates come from [`crate::now`], pods from a watch that whoever opens the view keeps and
//! hands over ([`LiveView::pods`]). Drawing is a function of both and of what the keys chose; it takes the whole
//! screen, because the grid of pods needs all of it, and gives the terminal back as it was. Decides nothing about
//! the run: a key that means something to it is handed on as an [`Action`].

mod board;
mod chart;
mod grid;
mod lines;
mod look;
mod scene;
mod screen;

pub use self::{
    look::Look,
    screen::{Action, LiveView},
};
