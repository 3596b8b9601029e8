//! What a page says of its article: JSON-LD first, then `meta`, then its elements.

use dom_query::Document;
use serde_json::Value;
use url::Url;

use super::oracle::Oracle;
use super::tree::{line_of, one_line};
use crate::fulltext::recipe::{Finder, Recipe};
use crate::rewrite::article::Article;

/// Scripts of JSON-LD that are read, and bytes of each.
const SCRIPTS_MAX: usize = 16;
const SCRIPT_BYTES_MAX: usize = 1 << 20;
/// How deep JSON-LD is searched.
const DEPTH_MAX: usize = 12;
/// Letters of a fact.
const FACT_CHARS_MAX: usize = 300;

/// The types of JSON-LD that are articles, in part.
const TYPES: &[&str] = &[
    "Article",
    "BlogPosting",
    "Posting",
    "Report",
    "Review",
    "WebPage",
];

/// The facts of a page.
pub(super) fn of(document: &Document, base: &Url) -> Article {
    let objects = json_ld(document);
    let mut articles = objects.iter().filter(|object| is_article(object));
    let titled = articles
        .clone()
        .find(|object| object.get("headline").is_some());
    let page = Said {
        document,
        article: titled.or_else(|| articles.next()),
    };
    let image = page
        .meta(&["og:image", "twitter:image"])
        .or_else(|| page.json("image"));
    let image = image.and_then(|image| base.join(&image).ok());
    let image = image.filter(|url| matches!(url.scheme(), "http" | "https"));
    Article {
        image: image.map(String::from).unwrap_or_default(),
        ..page.facts()
    }
}

/// What a page says.
struct Said<'a> {
    document: &'a Document,
    article: Option<&'a Value>,
}

impl Said<'_> {
    fn json(&self, key: &str) -> Option<String> {
        let text = text_of(self.article?.get(key)?)?;
        (!text.is_empty()).then_some(text)
    }

    fn meta(&self, names: &[&str]) -> Option<String> {
        let texts = names.iter().map(|name| meta(self.document, name));
        texts.into_iter().find(|text| !text.is_empty())
    }

    fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        Some(attribute(self.document, selector, name)).filter(|text| !text.is_empty())
    }

    fn element(&self, selector: &str) -> Option<String> {
        Some(element(self.document, selector)).filter(|text| !text.is_empty())
    }

    fn facts(&self) -> Article {
        let title = self
            .json("headline")
            .or_else(|| self.meta(&["og:title", "twitter:title"]))
            .or_else(|| self.element("h1"))
            .or_else(|| self.element("title"));
        let author = self
            .json("author")
            .or_else(|| self.meta(&["author", "article:author", "dc.creator", "parsely-author"]))
            .or_else(|| self.element("[rel=author], [itemprop=author]"));
        let published = self
            .meta(&[
                "article:published_time",
                "og:published_time",
                "date",
                "dc.date",
                "dcterms.created",
                "parsely-pub-date",
            ])
            .or_else(|| self.json("datePublished"))
            .or_else(|| self.attribute("time[datetime]", "datetime"));
        let modified = self
            .meta(&[
                "article:modified_time",
                "og:updated_time",
                "last-modified",
                "dcterms.modified",
            ])
            .or_else(|| self.json("dateModified"));
        let site_name = self
            .meta(&["og:site_name", "application-name"])
            .or_else(|| self.json("publisher"));
        let language = self
            .attribute("html", "lang")
            .or_else(|| self.attribute("html", "xml:lang"))
            .or_else(|| self.meta(&["og:locale", "content-language"]))
            .or_else(|| self.json("inLanguage"));
        Article {
            title: title.unwrap_or_default(),
            author: author.unwrap_or_default(),
            published: published.unwrap_or_default(),
            modified: modified.unwrap_or_default(),
            site_name: site_name.unwrap_or_default(),
            language: language.unwrap_or_default(),
            ..Article::default()
        }
    }
}

