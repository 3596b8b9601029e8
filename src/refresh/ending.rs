//! How a document ended, and whether it may become a copy.

use tokio::time::Instant;

use super::Error;
use crate::cache::FeedCopy;
use crate::feed::splitter::{Completeness, Ending};
use crate::rewrite::FeedRewriter;

/// Ends a document. One that lacks nothing but its last end tags is told from one that was cut only
/// where it `is_framed`: otherwise the connection may have ended before the document did.
pub(super) fn finish(
    rewriter: &mut FeedRewriter,
    is_framed: bool,
    out: &mut String,
) -> Result<Ending, Error> {
    let mut ending = rewriter.finish(out);
    if !is_framed {
        ending.missing_ends = None;
    }
    judge(&ending, rewriter.is_outgrown())?;
    Ok(ending)
}

/// Refuses a document for a copy with more items, as long as that may be served stale: one without items
/// (afterwards the publisher means it), and one whose last end tags are missing (the publisher may have
/// been interrupted after all).
pub(super) fn compare(ending: &Ending, known: Option<&FeedCopy>) -> Result<(), Error> {
    let is_better = |known: &&FeedCopy| {
        known.items > ending.items && known.times.may_be_served_stale(Instant::now())
    };
    match known.filter(is_better) {
        Some(_) if ending.items == 0 => Err(Error::NoItems),
        Some(_) if ending.missing_ends.is_some() => Err(Error::Unclosed),
        _ => Ok(()),
    }
}

/// Whether a document that comes may go on.
pub(super) fn check(rewriter: &FeedRewriter) -> Result<(), Error> {
    if rewriter.is_outgrown() {
        return Err(Error::Outgrown);
    }
    rewriter
        .rejected()
        .map_or(Ok(()), |what| Err(Error::NotAFeed(what)))
}

/// Whether a document that has ended may be kept.
pub(in crate::refresh) fn judge(ending: &Ending, is_outgrown: bool) -> Result<(), Error> {
    match ending.completeness {
        Completeness::Truncated if ending.missing_ends.is_some() => Err(Error::Unclosed),
        Completeness::Truncated => Err(Error::Truncated),
        Completeness::NotAFeed(what) => Err(Error::NotAFeed(what)),
        Completeness::Complete if is_outgrown => Err(Error::Outgrown),
        Completeness::Complete => Ok(()),
    }
}
