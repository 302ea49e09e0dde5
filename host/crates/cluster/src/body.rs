//! Reads the body of an answer to its end, and keeps what is wanted of it.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::lines::{Line, Lines};

/// What is kept of a body; the rest is thrown away as it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    Nothing,
    /// All of it, up to so many bytes.
    Whole(usize),
    /// Lines that begin so, up to so many bytes of them.
    Lines(&'static str, usize),
}

/// Why a body could not be read to its end.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// More is wanted than is kept, of so many bytes; what was read before of a body that is kept whole.
    TooLarge(usize, Bytes),
    Broken(hyper::Error),
}

pub(crate) async fn read_body(body: Incoming, keep: Keep) -> Result<Bytes, BodyError> {
    match keep {
        Keep::Nothing => drain(body).await,
        Keep::Whole(most) => whole(body, most).await,
        Keep::Lines(prefix, most) => lines(body, prefix, most).await,
    }
}

/// The next bytes; `None` at the end.
async fn next(body: &mut Incoming) -> Result<Option<Bytes>, BodyError> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(BodyError::Broken)?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

async fn drain(mut body: Incoming) -> Result<Bytes, BodyError> {
    while next(&mut body).await?.is_some() {}
    Ok(Bytes::new())
}

async fn whole(mut body: Incoming, most: usize) -> Result<Bytes, BodyError> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(data) = next(&mut body).await? {
        if first.len() + rest.len() + data.len() > most {
            return Err(BodyError::TooLarge(most, if rest.is_empty() { first } else { rest.freeze() }));
        }
        // Most answers are one frame: no copy for them.
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            rest.extend_from_slice(&std::mem::take(&mut first));
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

async fn lines(mut body: Incoming, prefix: &str, most: usize) -> Result<Bytes, BodyError> {
    let (mut lines, mut kept) = (Lines::default(), Vec::new());
    loop {
        let data = next(&mut body).await?;
        let is_end = data.is_none();
        // The last line may have no end of its own.
        lines.feed(&data.unwrap_or(Bytes::from_static(b"\n")), |line| match line {
            Line::Whole(line) if line.starts_with(prefix.as_bytes()) => {
                kept.extend_from_slice(line);
                kept.push(b'\n');
            }
            Line::Whole(_) | Line::TooLong => {}
        });
        if kept.len() > most {
            return Err(BodyError::TooLarge(most, Bytes::new()));
        }
        if is_end {
            return Ok(Bytes::from(kept));
        }
    }
}
