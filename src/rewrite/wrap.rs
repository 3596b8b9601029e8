//! Header and footer around a field's content.
//!
//! Invariants: what the publisher left open swallows neither; an earlier pass's are replaced, never
//! added to, if they stand between their marks or came out just the same; nothing of the publisher's
//! is taken out with them.

use std::borrow::Cow;

use crate::html::Markup;
use crate::html::walk::tags;
use crate::html::{self, Closing, Edit};
use crate::rewrite::extent::{Extent, Needs};
use crate::rewrite::marks::{self, Part};
use crate::rewrite::passes::site::Site;
use crate::rewrite::template::{FeedFacts, ItemFacts, Template};
use crate::rewrite::xhtml;

/// Elements that hide what follows from readers of HTML, to whom `<iframe/>` is not closed.
const HIDING: &[&str] = &[
    "iframe", "noembed", "noframes", "noscript", "script", "style", "textarea", "title", "xmp",
];

/// The header and footer of one item, before they are rendered.
pub(super) struct Wrap<'a> {
    pub(super) header: Option<&'a Template>,
    pub(super) footer: Option<&'a Template>,
    /// Whether they are put between marks.
    pub(super) mark: bool,
    pub(super) item: ItemFacts<'a>,
    pub(super) feed: &'a FeedFacts<'a>,
}

impl Wrap<'_> {
    /// Edits that take out what an earlier pass put there.
    pub(super) fn stale(&self, html: &str, markup: Markup) -> Vec<Edit> {
        marks::edits(html, markup, |part| self.template(part).is_some())
    }

    /// The edits that put header and footer around a field's content.
    ///
    /// `closing` closes what is open at the field's end, if that is known already.
    pub(super) fn edits(
        &self,
        html: &str,
        site: &Site<'_>,
        closing: Option<Cow<'static, str>>,
    ) -> Vec<Edit> {
        let templates = [self.header, self.footer].into_iter().flatten();
        let needs = templates.fold(Needs::default(), |needs, one| needs.or(one.needs()));
        let extent = Extent::of(html, site.markup, needs);
        let rendered = RenderedWrap {
            header: self.render(Part::Header, &extent, site),
            footer: self.render(Part::Footer, &extent, site),
            mark: self.mark,
        };
        let mut edits = match site.markup {
            Markup::Html => rendered.around_html(html, site, closing),
            Markup::Xhtml => rendered.around_xhtml(html),
        };
        edits.retain(|edit| !(edit.range.is_empty() && edit.text.is_empty()));
        edits
    }

    fn template(&self, part: Part) -> Option<&Template> {
        match part {
            Part::Header => self.header,
            Part::Footer => self.footer,
        }
    }

    /// One that fails to render is left out: the item goes on.
    fn render(&self, part: Part, extent: &Extent, site: &Site<'_>) -> String {
        let Some(template) = self.template(part) else {
            return String::new();
        };
        match template.render(&self.item, extent, self.feed) {
            Ok(text) => site.budget.spend(text).unwrap_or_default(),
            Err(error) => {
                site.trace.left(part.name(), "", "", error);
                String::new()
            }
        }
    }
}

/// A header and a footer, rendered; empty where there is none.
struct RenderedWrap {
    header: String,
    footer: String,
    mark: bool,
}

impl RenderedWrap {
    /// What is written for a part.
    fn written(&self, part: Part, html: &str) -> String {
        if self.mark && !html.is_empty() {
            marks::around(part, html)
        } else {
            html.to_owned()
        }
    }