/// What a recipe knows better.
pub(super) fn ask(article: &mut Article, document: &Document, recipe: &Recipe) {
    let ask = |finders: &[Finder]| {
        let found = finders.iter().map(|finder| fact(&finder.text(document)));
        found.into_iter().find(|text| !text.is_empty())
    };
    let slots = [
        (&mut article.title, &recipe.title),
        (&mut article.author, &recipe.author),
        (&mut article.published, &recipe.date),
    ];
    for (slot, finders) in slots {
        if let Some(text) = ask(finders) {
            *slot = text;
        }
    }
}

/// The article's text, where the page tells it in JSON-LD.
pub(super) fn body(document: &Document) -> Option<String> {
    let objects = json_ld(document);
    let bodies = objects
        .iter()
        .filter_map(|object| object.get("articleBody")?.as_str());
    bodies.max_by_key(|body| body.len()).map(str::to_owned)
}

/// The same, to compare with what is found.
pub(super) fn oracle(body: &str) -> Option<Oracle> {
    let text = Document::fragment(format!("<div>{}</div>", htmlize::unescape(body))).text();
    Oracle::new(&text)
}

/// The objects of a page's JSON-LD, at any depth.
fn json_ld(document: &Document) -> Vec<Value> {
    let mut objects = Vec::new();
    for script in document
        .select("script[type='application/ld+json']")
        .nodes()
        .iter()
        .take(SCRIPTS_MAX)
    {
        let text = script.text();
        let text = text
            .trim()
            .trim_start_matches("<!--")
            .trim_start_matches("//<![CDATA[")
            .trim_end_matches("-->")
            .trim_end_matches("//]]>");
        if text.len() > SCRIPT_BYTES_MAX {
            continue;
        }
        let value = serde_json::from_str(text)
            .or_else(|_| serde_json::from_str(&text.replace(['\n', '\r', '\t'], " ")));
        if let Ok(value) = value {
            collect(value, DEPTH_MAX, &mut objects);
        }
    }
    objects
}

fn collect(value: Value, depth: usize, objects: &mut Vec<Value>) {
    if depth == 0 {
        return;
    }
    match value {
        Value::Array(list) => list
            .into_iter()
            .for_each(|value| collect(value, depth - 1, objects)),
        Value::Object(mut members) => {
            for key in [
                "@graph",
                "mainEntity",
                "mainEntityOfPage",
                "itemListElement",
            ] {
                if let Some(inner) = members.remove(key) {
                    collect(inner, depth - 1, objects);
                }
            }
            objects.push(Value::Object(members));
        }
        _ => {}
    }
}

fn is_article(object: &Value) -> bool {
    let is_one = |kind: &Value| {
        kind.as_str()
            .is_some_and(|kind| TYPES.iter().any(|name| kind.ends_with(name)))
    };
    match object.get("@type") {
        Some(Value::Array(kinds)) => kinds.iter().any(is_one),
        Some(kind) => is_one(kind),
        None => false,
    }
}

/// A text, the name or address of an object, or those of a list.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(fact(&htmlize::unescape(text.as_str()))),
        Value::Object(members) => ["name", "url", "@id"]
            .iter()
            .find_map(|key| members.get(*key).and_then(Value::as_str))
            .map(fact),
        Value::Array(list) => {
            let texts: Vec<String> = list
                .iter()
                .take(8)
                .filter(|value| !value.is_array())
                .filter_map(text_of)
                .collect();
            Some(fact(&texts.join(", ")))
        }
        _ => None,
    }
}

fn fact(text: &str) -> String {
    one_line(text).chars().take(FACT_CHARS_MAX).collect()
}

fn meta(document: &Document, name: &str) -> String {
    let selector =
        format!("meta[property='{name}' i], meta[name='{name}' i], meta[http-equiv='{name}' i]");
    attribute(document, &selector, "content")
}

fn attribute(document: &Document, selector: &str, name: &str) -> String {
    let found = document
        .try_select(selector)
        .and_then(|found| found.attr(name));
    found.map(|value| fact(&value)).unwrap_or_default()
}

fn element(document: &Document, selector: &str) -> String {
    let found = document.try_select(selector);
    let first = found.as_ref().and_then(|found| found.nodes().first());
    first.map(|node| fact(&line_of(node))).unwrap_or_default()
}
