//! How the images of full texts are written: by a template of the operator's, since many readers
//! drop `figure` and what is in it.

use std::sync::Arc;

use dom_query::NodeRef;
use minijinja::{Environment, Value, context};

use crate::rewrite::template::{self, TemplateError};
use crate::rewrite::tree::{self, Limits};

/// What a template may name.
pub const VARIABLES: [&str; 7] = ["src", "alt", "title", "caption", "link", "width", "height"];
/// The longest template.
const SOURCE_BYTES_MAX: usize = 64 << 10;
/// Images of one article that are written by the template.
const IMAGES_MAX: usize = 1_000;
const NAME: &str = "figure";

/// A parsed template. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Figure(Arc<Environment<'static>>);

/// An image as a template sees it.
#[derive(Debug, Default)]
struct FigureImage {
    src: String,
    alt: String,
    title: String,
    /// HTML.
    caption: String,
    link: String,
    width: String,
    height: String,
}

impl Figure {
    /// Parses a template, and tries it out on an image that has everything and one that has
    /// nothing.
    ///
    /// # Errors
    /// On a syntax error, or a variable, filter or function that there is not.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        let refused = |line: Option<usize>, message: String| TemplateError {
            line: line.unwrap_or(1),
            message,
        };
        if source.len() > SOURCE_BYTES_MAX {
            let message = format!("it is longer than {SOURCE_BYTES_MAX} bytes");
            return Err(refused(None, message));
        }
        let mut environment = template::build_environment();
        environment
            .add_template_owned(NAME, source.to_owned())
            .map_err(|error| template::refuse(&error))?;
        let named = environment
            .get_template(NAME)
            .map(|template| template.undeclared_variables(true))
            .map_err(|error| template::refuse(&error))?;
        let mut unknown: Vec<_> = named
            .iter()
            .filter(|name| !VARIABLES.contains(&name.as_str()))
            .collect();
        unknown.sort();
        if let Some(name) = unknown.first() {
            let known = VARIABLES.join("`, `");
            let message = format!("there is no variable `{name}`; known here: `{known}`");
            return Err(refused(None, message));
        }
        let figure = Self(Arc::new(environment));
        let text = || "text".to_owned();
        let full = FigureImage {
            src: "https://example.org/a.jpg".to_owned(),
            alt: text(),
            title: text(),
            caption: text(),
            link: "https://example.org/".to_owned(),
            width: "1".to_owned(),
            height: "1".to_owned(),
        };
        for image in [full, FigureImage::default()] {
            figure
                .write(&image)
                .map_err(|error| template::refuse(&error))?;
        }
        Ok(figure)
    }

    /// `html`, an article, with its images written by the template. One that the template fails
    /// for stays, and so does an article that is too complex for a tree.
    #[must_use]
    pub(super) fn apply(&self, html: &str) -> String {
        let Ok((document, _)) = tree::fragment(html, Limits::FIELD) else {
            return html.to_owned();
        };
        let mut root = document.root();
        while let Some(inner) = root
            .first_child()
            .filter(|inner| inner.has_name("html") && inner.next_sibling().is_none())
        {
            root = inner;
        }
        let mut out = String::with_capacity(html.len());
        for (count, block) in root.children_it(false).enumerate() {
            let written = (count < IMAGES_MAX)
                .then(|| self.block(&block))
                .flatten()
                .unwrap_or_else(|| block.html().to_string());
            out.push_str(&written);
        }
        out
    }

    /// A block that is made of images; `None` for any other.
    fn block(&self, block: &NodeRef<'_>) -> Option<String> {
        let has = |names: &[&str]| {
            let mut all = block.descendants_it();
            all.any(|inner| names.iter().any(|name| inner.has_name(name)))
        };
        let images: Vec<_> = std::iter::once(*block)
            .chain(block.descendants_it())
            .filter(|inner| inner.has_name("img"))
            .collect();
        let is_figure = block.has_name("figure")
            && !has(&["table", "pre", "blockquote", "video", "audio", "iframe"]);
        let is_lone = ["img", "picture", "p", "a"]
            .iter()
            .any(|name| block.has_name(name))
            && block.text().trim().is_empty()
            && !has(&["video", "audio", "iframe"]);
        if images.is_empty() || !(is_figure || is_lone) {
            return None;
        }
        let caption = block
            .descendants_it()
            .find(|inner| inner.has_name("figcaption"))
            .map(|caption| caption.inner_html().to_string())
            .unwrap_or_default();
        let count = images.len();
        let mut out = String::new();
        for (at, image) in images.iter().enumerate() {
            let said = |name: &str| image.attr_or(name, "").to_string();
            let link = image
                .ancestors_it(Some(4))
                .find(|above| above.has_name("a"));
            let is_last = at + 1 == count;
            out.push_str(
                &self
                    .write(&FigureImage {
                        src: said("src"),
                        alt: said("alt"),
                        title: said("title"),
                        caption: if is_last {
                            caption.clone()
                        } else {
                            String::new()
                        },
                        link: link
                            .map(|link| link.attr_or("href", "").to_string())
                            .unwrap_or_default(),
                        width: said("width"),
                        height: said("height"),
                    })
                    .ok()?,
            );
        }
        Some(out)
    }

    fn write(&self, image: &FigureImage) -> Result<String, minijinja::Error> {
        let caption = if image.caption.trim().is_empty() {
            ""
        } else {
            image.caption.as_str()
        };
        self.0.get_template(NAME)?.render(context! {
            src => &image.src,
            alt => &image.alt,
            title => &image.title,
            caption => Value::from_safe_string(caption.to_owned()),
            link => &image.link,
            width => &image.width,
            height => &image.height,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_written_by_the_template() {
        let figure = Figure::parse(
            r#"<img src="{{ src }}">{% if caption %}<div><small>{{ caption }}</small></div>{% endif %}"#,
        )
        .unwrap();
        let check = |html: &str, expected: &str| assert_eq!(figure.apply(html), expected, "{html}");
        check(
            r#"<figure><img src="https://x.org/a.jpg?b&amp;c"><figcaption> One <em>two</em></figcaption></figure><p>Text</p>"#,
            r#"<img src="https://x.org/a.jpg?b&amp;c"><div><small> One <em>two</em></small></div><p>Text</p>"#,
        );
        check(
            r#"<p><a href="/big"><img src="a.jpg" alt="x"></a></p>"#,
            r#"<img src="a.jpg">"#,
        );
        check(
            r#"<p>In <img src="a.jpg"> text</p><figure><pre>code</pre></figure>"#,
            r#"<p>In <img src="a.jpg"> text</p><figure><pre>code</pre></figure>"#,
        );
        check(
            r#"<figure><img src="a.jpg"><img src="b.jpg"><figcaption>Both</figcaption></figure>"#,
            r#"<img src="a.jpg"><img src="b.jpg"><div><small>Both</small></div>"#,
        );
    }

    #[test]
    fn names_that_there_are_not_are_refused() {
        for source in [
            "{{ source }}",
            "{{ item.title }}",
            "{{ src | nothing }}",
            "{% if %}",
        ] {
            assert!(Figure::parse(source).is_err(), "{source}");
        }
    }
}