    /// Header before and footer behind an HTML fragment, inside the white space around it.
    fn around_html(
        &self,
        html: &str,
        site: &Site<'_>,
        closing: Option<Cow<'static, str>>,
    ) -> Vec<Edit> {
        let start = html.len() - html.trim_start().len();
        let end = html.trim_end().len().max(start);
        let header = Edit {
            // What stands there without marks is ours as well.
            range: start..start + common(html[start..end].starts_with(&self.header), &self.header),
            text: self.written(Part::Header, &self.header),
        };
        let content = header.range.end;
        let text = self.written(Part::Footer, &self.footer);
        if self.footer.is_empty() {
            return vec![header];
        }
        // A header that is there already may have been counted as open.
        let known = closing.filter(|_| content == start).map(|text| Closing {
            keep: end - content,
            text,
        });
        let Some(Closing {
            keep,
            text: closing,
        }) = known.or_else(|| html::closing(&html[content..end]))
        else {
            // Nothing that stands behind would be seen.
            site.trace.skip(
                "footer",
                html,
                end..end,
                "what is open can't be closed: it stands first",
            );
            let stands = common(html[content..end].starts_with(&self.footer), &self.footer);
            let range = content..content + stands;
            return vec![header, Edit { range, text }];
        };
        let kept = &html[content..content + keep];
        // Inside something left open, such as a comment, it would not be seen.
        let is_closed = closing.is_empty() && content + keep == end;
        let stands = is_closed && kept.ends_with(&self.footer);
        let start = if closing.is_empty() {
            content + kept.trim_end().len() - common(stands, &self.footer)
        } else {
            content + keep
        };
        let footer = Edit {
            range: start..start + common(stands, &self.footer),
            text: format!("{closing}{text}"),
        };
        // The tag that never ends.
        let cut = Edit {
            range: content + keep..end,
            text: String::new(),
        };
        vec![header, footer, cut]
    }

    /// The same for inline XHTML: inside the `div` that Atom asks for (RFC 4287 §3.1.1.3), if it is
    /// there.
    fn around_xhtml(&self, markup: &str) -> Vec<Edit> {
        let (start, end) = inner_of_div(markup).unwrap_or_else(|| {
            let start = markup.len() - markup.trim_start().len();
            (start, markup.trim_end().len().max(start))
        });
        let (header, footer) = (own_div(&self.header), own_div(&self.footer));
        let blank = markup[start..end].len() - markup[start..end].trim_start().len();
        let has_header = markup[start + blank..end].starts_with(&header);
        let at = start + if has_header { blank } else { 0 };
        let mut edits = vec![Edit {
            range: at..at + common(has_header, &header),
            text: self.written(Part::Header, &header),
        }];
        let content = edits[0].range.end;
        if footer.is_empty() {
            return edits;
        }
        edits.extend(opened(&markup[content..end]).map(|edit| Edit {
            range: content + edit.range.start..content + edit.range.end,
            text: edit.text,
        }));
        let trimmed = content + markup[content..end].trim_end().len();
        let has_footer = markup[content..trimmed].ends_with(&footer);
        let text = self.written(Part::Footer, &footer);
        edits.push(match markup[content..end].strip_suffix('<') {
            _ if has_footer => Edit {
                range: trimmed - footer.len()..trimmed,
                text,
            },
            // It stands for itself, and must not begin what follows.
            Some(_) => Edit {
                range: end - 1..end,
                text: format!("&lt;{text}"),
            },
            None => Edit {
                range: end..end,
                text,
            },
        });
        edits
    }
}

/// The length of what stands there already.
fn common(stands: bool, text: &str) -> usize {
    if stands { text.len() } else { 0 }
}

/// A `div` of ours that names its namespace is right whatever prefix the publisher uses.
fn own_div(html: &str) -> String {
    if html.is_empty() {
        return String::new();
    }
    let markup = xhtml::well_formed(html);
    format!("<div xmlns=\"{}\">{markup}</div>", xhtml::NAMESPACE)
}

/// Edits that give elements an end tag of their own which would hide what follows without.
fn opened(markup: &str) -> impl Iterator<Item = Edit> {
    let empty = tags(markup, Markup::Xhtml).filter(|tag| tag.is_self_closed && !tag.is_end);
    let hiding = empty.filter(|tag| HIDING.iter().any(|name| tag.starts(name)));
    hiding.map(|tag| Edit {
        range: tag.range.end - "/>".len()..tag.range.end,
        text: format!("></{}>", &markup[tag.name_range]),
    })
}

/// Where the content stands of the one `div` around `markup`, or of the body of a document there.
fn inner_of_div(markup: &str) -> Option<(usize, usize)> {
    xhtml::one_element(markup, "div").or_else(|| {
        let (start, end) = xhtml::one_element(markup, "html")?;
        let body = &markup[start..end];
        let open = tags(body, Markup::Xhtml).find(|tag| tag.starts("body"))?;
        let close = tags(body, Markup::Xhtml)
            .filter(|tag| tag.ends("body"))
            .last()?;
        let is_inside = !open.is_self_closed && open.range.end <= close.range.start;
        is_inside.then_some((start + open.range.end, start + close.range.start))
    })
}
