//! What the rules do to one field of HTML, pass by pass.
//!
//! Invariants: each pass reads the text as the one before left it; bytes that no pass changes stay
//! as the publisher wrote them; what an earlier run of ours put there is gone before a pass reads it.

pub mod attributes;
pub(in crate::rewrite) mod lazy;
pub mod links;
pub mod remove;
pub mod replace;
pub mod sanitize;
mod trackers;
pub(super) mod unescape;

use crate::feed::text::Edit;
use crate::rewrite::address::{Addresses, Left, SKIPPED};
use crate::rewrite::base::FieldBase;
use crate::rewrite::budget::Budget;
use crate::rewrite::compose::{Draft, apply};
use crate::rewrite::explain::{Spot, Trace};
use crate::rewrite::html::{Covers, HtmlPass, Marks, Markup, Seen};
use crate::rewrite::rules::{RuleError, RuleOptions};
use crate::rewrite::wrap::Wrap;
use links::Links;
use remove::Remove;
use replace::Replace;
use sanitize::Sanitize;

/// The name of the pass that sends pictures through image proxies.
const IMAGES: &str = "images";

/// How far a tab indents plain text.
const TAB_SPACES: usize = 4;

/// How often a field may turn out to be escaped twice.
const ROUNDS_MAX: usize = 4;

/// The picture rules.
#[derive(Debug)]
pub(super) struct Pictures {
    pub(super) addresses: Addresses,
    pub(super) html: HtmlPass,
    /// Whether sound and film are rewritten like pictures.
    pub(super) media: bool,
}

/// The passes of one feed, in order.
#[derive(Debug)]
pub(super) struct Passes {
    double_escaped: bool,
    replace: Replace,
    remove: Option<Remove>,
    sanitize: Sanitize,
    drop_trackers: bool,
    promote_pictures: bool,
    links: Option<Links>,
    pub(super) pictures: Option<Pictures>,
    image_attributes: Vec<attributes::Setting>,
}

/// What header and footer of an item have to do with one of its fields.
#[derive(Clone, Copy)]
pub(super) enum Share<'a> {
    /// Nothing: there are none, or it is no item's.
    Nothing,
    /// It bears none; those of an earlier run go.
    Bare(&'a Wrap<'a>),
    /// It bears them.
    Bearer(&'a Wrap<'a>),
    /// The same, and it was plain text before.
    Text(&'a Wrap<'a>),
}

/// What stands around what a pass reads.
pub(in crate::rewrite) struct Site<'a> {
    pub(in crate::rewrite) markup: Markup,
    /// What relative addresses are resolved against.
    pub(in crate::rewrite) base: &'a FieldBase<'a>,
    pub(in crate::rewrite) budget: &'a Budget,
    pub(in crate::rewrite) trace: &'a Trace,
}

impl Passes {
    pub(super) fn new(options: &RuleOptions) -> Result<Self, RuleError> {
        let pictures = Pictures::new(options)?;
        let leaves_pictures = pictures.as_ref().is_none_or(|pictures| {
            pictures.addresses.may_leave() || !options.skip_images.is_empty()
        });
        Ok(Self {
            double_escaped: options.double_escaped,
            replace: Replace::new(&options.replace)?,
            remove: Remove::new(&options.remove)?,
            sanitize: options.sanitize,
            drop_trackers: options.drop_trackers,
            promote_pictures: options.promote_pictures && pictures.is_some(),
            links: Links::new(&options.links, leaves_pictures),
            image_attributes: options.image_attributes.clone(),
            pictures,
        })
    }

    /// Whether any pass may change anything.
    pub(super) fn is_empty(&self) -> bool {
        !self.double_escaped
            && self.replace.is_empty()
            && self.remove.is_none()
            && self.pictures.is_none()
            && self.links.is_none()
            && !self.drop_trackers
            && self.sanitize == Sanitize::Off
    }

    /// Whether inline markup, where HTML is to be escaped, holds such HTML besides that may not stay.
    pub(super) fn is_ambiguous(&self, markup: &str) -> bool {
        self.sanitize != Sanitize::Off && sanitize::is_hidden_in_text(markup, self.sanitize)
    }

    /// What the passes do to a field as edits of `html`: sorted, not overlapping. Each changes
    /// something.
    pub(super) fn edits(&self, html: &str, site: &Site<'_>, share: Share<'_>) -> Vec<Edit> {
        let mut draft = Draft::new(html);
        let markup = site.markup;
        match share {
            Share::Nothing => {}
            Share::Text(_) => pass(&mut draft, site, "header, footer", &as_html),
            Share::Bare(wrap) | Share::Bearer(wrap) => {
                pass(&mut draft, site, "header, footer", &|html| {
                    wrap.stale(html, markup)
                });
            }
        }
        let unescapes = self.double_escaped && markup == Markup::Html;
        // Once the last tag is gone, what is left may look as if it were escaped twice.
        for _ in 0..ROUNDS_MAX {
            if unescapes {
                pass(&mut draft, site, "double_escaped", &unescape::edits);
            }
            self.run(&mut draft, site);
            if !(unescapes && unescape::is_double_escaped(draft.text())) {
                break;
            }
        }
        if let Share::Bearer(wrap) | Share::Text(wrap) = share {
            let text = draft.text();
            let edits = wrap.edits(text, site);
            // Plain text that bears nothing after all stays what it is.
            if edits.is_empty() && matches!(share, Share::Text(_)) {
                return edits;
            }
            site.trace.changes("header, footer", text, &edits);
            draft.change(edits);
        }
        let mut edits = draft.into_edits();
        edits.retain(|edit| html[edit.range.clone()] != edit.text);
        edits
    }

