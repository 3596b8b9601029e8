//! The element names that HTML's tree construction treats in their own ways (§13.2.4.2, §13.2.6.4.7).

use crate::html::tag::Tag;

/// The longest name below.
const NAME_BYTES_MAX: usize = 16;

const TABLE_CONTEXT: &[&str] = &["table", "template"];
const BODY_CONTEXT: &[&str] = &["tbody", "tfoot", "thead", "table", "template"];
const ROW_CONTEXT: &[&str] = &["tr", "tbody", "tfoot", "thead", "table", "template"];

/// What an HTML element's tags do to the stack of open elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Means nothing inside a fragment: `html`, `body`.
    Ignored,
    /// Has no content.
    Void {
        closes_p: bool,
    },
    /// Its content is text up to its own end tag.
    Raw {
        closes_p: bool,
    },
    Script,
    Plaintext,
    Noscript,
    /// `svg` or `math`.
    Foreign {
        is_svg: bool,
    },
    Table,
    /// Lives in a table only; closes what is above the nearest of `parents`.
    TablePart {
        parents: &'static [&'static str],
        is_marker: bool,
    },
    /// Closes an open `p`.
    Block,
    /// Closes the nearest of these.
    ListItem(&'static [&'static str]),
    /// Closes the current node if it is one of these.
    Succeeding(&'static [&'static str]),
    /// Is reopened when another element's end tag closes it.
    Formatting,
    /// Does not nest in itself.
    Alone {
        is_scope: bool,
    },
    /// A scope that formatting does not leave.
    Marker,
    Ordinary,
}

impl Kind {
    /// Whether end tags do not reach beyond it.
    pub(super) fn is_scope(self) -> bool {
        matches!(self, Self::Table | Self::Alone { is_scope: true }) || self.is_marker()
    }

    /// Whether formatting inside is forgotten at its end.
    pub(super) fn is_marker(self) -> bool {
        matches!(
            self,
            Self::Marker
                | Self::TablePart {
                    is_marker: true,
                    ..
                }
        )
    }

    /// Whether end tags of unknown elements do not reach beyond it.
    pub(super) fn is_special(self) -> bool {
        !matches!(
            self,
            Self::Ordinary | Self::Formatting | Self::Succeeding(_) | Self::Foreign { .. }
        )
    }
}

/// The kind of an HTML element.
pub(super) fn classify(name: &str) -> Kind {
    let mut buffer = [0; NAME_BYTES_MAX];
    let Some(name) = lower(name, &mut buffer) else {
        return Kind::Ordinary;
    };
    let part = |parents, is_marker| Kind::TablePart { parents, is_marker };
    match name {
        b"html" | b"head" | b"body" | b"frame" | b"frameset" => Kind::Ignored,
        b"area" | b"base" | b"basefont" | b"bgsound" | b"br" | b"col" | b"embed" | b"image"
        | b"img" | b"input" | b"keygen" | b"link" | b"meta" | b"param" | b"source" | b"track"
        | b"wbr" => Kind::Void { closes_p: false },
        b"hr" => Kind::Void { closes_p: true },
        b"iframe" | b"noembed" | b"noframes" | b"style" | b"textarea" | b"title" => {
            Kind::Raw { closes_p: false }
        }
        b"xmp" => Kind::Raw { closes_p: true },
        b"script" => Kind::Script,
        b"plaintext" => Kind::Plaintext,
        b"noscript" => Kind::Noscript,
        b"svg" => Kind::Foreign { is_svg: true },
        b"math" => Kind::Foreign { is_svg: false },
        b"table" => Kind::Table,
        b"caption" => part(TABLE_CONTEXT, true),
        b"colgroup" | b"tbody" | b"tfoot" | b"thead" => part(TABLE_CONTEXT, false),
        b"tr" => part(BODY_CONTEXT, false),
        b"td" | b"th" => part(ROW_CONTEXT, true),
        b"address" | b"article" | b"aside" | b"blockquote" | b"center" | b"details" | b"dialog"
        | b"dir" | b"div" | b"dl" | b"fieldset" | b"figcaption" | b"figure" | b"footer"
        | b"form" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"header" | b"hgroup"
        | b"listing" | b"main" | b"menu" | b"nav" | b"ol" | b"p" | b"pre" | b"search"
        | b"section" | b"summary" | b"ul" => Kind::Block,
        b"li" => Kind::ListItem(&["li"]),
        b"dd" | b"dt" => Kind::ListItem(&["dd", "dt"]),
        b"option" => Kind::Succeeding(&["option"]),
        b"optgroup" => Kind::Succeeding(&["option", "optgroup"]),
        b"rb" | b"rp" | b"rt" | b"rtc" => Kind::Succeeding(&["rb", "rp", "rt", "rtc"]),
        b"a" | b"b" | b"big" | b"code" | b"em" | b"font" | b"i" | b"nobr" | b"s" | b"small"
        | b"strike" | b"strong" | b"tt" | b"u" => Kind::Formatting,
        b"button" => Kind::Alone { is_scope: false },
        b"select" => Kind::Alone { is_scope: true },
        b"applet" | b"marquee" | b"object" | b"template" => Kind::Marker,
        _ => Kind::Ordinary,
    }
}

/// `h1` to `h6`, which close each other.
pub(super) fn is_heading(name: &str) -> bool {
    matches!(name.as_bytes(), [b'h' | b'H', b'1'..=b'6'])
}

/// Whether a start tag ends foreign content (§13.2.6.5).
pub(super) fn is_breakout(tag: &Tag<'_>) -> bool {
    let mut buffer = [0; NAME_BYTES_MAX];
    match lower(tag.name, &mut buffer).unwrap_or_default() {
        b"font" => ["color", "face", "size"]
            .iter()
            .any(|name| tag.attribute(name).is_some()),
        b"b" | b"big" | b"blockquote" | b"body" | b"br" | b"center" | b"code" | b"dd" | b"div"
        | b"dl" | b"dt" | b"em" | b"embed" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6"
        | b"head" | b"hr" | b"i" | b"img" | b"li" | b"listing" | b"menu" | b"meta" | b"nobr"
        | b"ol" | b"p" | b"pre" | b"ruby" | b"s" | b"small" | b"span" | b"strong" | b"strike"
        | b"sub" | b"sup" | b"table" | b"tt" | b"u" | b"ul" | b"var" => true,
        _ => false,
    }
}

/// The name in lower case, without an allocation; `None` for what is longer than any known name.
fn lower<'a>(name: &str, buffer: &'a mut [u8; NAME_BYTES_MAX]) -> Option<&'a [u8]> {
    let buffer = buffer.get_mut(..name.len())?;
    buffer.copy_from_slice(name.as_bytes());
    buffer.make_ascii_lowercase();
    Some(buffer)
}
