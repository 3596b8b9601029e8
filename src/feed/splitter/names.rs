//! What tags are called that the splitter looks for.

use crate::feed::Format;
use crate::feed::namespace;
use crate::feed::xml::Tag;

/// Whether a tag has that name, whatever its prefix.
pub(super) fn is_local(tag: &Tag<'_>, name: &str) -> bool {
    namespace::split(tag.name()).1.eq_ignore_ascii_case(name)
}

/// Whether a tag is called as the items of the format are.
fn is_item(tag: &Tag<'_>, format: Format) -> bool {
    is_local(
        tag,
        if format == Format::Atom {
            "entry"
        } else {
            "item"
        },
    )
}

/// The same without a prefix.
pub(super) fn is_plain_item(tag: &Tag<'_>, format: Format) -> bool {
    is_item(tag, format) && !tag.name().contains(':')
}
