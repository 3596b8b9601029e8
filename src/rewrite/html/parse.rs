//! The thorough reader: lol_html as a parser. It is asked for positions; its output is dropped.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::slice;

use lol_html::html_content::Element;
use lol_html::{ElementContentHandlers, HtmlRewriter, MemorySettings, Selector, Settings};

use super::mask::mask;
use super::spot::{Holds, Spot, attribute_spot, push_sheets, sheet_spot};
use super::syntax::{element_name, open_sheet, raw_text_end, tag_name};
use super::unclosed::Ends;
use super::{Covers, Marks, Markup};

/// What lol_html may hold: its stack of open elements and a tag that does not end.
const MEMORY_BYTES_MAX: usize = 2 * 1024 * 1024;

const HTML_NAMESPACE: &str = "http://www.w3.org/1999/xhtml";

/// What the parser found.
pub(super) struct Found {
    /// In document order.
    pub(super) spots: Vec<Spot>,
    /// Behind the last tag that was read before the parser ran out of memory, if it did.
    pub(super) stopped_at: Option<usize>,
}

/// The spots in `html` from `from` on, where a tag or text starts. `every_element` is `*`.
pub(super) fn spots(
    (html, from): (&str, usize),
    markup: Markup,
    every_element: &Selector,
    covers: Covers,
) -> Found {
    let html = html.as_bytes();
    let masked = mask(&html[from..], markup);
    let ends = Ends::of(html);
    let spots = RefCell::new(Vec::new());
    let last_tag_end = Cell::new(None);
    let is_complete = show_elements(&masked, slice::from_ref(every_element), &|_, element| {
        last_tag_end.set(Some(from + element.source_location().bytes().end));
        read_element(
            (html, from),
            (markup, &ends),
            element,
            &mut spots.borrow_mut(),
        );
    });
    let spots = spots.into_inner().into_iter();
    Found {
        spots: spots.filter_map(|spot| spot.covered(covers)).collect(),
        stopped_at: last_tag_end.get().filter(|_| !is_complete),
    }
}

/// Where the start tags are of elements that match some of the selectors, and the marks of those;
/// sorted by tag. Short when the parser ran out of memory.
pub(super) fn matching_tags(
    html: &str,
    markup: Markup,
    selectors: &[Selector],
    marks: &[Marks],
) -> Vec<(usize, Marks)> {
    let tags: RefCell<Vec<(usize, Marks)>> = RefCell::new(Vec::new());
    let masked = mask(html.as_bytes(), markup);
    show_elements(&masked, selectors, &|selector, element| {
        let tag = element.source_location().bytes().start;
        let mut tags = tags.borrow_mut();
        match tags.last_mut() {
            Some((last, own)) if *last == tag => *own |= marks[selector],
            _ => tags.push((tag, marks[selector])),
        }
    });
    tags.into_inner()
}

/// Shows the elements that match one of the selectors, with the selector, in document order; says
/// whether it came to the end.
fn show_elements(
    html: &[u8],
    selectors: &[Selector],
    show: &dyn Fn(usize, &Element<'_, '_>),
) -> bool {
    let mut settings = Settings::new().with_strict(false).with_memory_settings(
        MemorySettings::new().with_max_allowed_memory_usage(MEMORY_BYTES_MAX),
    );
    for (index, selector) in selectors.iter().enumerate() {
        let show_one =
            ElementContentHandlers::default().element(move |element: &mut Element<'_, '_>| {
                show(index, element);
                Ok(())
            });
        settings = settings.append_element_content_handler((Cow::Borrowed(selector), show_one));
    }
    HtmlRewriter::new(settings, |_: &[u8]| {})
        .write(html)
        .is_ok()
}

fn read_element(
    (html, from): (&[u8], usize),
    (markup, ends): (Markup, &Ends),
    element: &Element<'_, '_>,
    spots: &mut Vec<Spot>,
) {
    let tag = element.source_location().bytes();
    // The name is read in the original, since the mask may have changed it.
    let open = from + tag.start;
    let name = tag_name(html, open + 1);
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
            spots.extend(attribute_spot(html, open, local_name, attribute, value));
        }
    }
    if !local_name.eq_ignore_ascii_case(b"style") {
        return;
    }
    let start = from + tag.end;
    if markup == Markup::Html && element.namespace_uri() == HTML_NAMESPACE {
        let sheet = match ends.raw_text(html, open) {
            Some(_) => start..raw_text_end(html, &html[name], start),
            None => open_sheet(html, start),
        };
        spots.extend(sheet_spot(html, open, sheet, Holds::RawSheet));
    } else if !element.is_self_closing() {
        push_sheets(html, open, start, spots);
    }
}
