//! Images and their captions: whatever box a publisher puts them in, it becomes a `figure`.
//!
//! Invariant: no image is lost; one that stands twice in its box, for several screens, stands once.

use dom_query::{Document, NodeRef};

use super::tree::{chars_of, is_any, is_inline, line_of, names_of};

/// How far above an image its box may be.
const BOX_LEVELS_MAX: usize = 5;
/// Letters of a caption.
const CAPTION_CHARS_MAX: usize = 600;
/// What boxes of images are called, in part.
const BOX_NAMES: &[&str] = &[
    "pic", "image", "img", "photo", "figure", "media", "caption", "thumb", "gallery", "slide",
    "bild", "foto", "visual", "embed",
];
/// What captions are called, in part.
const CAPTION_NAMES: &[&str] = &[
    "caption",
    "legend",
    "credit",
    "copyright",
    "description",
    "desc",
    "bildunterschrift",
    "cutline",
    "wp-caption-text",
    "source",
];
/// Boxes that are something else.
const NO_BOXES: &[&str] = &[
    "html",
    "body",
    "main",
    "article",
    "blockquote",
    "li",
    "td",
    "th",
    "table",
    "tr",
    "tbody",
    "a",
    "h1",
    "h2",
    "h3",
    "h4",
];

/// Turns boxes of images under `root` into figures.
pub(super) fn make(document: &Document, root: &NodeRef<'_>) {
    for figure in root
        .descendants()
        .into_iter()
        .filter(|node| node.has_name("figure"))
    {
        if figure
            .ancestors_it(None)
            .any(|above| above.has_name("figure"))
        {
            continue;
        }
        rebuild(document, &figure);
    }
    for image in root
        .descendants()
        .into_iter()
        .filter(|node| node.has_name("img"))
    {
        if image
            .ancestors_it(None)
            .any(|above| above.has_name("figure"))
        {
            continue;
        }
        if let Some(found) = box_of(&image) {
            found.rename("figure");
            rebuild(document, &found);
        }
    }
}

/// The box that holds this image, its caption, and nothing else.
fn box_of<'a>(image: &NodeRef<'a>) -> Option<NodeRef<'a>> {
    let mut best = None;
    for above in image.ancestors(Some(BOX_LEVELS_MAX)) {
        if is_any(&above, NO_BOXES) && !above.has_name("a") || chars_of(&above) > CAPTION_CHARS_MAX
        {
            break;
        }
        if above.descendants_it().any(|inner| {
            is_any(&inner, &["p", "div"])
                && chars_of(&inner) > CAPTION_CHARS_MAX / 2
                && !names_caption(&inner)
        }) && !names_box(&above)
        {
            break;
        }
        let images = above
            .descendants_it()
            .filter(|inner| inner.has_name("img"))
            .count();
        if images > 1
            || above.descendants_it().any(|inner| {
                is_any(
                    &inner,
                    &[
                        "iframe",
                        "video",
                        "ul",
                        "ol",
                        "table",
                        "h2",
                        "h3",
                        "blockquote",
                    ],
                )
            })
        {
            break;
        }
        let has_caption = above.descendants_it().any(|inner| names_caption(&inner));
        if names_box(&above) && !above.has_name("a") && (chars_of(&above) > 0 || has_caption) {
            best = Some(above);
        }
    }
    best
}

fn names_box(node: &NodeRef<'_>) -> bool {
    let names = names_of(node);
    BOX_NAMES.iter().any(|name| names.contains(name))
}

pub(super) fn names_caption(node: &NodeRef<'_>) -> bool {
    if node.has_name("figcaption") {
        return true;
    }
    let names = names_of(node);
    CAPTION_NAMES.iter().any(|name| names.contains(name))
}

