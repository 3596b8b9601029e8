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
        "html" | "head" | "body" | "frame" | "frameset" => Kind::Ignored,
        "area" | "base" | "basefont" | "bgsound" | "br" | "col" | "embed" | "image" | "img"
        | "input" | "keygen" | "link" | "meta" | "param" | "source" | "track" | "wbr" => {
            Kind::Void { closes_p: false }
        }
        "hr" => Kind::Void { closes_p: true },
        "iframe" | "noembed" | "noframes" | "style" | "textarea" | "title" => {
            Kind::Raw { closes_p: false }
        }
        "xmp" => Kind::Raw { closes_p: true },
        "script" => Kind::Script,
        "plaintext" => Kind::Plaintext,
        "noscript" => Kind::Noscript,
        "svg" => Kind::Foreign { is_svg: true },
        "math" => Kind::Foreign { is_svg: false },
        "table" => Kind::Table,
        "caption" => part(TABLE_CONTEXT, true),
        "colgroup" | "tbody" | "tfoot" | "thead" => part(TABLE_CONTEXT, false),
        "tr" => part(BODY_CONTEXT, false),
        "td" | "th" => part(ROW_CONTEXT, true),
        "address" | "article" | "aside" | "blockquote" | "center" | "details" | "dialog"
        | "dir" | "div" | "dl" | "fieldset" | "figcaption" | "figure" | "footer" | "form"
        | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "header" | "hgroup" | "listing" | "main"
        | "menu" | "nav" | "ol" | "p" | "pre" | "search" | "section" | "summary" | "ul" => {
            Kind::Block
        }
        "li" => Kind::ListItem(&["li"]),
        "dd" | "dt" => Kind::ListItem(&["dd", "dt"]),
        "option" => Kind::Succeeding(&["option"]),
        "optgroup" => Kind::Succeeding(&["option", "optgroup"]),
        "rb" | "rp" | "rt" | "rtc" => Kind::Succeeding(&["rb", "rp", "rt", "rtc"]),
        "a" | "b" | "big" | "code" | "em" | "font" | "i" | "nobr" | "s" | "small" | "strike"
        | "strong" | "tt" | "u" => Kind::Formatting,
        "button" => Kind::Alone { is_scope: false },
        "select" => Kind::Alone { is_scope: true },
        "applet" | "marquee" | "object" | "template" => Kind::Marker,
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
        "font" => ["color", "face", "size"]
            .iter()
            .any(|name| tag.attribute(name).is_some()),
        "b" | "big" | "blockquote" | "body" | "br" | "center" | "code" | "dd" | "div" | "dl"
        | "dt" | "em" | "embed" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "head" | "hr" | "i"
        | "img" | "li" | "listing" | "menu" | "meta" | "nobr" | "ol" | "p" | "pre" | "ruby"
        | "s" | "small" | "span" | "strong" | "strike" | "sub" | "sup" | "table" | "tt" | "u"
        | "ul" | "var" => true,
        _ => false,
    }
}

/// The name in lower case, without an allocation; `None` for what is longer than any known name.
fn lower<'a>(name: &str, buffer: &'a mut [u8; NAME_BYTES_MAX]) -> Option<&'a str> {
    let buffer = buffer.get_mut(..name.len())?;
    buffer.copy_from_slice(name.as_bytes());
    buffer.make_ascii_lowercase();
    str::from_utf8(buffer).ok()
}
