//! What the rules do to one piece of XML: its images, its header and footer.
//!
//! Invariant: only attribute values that are image URLs and fields that carry HTML are
//! ever replaced; `guid`, `id`, links, dates and titles never are.

use crate::feed::element::Element;
use crate::feed::text::Decoded;
use crate::feed::xml::Attribute;
use crate::html::walk::tags;
use crate::html::{Edit, Markup, apply, srcset};
use crate::rewrite::base::{FieldBase, PieceBase};
use crate::rewrite::bearer::{self, Bearer, New};
use crate::rewrite::budget::Budget;
use crate::rewrite::explain::{ImageLocation, Trace};
use crate::rewrite::field::{self, Role};
use crate::rewrite::inline;
use crate::rewrite::passes::{Passes, Share, Site};
use crate::rewrite::splice::Splicer;
use crate::rewrite::wrap::Wrap;
use crate::rewrite::xhtml;

/// The most white space that is copied before an element that is added.
const GAP_BYTES_MAX: usize = 64;

/// What is done to the pieces of one feed.
pub(super) struct Work<'a> {
    pub(super) passes: &'a Passes,
    pub(super) base: &'a PieceBase<'a>,
    /// `None` for what is no item, and where there is neither header nor footer.
    pub(super) wrap: Option<&'a Wrap<'a>>,
    pub(super) budget: &'a Budget,
    pub(super) trace: &'a Trace,
}

