//! What shows that a document is a feed, and no error in its clothes.

use crate::feed::Format;
use crate::feed::splitter::{Frame, Piece};
use crate::feed::xml::Tag;
use crate::rewrite::field::lower;

/// What the only children of a root are called when it is no feed's, but an error in its clothes.
const ERROR_CHILDREN: [&str; 7] = [
    "error",
    "errors",
    "exception",
    "fault",
    "message",
    "status",
    "code",
];

/// Whether a piece is an item, or a child of a feed's root that says something.
pub(super) fn is_content(frame: &Frame, piece: Piece<'_>) -> bool {
    match piece {
        Piece::Item(_) => true,
        Piece::Element(_) if frame.format == Format::Json => true,
        Piece::Element(xml) => {
            let tag_end = xml.find('>').map_or(xml.len(), |close| close + 1);
            let local = Tag::parse(&xml[..tag_end]).map(|tag| frame.namespaces.split(tag.name()).1);
            local.is_some_and(|local| !ERROR_CHILDREN.contains(&&*lower(local)))
        }
        _ => false,
    }
}
