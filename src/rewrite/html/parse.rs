//! The thorough reader: lol_html as a parser. It is asked for positions; its output is dropped.

use std::borrow::Cow;
use std::cell::Cell;

use lol_html::html_content::Element;
use lol_html::{ElementContentHandlers, HtmlRewriter, MemorySettings, Selector, Settings};

use super::mask::mask;
use super::scan::{attribute_spot, element_name, push_sheets, raw_text_end, sheet_spot, tag_name};
use super::{Holds, Markup, Spot};

/// What lol_html may hold: its stack of open elements and a tag that does not end.
const MEMORY_BYTES_MAX: usize = 2 * 1024 * 1024;

const HTML_NAMESPACE: &str = "http://www.w3.org/1999/xhtml";

/// What the parser found.
pub(super) struct Found {
    /// In document order.
    pub(super) spots: Vec<Spot>,
    /// False when the parser ran out of memory on the way.
    pub(super) is_complete: bool,
}

/// The spots in `html` from `from` on, where a tag or text starts, but for those on elements
/// that match one of the selectors in `skip`. `every_element` is the selector `*`.
pub(super) fn spots(
    html: &str,
    from: usize,
    markup: Markup,
    every_element: &Selector,
    skip: &[Selector],
) -> Found {
    let html = html.as_bytes();
    let masked = mask(&html[from..], markup);
    let mut spots = Vec::new();
    let is_skipped = Cell::new(false);
    let mut settings = Settings::new().with_strict(false).with_memory_settings(
        MemorySettings::new().with_max_allowed_memory_usage(MEMORY_BYTES_MAX),
    );
    // Handlers run in this order, so the last one knows.
    for selector in skip {
        let note = ElementContentHandlers::default().element(|_: &mut Element<'_, '_>| {
            is_skipped.set(true);
            Ok(())
        });
        settings = settings.append_element_content_handler((Cow::Borrowed(selector), note));
    }
    settings = settings.append_element_content_handler((
        Cow::Borrowed(every_element),
        ElementContentHandlers::default().element(|element: &mut Element<'_, '_>| {
            if !is_skipped.replace(false) {
                read_element(html, from, markup, element, &mut spots);
            }
            Ok(())
        }),
    ));
    let mut rewriter = HtmlRewriter::new(settings, |_: &[u8]| {});
    let is_complete = rewriter.write(&masked).is_ok();
    drop(rewriter);
    Found { spots, is_complete }
}

fn read_element(
    html: &[u8],
    from: usize,
    markup: Markup,
    element: &Element<'_, '_>,
    spots: &mut Vec<Spot>,
) {
    let tag = element.source_location().bytes();
    // The name is read in the original, since the mask may have changed it.
    let name = tag_name(html, from + tag.start + 1);
    let local_name = element_name(html, name.clone(), markup);
    for attribute in element.attributes() {
        let locations = (
            attribute.name_source_location(),
            attribute.value_source_location(),
        );
        if let (Some(attribute), Some(value)) = locations {
            let [attribute, value] = [attribute, value].map(|location| {
                let bytes = location.bytes();
                from + bytes.start..from + bytes.end
            });
            spots.extend(attribute_spot(html, local_name, attribute, value));
        }
    }
    if !local_name.eq_ignore_ascii_case(b"style") {
        return;
    }
    let start = from + tag.end;
    if markup == Markup::Html && element.namespace_uri() == HTML_NAMESPACE {
        let sheet = start..raw_text_end(html, &html[name], start);
        spots.extend(sheet_spot(html, sheet, Holds::RawSheet));
    } else if !element.is_self_closing() {
        push_sheets(html, start, spots);
    }
}