/// Appends `xml` with the rules applied.
pub(super) fn rewrite(xml: &str, elements: &[Element<'_>], work: &Work<'_>, out: &mut String) {
    let bearer = work.wrap.map(|wrap| (wrap, bearer::of_item(xml, elements)));
    let mut splicer = Splicer::new(xml, out);
    for (index, element) in elements.iter().enumerate() {
        let role = field::role(elements, index);
        if role != Role::None {
            work.trace.enter_field(element.tag.name());
        }
        let base = FieldBase::of_element(work.base, elements, index);
        match role {
            Role::MediaAttribute(_) if !work.covers_media() => {}
            Role::UrlAttribute(name) | Role::MediaAttribute(name) => {
                let Some(attribute) = element.tag.attribute(name) else {
                    continue;
                };
                let written = Decoded::attribute(attribute.value);
                if let Some(url) = work.image_url(&base, name, written.as_str()) {
                    replace_value(element, &attribute, url, &mut splicer);
                }
            }
            Role::SrcsetAttribute(name) => {
                let Some(attribute) = element.tag.attribute(name) else {
                    continue;
                };
                let written = Decoded::attribute(attribute.value);
                let list = written.as_str();
                let edits = srcset::edits(list, &mut |one| work.image_url(&base, name, one));
                if !edits.is_empty() {
                    replace_value(element, &attribute, apply(list, &edits), &mut splicer);
                }
            }
            Role::UrlText => {
                let decoded = Decoded::content(&xml[element.content.clone()]);
                if let Some(url) = work.image_url(&base, "", decoded.as_str()) {
                    let text = decoded.as_str();
                    let start = text.len() - text.trim_start().len();
                    let edit = Edit {
                        range: start..text.trim_end().len(),
                        text: url,
                    };
                    splicer.replace(element.content.clone(), |out| decoded.splice(&[edit], out));
                }
            }
            Role::Html(_) => {
                let share = match bearer {
                    None => Share::Nothing,
                    Some((wrap, Bearer::Html(found))) if found == index => Share::Bearer(wrap),
                    Some((wrap, _)) => Share::Bare(wrap),
                };
                rewrite_html(xml, element, &base, (work, share), &mut splicer);
            }
            Role::None => {
                if let Some((wrap, Bearer::Text(found))) = bearer
                    && found == index
                {
                    work.trace.enter_field(element.tag.name());
                    rewrite_text(xml, element, &base, (work, wrap), &mut splicer);
                }
            }
        }
    }
    match bearer {
        Some((wrap, Bearer::New(new))) => add(xml, elements, new, (work, wrap), &mut splicer),
        Some((_, Bearer::None(reason))) => work.trace.left("header, footer", "", "", reason),
        _ => {}
    }
    splicer.finish();
}

/// Makes plain text HTML, with header and footer; what they come out empty for stays text.
fn rewrite_text(
    xml: &str,
    element: &Element<'_>,
    base: &FieldBase<'_>,
    (work, wrap): (&Work<'_>, &Wrap<'_>),
    splicer: &mut Splicer<'_, '_>,
) {
    let decoded = Decoded::content(&xml[element.content.clone()]);
    let edits = work.field(decoded.as_str(), (Markup::Html, base), Share::Text(wrap));
    if !edits.is_empty() {
        declare_html(element, splicer);
        splicer.replace(element.content.clone(), |out| decoded.splice(&edits, out));
    }
}

/// Lets one of Atom's text constructs say that it carries HTML.
fn declare_html(element: &Element<'_>, splicer: &mut Splicer<'_, '_>) {
    let start = element.tag_range.start;
    let name_end = start + "<".len() + element.tag.name().len();
    match element.tag.attribute("type") {
        // Atom 0.3 knows media types only, and another way to say that markup is escaped.
        Some(kind) if kind.value.contains('/') => {
            replace_value(element, &kind, "text/html".to_owned(), splicer);
        }
        Some(kind) => replace_value(element, &kind, "html".to_owned(), splicer),
        None => splicer.replace(name_end..name_end, |out| out.push_str(" type=\"html\"")),
    }
}

/// Adds an element with header and footer behind the last one of an item, as that one is set.
fn add(
    xml: &str,
    elements: &[Element<'_>],
    new: New,
    (work, wrap): (&Work<'_>, &Wrap<'_>),
    splicer: &mut Splicer<'_, '_>,
) {
    work.trace.enter_field(new.name);
    let base = FieldBase::of_piece(work.base);
    let edits = work.field("", (Markup::Html, &base), Share::Bearer(wrap));
    let Some(item) = elements.first().filter(|_| !edits.is_empty()) else {
        return;
    };
    let last = elements.iter().rfind(|element| element.depth == 1);
    let gap = last.map_or("", |last| {
        let before = &xml[..last.range.start];
        let blank = &before[before.trim_ascii_end().len()..];
        if blank.len() <= GAP_BYTES_MAX {
            blank
        } else {
            ""
        }
    });
    let (prefix, _) = item.tag.name().split_once(':').unwrap_or_default();
    let colon = if prefix.is_empty() { "" } else { ":" };
    let New { name, attributes } = new;
    let mut element = format!("{gap}<{prefix}{colon}{name}{attributes}>");
    Decoded::content("").splice(&edits, &mut element);
    element.push_str(&format!("</{prefix}{colon}{name}>"));
    if item.tag.is_empty_element() {
        return open_up(xml, item, &element, splicer);
    }
    let at = last.map_or(item.content.start, |last| last.range.end);
    splicer.replace(at..at, |out| out.push_str(&element));
}

/// Lets an element that closes itself hold `content`.
fn open_up(xml: &str, element: &Element<'_>, content: &str, splicer: &mut Splicer<'_, '_>) {
    let tag = &xml[element.tag_range.clone()];
    let open = tag.strip_suffix("/>").unwrap_or(tag).trim_end();
    splicer.replace(element.tag_range.clone(), |out| {
        out.push_str(open);
        out.push('>');
        out.push_str(content);
        out.push_str("</");
        out.push_str(element.tag.name());
        out.push('>');
    });
}

/// Lets `text` stand as the value of an attribute of `element`, in quotes.
pub(super) fn replace_value(
    element: &Element<'_>,
    attribute: &Attribute<'_>,
    text: String,
    splicer: &mut Splicer<'_, '_>,
) {
    let start = element.tag_range.start;
    let span = start + attribute.span.start..start + attribute.span.end;
    let decoded = Decoded::attribute(attribute.value);
    let range = 0..decoded.as_str().len();
    let quote = if attribute.quote.is_none() { "\"" } else { "" };
    splicer.replace(span, |out| {
        out.push_str(quote);
        decoded.splice(&[Edit { range, text }], out);
        out.push_str(quote);
    });
}

fn rewrite_html(
    xml: &str,
    element: &Element<'_>,
    base: &FieldBase<'_>,
    (work, share): (&Work<'_>, Share<'_>),
    splicer: &mut Splicer<'_, '_>,
) {
    let raw = &xml[element.content.clone()];
    let bears = matches!(share, Share::Bearer(_));
    let content = if element.has_markup {
        match rewritten_markup(raw, element, base, (work, share)) {
            Some(Written::Markup(text)) => text,
            Some(Written::Escaped(text)) => {
                if field::says_text(element) {
                    declare_html(element, splicer);
                }
                text
            }
            None => return,
        }
    } else if field::is_xhtml(element) && is_text_of_markup(raw) {
        let edits = work.field(raw, (Markup::Xhtml, base), share);
        if edits.is_empty() {
            return;
        }
        apply(raw, &edits)
    } else if bears && field::holds_one_div(element) {
        match with_text_in_div(raw, base, (work, share)) {
            Some(text) => text,
            None => return,
        }
    } else {
        let decoded = Decoded::content(raw);
        let edits = work.field(decoded.as_str(), (Markup::Html, base), share);
        if edits.is_empty() {
            return;
        }
        let mut content = String::with_capacity(raw.len());
        decoded.splice(&edits, &mut content);
        content
    };
    let is_divided = bears && field::holds_one_div(element) && !xhtml::is_one_div(&content);
    let content = if is_divided {
        in_div(&content)
    } else {
        content
    };
    if element.content.is_empty() && element.tag.is_empty_element() {
        // `<description/>` opens up to take them.
        open_up(xml, element, &content, splicer);
    } else {
        splicer.replace(element.content.clone(), |out| out.push_str(&content));
    }
}

/// Whether markup is text and nothing else: neither tags nor escaped HTML that somebody took for markup.
fn is_text_of_markup(raw: &str) -> bool {
    !raw.contains('<')
        && tags(Decoded::content(raw).as_str(), Markup::Html)
            .next()
            .is_none()
}

/// Content in the one `div` that Atom asks for (RFC 4287 §3.1.1.3). The white space around it stays
/// outside: in it, header and footer would be put behind it the next time.
fn in_div(content: &str) -> String {
    let inner = content.trim();
    let (before, behind) = content.split_once(inner).unwrap_or_default();
    let namespace = xhtml::NAMESPACE;
    format!("{before}<div xmlns=\"{namespace}\">{inner}</div>{behind}")
}

/// Text where XHTML is said to stand, with header and footer, which are markup there.
fn with_text_in_div(
    raw: &str,
    base: &FieldBase<'_>,
    (work, share): (&Work<'_>, Share<'_>),
) -> Option<String> {
    let decoded = Decoded::content(raw);
    let edits = work.field(decoded.as_str(), (Markup::Html, base), Share::Nothing);
    let mut text = String::with_capacity(raw.len());
    decoded.splice(&edits, &mut text);
    let around = work.field(&text, (Markup::Xhtml, base), share);
    (!(edits.is_empty() && around.is_empty())).then(|| apply(&text, &around))
}

/// A field of inline markup with the rules applied.
enum Written {
    /// It is inline markup still.
    Markup(String),
    /// It is escaped.
    Escaped(String),
}

/// Inline markup with the rules applied; `None` when they change nothing.
fn rewritten_markup(
    raw: &str,
    element: &Element<'_>,
    base: &FieldBase<'_>,
    (work, share): (&Work<'_>, Share<'_>),
) -> Option<Written> {
    // Some readers take the tags, others the text, and some both. All are told the same.
    let mixed = |text: &str| {
        let is_meant = field::is_xhtml(element);
        (!is_meant).then(|| inline::mixed_as_html(text)).flatten()
    };
    // SECURITY: to who takes the text alone, without its tags, it may be other HTML. And behind
    // markup that is no XML a footer might not be seen.
    let is_ambiguous = |text: &str| {
        let bears = matches!(share, Share::Bearer(_));
        !field::is_xhtml(element)
            && (work.passes.is_ambiguous(text) || bears && !xhtml::is_well_formed(text))
    };
    let mut html = mixed(raw);
    let mut is_changed = is_ambiguous(raw);
    if html.is_none() && !is_changed {
        let edits = work.field(raw, (Markup::Xhtml, base), share);
        if edits.is_empty() {
            return None;
        }
        let text = apply(raw, &edits);
        let is_text = field::is_xhtml(element) && is_text_of_markup(&text);
        if !inline::holds_tags(&text) && !is_text {
            // With the last tag gone, what is left is escaped as in any other field.
            let decoded = Decoded::content(&text);
            let edits = work.field(decoded.as_str(), (Markup::Html, base), share);
            let mut out = String::with_capacity(text.len());
            decoded.splice(&edits, &mut out);
            return Some(Written::Escaped(out));
        }
        html = mixed(&text);
        if html.is_none() && !is_ambiguous(&text) {
            return Some(Written::Markup(text));
        }
        html = html.or_else(|| Some(inline::as_html(&text)));
        is_changed = true;
    }
    let html = html.unwrap_or_else(|| inline::as_html(raw));
    let edits = work.field(&html, (Markup::Html, base), share);
    if edits.is_empty() && !is_changed {
        return None;
    }
    let (range, text) = (0..0, apply(&html, &edits));
    let mut out = String::with_capacity(text.len());
    Decoded::content("").splice(&[Edit { range, text }], &mut out);
    Some(Written::Escaped(out))
}

impl Work<'_> {
    /// What the rules do to a field of HTML.
    pub(super) fn field(
        &self,
        html: &str,
        (markup, base): (Markup, &FieldBase<'_>),
        share: Share<'_>,
    ) -> Vec<Edit> {
        self.passes.edits(html, &self.site(markup, base), share)
    }

    /// The URL to write for the image URL in this attribute of a feed's element, or (empty) in its text.
    pub(super) fn image_url(
        &self,
        base: &FieldBase<'_>,
        attribute: &str,
        written: &str,
    ) -> Option<String> {
        let rules = &self.passes.images()?.urls;
        let site = self.site(Markup::Html, base);
        site.image_url(rules, written, 0, ImageLocation::Feed(attribute))
    }

    /// Whether audio and video are rewritten like images.
    pub(super) fn covers_media(&self) -> bool {
        self.passes.images().is_some_and(|images| images.media)
    }

    fn site<'s>(&'s self, markup: Markup, base: &'s FieldBase<'s>) -> Site<'s> {
        Site {
            markup,
            base,
            budget: self.budget,
            trace: self.trace,
        }
    }
}
