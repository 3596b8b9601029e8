//! The element names that HTML's tree construction treats in their own ways (§13.2.4.2, §13.2.6.4.7).

use crate::html::tag::Tag;
use crate::html::{Name, Table, names};

const TABLE_CONTEXT: [Name; 2] = names(["table", "template"]);
const BODY_CONTEXT: [Name; 5] = names(["tbody", "tfoot", "thead", "table", "template"]);
const ROW_CONTEXT: [Name; 6] = names(["tr", "tbody", "tfoot", "thead", "table", "template"]);
const ITEMS: [Name; 1] = names(["li"]);
const TERMS: [Name; 2] = names(["dd", "dt"]);
const OPTIONS: [Name; 1] = names(["option"]);
const OPTION_GROUPS: [Name; 2] = names(["option", "optgroup"]);
const RUBY: [Name; 4] = names(["rb", "rp", "rt", "rtc"]);

/// What an HTML element's tags do to the stack of open elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::html) enum Kind {
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
        parents: &'static [Name],
        is_marker: bool,
    },
    /// Closes an open `p`.
    Block,
    /// Closes the nearest of these.
    ListItem(&'static [Name]),
    /// Closes the current node if it is one of these.
    Succeeding(&'static [Name]),
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

    /// Whether what follows such a tag is read in another way, or may be.
    pub(in crate::html) fn changes_reading(self) -> bool {
        matches!(
            self,
            Self::Raw { .. }
                | Self::Script
                | Self::Plaintext
                | Self::Noscript
                | Self::Foreign { .. }
        )
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

/// The kinds of elements; what is not here is [`Kind::Ordinary`].
const KINDS: &[(&[&str], Kind)] = {
    const fn part(parents: &'static [Name], is_marker: bool) -> Kind {
        Kind::TablePart { parents, is_marker }
    }
    &[
        (
            &["html", "head", "body", "frame", "frameset"],
            Kind::Ignored,
        ),
        (
            &[
                "area", "base", "basefont", "bgsound", "br", "col", "embed", "image", "img",
                "input", "keygen", "link", "meta", "param", "source", "track", "wbr",
            ],
            Kind::Void { closes_p: false },
        ),
        (&["hr"], Kind::Void { closes_p: true }),
        (
            &[
                "iframe", "noembed", "noframes", "style", "textarea", "title",
            ],
            Kind::Raw { closes_p: false },
        ),
        (&["xmp"], Kind::Raw { closes_p: true }),
        (&["script"], Kind::Script),
        (&["plaintext"], Kind::Plaintext),
        (&["noscript"], Kind::Noscript),
        (&["svg"], Kind::Foreign { is_svg: true }),
        (&["math"], Kind::Foreign { is_svg: false }),
        (&["table"], Kind::Table),
        (&["caption"], part(&TABLE_CONTEXT, true)),
        (
            &["colgroup", "tbody", "tfoot", "thead"],
            part(&TABLE_CONTEXT, false),
        ),
        (&["tr"], part(&BODY_CONTEXT, false)),
        (&["td", "th"], part(&ROW_CONTEXT, true)),
        (
            &[
                "address",
                "article",
                "aside",
                "blockquote",
                "center",
                "details",
                "dialog",
                "dir",
                "div",
                "dl",
                "fieldset",
                "figcaption",
                "figure",
                "footer",
                "form",
                "h1",
                "h2",
                "h3",
                "h4",
                "h5",
                "h6",
                "header",
                "hgroup",
                "listing",
                "main",
                "menu",
                "nav",
                "ol",
                "p",
                "pre",
                "search",
                "section",
                "summary",
                "ul",
            ],
            Kind::Block,
        ),
        (&["li"], Kind::ListItem(&ITEMS)),
        (&["dd", "dt"], Kind::ListItem(&TERMS)),
        (&["option"], Kind::Succeeding(&OPTIONS)),
        (&["optgroup"], Kind::Succeeding(&OPTION_GROUPS)),
        (&["rb", "rp", "rt", "rtc"], Kind::Succeeding(&RUBY)),
        (
            &[
                "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike",
                "strong", "tt", "u",
            ],
            Kind::Formatting,
        ),
        (&["button"], Kind::Alone { is_scope: false }),
        (&["select"], Kind::Alone { is_scope: true }),
        (&["applet", "marquee", "object", "template"], Kind::Marker),
    ]
};

/// The same by name.
static TABLE: Table<Kind, 512> = {
    let mut table = Table::new();
    let mut row = 0;
    while row < KINDS.len() {
        let (names, kind) = KINDS[row];
        let mut at = 0;
        while at < names.len() {
            table.add(Name::of(names[at]), kind);
            at += 1;
        }
        row += 1;
    }
    table
};

/// The kind of an HTML element.
pub(in crate::html) fn classify(id: Name) -> Kind {
    TABLE.get(id).unwrap_or(Kind::Ordinary)
}

/// Whether an element whose end tag was left away ends where this one starts in it.
pub(crate) fn is_implied_end(open: Name, next: Name) -> bool {
    let is_paragraph = open == Name::of("p");
    match classify(next) {
        Kind::ListItem(siblings) => is_paragraph || open.is_one_of(siblings),
        Kind::Succeeding(siblings) => open.is_one_of(siblings),
        Kind::TablePart { parents, .. } => {
            matches!(classify(open), Kind::TablePart { .. }) && !open.is_one_of(parents)
        }
        Kind::Block => is_paragraph || open.is_one_of(&HEADINGS) && next.is_one_of(&HEADINGS),
        Kind::Table | Kind::Plaintext => is_paragraph,
        Kind::Void { closes_p } | Kind::Raw { closes_p } => closes_p && is_paragraph,
        _ => false,
    }
}

/// Headings, which close each other.
pub(in crate::html) const HEADINGS: [Name; 6] = names(["h1", "h2", "h3", "h4", "h5", "h6"]);

/// The cells of a table's row.
pub(in crate::html) const CELLS: [Name; 2] = names(["td", "th"]);

/// What ends svg and math where it starts.
const BREAKOUTS: [Name; 44] = names([
    "b",
    "big",
    "blockquote",
    "body",
    "br",
    "center",
    "code",
    "dd",
    "div",
    "dl",
    "dt",
    "em",
    "embed",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "hr",
    "i",
    "img",
    "li",
    "listing",
    "menu",
    "meta",
    "nobr",
    "ol",
    "p",
    "pre",
    "ruby",
    "s",
    "small",
    "span",
    "strong",
    "strike",
    "sub",
    "sup",
    "table",
    "tt",
    "u",
    "ul",
    "var",
]);

/// Whether a start tag ends foreign content (§13.2.6.5).
pub(super) fn is_breakout(tag: &Tag<'_>) -> bool {
    tag.id.is_one_of(&BREAKOUTS)
        || tag.starts("font")
            && ["color", "face", "size"]
                .iter()
                .any(|name| tag.attribute(name).is_some())
}