/// A figure holds its images, maybe in links, and one caption.
fn rebuild(document: &Document, figure: &NodeRef<'_>) {
    let has_other = figure.descendants_it().any(|inner| {
        is_any(
            &inner,
            &[
                "table",
                "pre",
                "blockquote",
                "video",
                "audio",
                "iframe",
                "ul",
                "ol",
            ],
        )
    });
    if has_other {
        return;
    }
    let mut seen: Vec<String> = Vec::new();
    let mut kept = Vec::new();
    for image in figure
        .descendants()
        .into_iter()
        .filter(|inner| inner.has_name("img"))
    {
        let name = stem(&image.attr_or("src", ""));
        if name.is_empty() || seen.contains(&name) {
            continue;
        }
        seen.push(name);
        kept.push(image);
    }
    if kept.is_empty() {
        return;
    }
    let caption = caption_of(figure);
    let units: Vec<NodeRef<'_>> = kept
        .into_iter()
        .map(|image| unit_of(figure, image))
        .collect();
    for unit in &units {
        unit.remove_from_parent();
    }
    figure.remove_children();
    for unit in units {
        figure.append_child(&unit);
    }
    if let Some(html) = caption {
        let element = document.tree.new_element("figcaption");
        element.set_html(html);
        figure.append_child(&element);
    }
}

/// An image with the `picture` and the link around it.
fn unit_of<'a>(figure: &NodeRef<'a>, image: NodeRef<'a>) -> NodeRef<'a> {
    let mut unit = image;
    while let Some(above) = unit.parent() {
        let is_wrapper = above.has_name("picture") || above.has_name("a") && chars_of(&above) == 0;
        if above.id == figure.id || !is_wrapper {
            break;
        }
        unit = above;
    }
    unit
}

/// A figure's caption as HTML: what says that it is one, else all its text.
fn caption_of(figure: &NodeRef<'_>) -> Option<String> {
    let named: Vec<_> = figure
        .descendants()
        .into_iter()
        .filter(names_caption)
        .collect();
    let outer: Vec<_> = named
        .iter()
        .filter(|node| {
            !node
                .ancestors_it(None)
                .any(|above| named.iter().any(|other| other.id == above.id))
        })
        .collect();
    let mut parts: Vec<String> = Vec::new();
    let mut texts: Vec<String> = Vec::new();
    let mut add = |node: &NodeRef<'_>| {
        let text = line_of(node);
        if text.is_empty() || texts.iter().any(|known| known.contains(&text)) {
            return;
        }
        texts.push(text);
        parts.push(inline_html(node));
    };
    if outer.is_empty() {
        add(figure);
    } else {
        outer.into_iter().for_each(&mut add);
    }
    let html = parts.join(" ");
    (!html.trim().is_empty()).then_some(html)
}

/// What a node holds, without the blocks and images in it, white space single.
fn inline_html(node: &NodeRef<'_>) -> String {
    let mut html = String::new();
    write_inline(node, &mut html);
    html
}

fn write_inline(node: &NodeRef<'_>, html: &mut String) {
    for child in node.children_it(false) {
        if child.is_text() {
            if html.is_empty() && child.text().trim().is_empty() {
                continue;
            }
            let mut was_space = html.ends_with(' ');
            for letter in child.text().chars() {
                let is_space = letter.is_whitespace() && letter != '\u{a0}';
                match letter {
                    _ if is_space && was_space => {}
                    _ if is_space => html.push(' '),
                    '&' => html.push_str("&amp;"),
                    '<' => html.push_str("&lt;"),
                    '>' => html.push_str("&gt;"),
                    _ => html.push(letter),
                }
                was_space = is_space;
            }
        } else if is_any(
            &child,
            &[
                "img", "picture", "script", "style", "svg", "button", "noscript", "source",
            ],
        ) {
        } else if is_any(
            &child,
            &["a", "em", "i", "b", "strong", "small", "sub", "sup", "cite"],
        ) && is_inline(&child)
            && chars_of(&child) > 0
        {
            let name = child.node_name().unwrap_or_default();
            html.push('<');
            html.push_str(&name);
            if let Some(href) = child.attr("href") {
                html.push_str(" href=\"");
                html.push_str(&href.replace('&', "&amp;").replace('"', "&quot;"));
                html.push('"');
            }
            html.push('>');
            write_inline(&child, html);
            html.push_str("</");
            html.push_str(&name);
            html.push('>');
        } else {
            if !is_inline(&child) && !html.is_empty() && !html.ends_with(' ') {
                html.push(' ');
            }
            write_inline(&child, html);
        }
    }
}

/// What two addresses of one image in two sizes have in common.
pub(super) fn stem(address: &str) -> String {
    address
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
        .to_owned()
}
