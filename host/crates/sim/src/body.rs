//! Bodies of answers: complete bytes, a list that is written piece by piece, or a watch.
//!
//! A list holds the objects, not their text: 20,000 pods would otherwise be copied into one block of 60 MB.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures::Stream;
use futures::stream::BoxStream;
use hyper::body::{Body, Frame, SizeHint};

use crate::render::Renderer;
use crate::store::Object;

/// Bytes of one piece of a list.
const PIECE: usize = 64 * 1024;

/// The body of an answer.
pub(crate) enum AnswerBody {
    /// Complete, or already sent.
    Full(Option<Bytes>),
    /// A list of objects.
    List(ListBody),
    /// Pieces that come when they come.
    Stream(BoxStream<'static, Bytes>),
}

/// The pieces of a list.
pub(crate) struct ListBody {
    head: Option<Bytes>,
    objects: std::vec::IntoIter<Arc<Object>>,
    renderer: Renderer,
    first: bool,
    tail: Option<Bytes>,
}

impl ListBody {
    pub(crate) fn new(head: Bytes, objects: Vec<Arc<Object>>, renderer: Renderer, tail: Bytes) -> Self {
        Self { head: Some(head), objects: objects.into_iter(), renderer, first: true, tail: Some(tail) }
    }

    fn piece(&mut self) -> Option<Bytes> {
        let mut piece = BytesMut::new();
        if let Some(head) = self.head.take() {
            piece.extend_from_slice(&head);
        }
        while piece.len() < PIECE {
            let Some(object) = self.objects.next() else {
                if let Some(tail) = self.tail.take() {
                    piece.extend_from_slice(&tail);
                }
                break;
            };
            if !std::mem::take(&mut self.first) {
                piece.extend_from_slice(b",");
            }
            self.renderer.write_item(&object, &mut piece);
        }
        (!piece.is_empty()).then(|| piece.freeze())
    }
}

impl From<Bytes> for AnswerBody {
    fn from(bytes: Bytes) -> Self {
        Self::Full(Some(bytes))
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = match self.get_mut() {
            Self::Full(bytes) => bytes.take(),
            Self::List(list) => list.piece(),
            Self::Stream(stream) => match Pin::new(stream).poll_next(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(next) => next,
            },
        };
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::List(list) => list.tail.is_none(),
            Self::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => {
                let size = bytes.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(u64::try_from(size).unwrap_or(u64::MAX))
            }
            Self::List(_) | Self::Stream(_) => SizeHint::default(),
        }
    }
}