    /// The passes, but for header and footer.
    fn run(&self, draft: &mut Draft<'_>, site: &Site<'_>) {
        let markup = site.markup;
        let mut pass = |rule, edits: &dyn Fn(&str) -> Vec<Edit>| pass(draft, site, rule, edits);
        for replacement in self.replace.passes() {
            pass("replace", &|html| {
                replace::edits(html, replacement, site.budget)
            });
        }
        if let Some(remove) = &self.remove {
            pass("remove", &|html| remove.edits(html, markup, site.trace));
        }
        // The list of the sanitiser has no attributes that name other images.
        if self.promote_pictures {
            pass("promote_pictures", &|html| {
                lazy::edits(html, markup, site.base)
            });
        }
        if self.sanitize != Sanitize::Off {
            pass("sanitize", &|html| {
                sanitize::edits(html, markup, self.sanitize, site.trace)
            });
        }
        if self.drop_trackers {
            pass("drop_trackers", &|html| trackers::edits(html, markup));
        }
        if let Some(links) = &self.links {
            pass("links", &|html| {
                links.edits(html, (markup, site.base), site.budget)
            });
        }
        if let Some(pictures) = &self.pictures {
            pass(IMAGES, &|html| pictures.edits(html, site));
            if !self.image_attributes.is_empty() {
                let (addresses, settings) = (&pictures.addresses, &self.image_attributes);
                pass("image_attributes", &|html| {
                    attributes::edits(html, markup, addresses, settings)
                });
            }
        }
    }
}

/// One pass over a draft.
fn pass(
    draft: &mut Draft<'_>,
    site: &Site<'_>,
    rule: &'static str,
    edits: &dyn Fn(&str) -> Vec<Edit>,
) {
    let text = draft.text();
    let edits = edits(text);
    // Of pictures, what stays is noted as well, one by one.
    if rule != IMAGES {
        site.trace.changes(rule, text, &edits);
    }
    draft.change(edits);
}

/// Edits that make plain text HTML which says the same.
pub(super) fn as_html(text: &str) -> Vec<Edit> {
    let special = text.bytes().enumerate().filter_map(|(at, byte)| {
        let text = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            _ => return None,
        };
        let (range, text) = (at..at + 1, text.to_owned());
        Some(Edit { range, text })
    });
    special.collect()
}

/// Plain text as HTML that shows it as it is written: with its lines, and how far they are indented.
pub(super) fn text_as_html(text: &str) -> String {
    let text = text.trim_matches(['\n', '\r']).trim_end();
    let mut html = String::with_capacity(text.len() + text.len() / 8);
    for (number, line) in text.lines().enumerate() {
        if number > 0 {
            html.push_str("<br>\n");
        }
        let words = line.trim_start_matches([' ', '\t']);
        for blank in line[..line.len() - words.len()].bytes() {
            let spaces = if blank == b'\t' { TAB_SPACES } else { 1 };
            html.push_str(&"&nbsp;".repeat(spaces));
        }
        html.push_str(&apply(words, &as_html(words)));
    }
    html
}

impl Pictures {
    /// `None` when no picture is sent anywhere.
    fn new(options: &RuleOptions) -> Result<Option<Self>, RuleError> {
        let Some(addresses) = Addresses::new(options)? else {
            return Ok(None);
        };
        let skipped = options
            .skip_images
            .iter()
            .map(|selector| (selector, SKIPPED));
        let rules = options.image_rules.iter().enumerate();
        let rules = rules.filter_map(|(index, rule)| Some((rule.selector.as_ref()?, 1 << index)));
        let selectors: Vec<(&str, Marks)> = skipped
            .chain(rules)
            .map(|(selector, mark)| (selector.as_str(), mark))
            .collect();
        let covers = Covers {
            linked_pictures: options.linked_pictures,
            media: options.media,
        };
        Ok(Some(Self {
            addresses,
            html: HtmlPass::new(&selectors, covers)?,
            media: options.media,
        }))
    }

    fn edits(&self, html: &str, site: &Site<'_>) -> Vec<Edit> {
        self.html.edits(html, site.markup, &mut |seen: &Seen<'_>| {
            let spot = Spot::InHtml(seen);
            site.address(&self.addresses, seen.address, seen.marks, spot)
        })
    }
}

impl Site<'_> {
    /// The address to write for the picture's at a place, if it is to be changed.
    pub(super) fn address(
        &self,
        addresses: &Addresses,
        written: &str,
        marks: Marks,
        spot: Spot<'_>,
    ) -> Option<String> {
        let base = (!is_absolute(written)).then(|| self.base.url());
        let decided = match addresses.decide(written, base, marks) {
            _ if self.budget.is_exceeded() => Err(Left::Outgrown),
            Ok(mut sent) => match self.budget.spend(sent.address) {
                Some(address) => {
                    sent.address = address;
                    Ok(sent)
                }
                None => Err(Left::Outgrown),
            },
            left => left,
        };
        self.trace.picture(spot, written, &decided);
        decided.ok().map(|sent| sent.address)
    }
}

/// Whether no base is needed; most addresses in feeds are absolute.
fn is_absolute(written: &str) -> bool {
    let written = written.trim_start().as_bytes();
    [&b"https://"[..], b"http://"].iter().any(|scheme| {
        written
            .get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}
