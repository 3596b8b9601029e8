//! Feeds as publishers write them, made up: prose with markup, links and images.
//!
//! Invariant: the same seed and shape give the same bytes.

mod dense;
mod words;

use std::fmt::Write;

pub(crate) use words::Language;
use words::Random;

/// Where the images of made-up feeds are; nginx's `sub_filter` looks for the same text.
pub(crate) const IMAGES_AT: &str = "https://img.example.org/";

/// One item in so many has no image.
const ITEMS_WITHOUT_IMAGE: u64 = 7;

/// How HTML stands in a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// In CDATA sections.
    Cdata,
    /// With its `<`, `>` and `&` escaped.
    Escaped,
}

/// What the items of a feed hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Density {
    /// Long texts with a few images, as blogs have them.
    Prose,
    /// Short items full of images, links and markup, in two languages, as sites about news and
    /// things to buy have them.
    Dense,
}

/// What a made-up feed is like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// How large it is at least; the last item goes beyond it.
    pub(crate) bytes: usize,
    /// How its HTML stands in it.
    pub(crate) carrier: Carrier,
    /// What its prose is made of.
    pub(crate) language: Language,
    pub(crate) density: Density,
}

/// A made-up feed.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    /// The document.
    pub(crate) xml: String,
    /// The HTML of its fields, decoded, in the order of the document.
    pub(crate) fields: Vec<String>,
    /// How many items it has.
    pub(crate) items: usize,
    /// How many `img` elements it has.
    pub(crate) images: usize,
}

impl Feed {
    /// Makes a feed.
    pub(crate) fn make(seed: u64, shape: Shape) -> Self {
        let mut random = Random::new(seed);
        let mut feed = Self::default();
        feed.push_head(&mut random, shape);
        while feed.xml.len() < shape.bytes {
            feed.push_item(&mut random, shape);
        }
        feed.xml.push_str("</channel>\n</rss>\n");
        feed
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string can't fail.
        self.xml.write_fmt(text).ok();
    }

    fn push_head(&mut self, random: &mut Random, shape: Shape) {
        let title = random.words(shape.language, 3);
        let (code, about) = (shape.language.code(), random.words(shape.language, 9));
        self.push(format_args!(
            r#"<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"
	xmlns:content="http://purl.org/rss/1.0/modules/content/"
	xmlns:dc="http://purl.org/dc/elements/1.1/"
	xmlns:atom="http://www.w3.org/2005/Atom"
	xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"
	>

<channel>
	<title>{title}</title>
	<atom:link href="https://news.example.org/feed/" rel="self" type="application/rss+xml" />
	<link>https://news.example.org</link>
	<description>{about}</description>
	<lastBuildDate>Thu, 19 Mar 2026 08:12:44 +0000</lastBuildDate>
	<language>{code}</language>
	<sy:updatePeriod>hourly</sy:updatePeriod>
	<sy:updateFrequency>1</sy:updateFrequency>
	<image>
	<url>{IMAGES_AT}logo.png</url>
	<title>{title}</title>
	<link>https://news.example.org</link>
	</image>
"#
        ));
    }

    fn push_item(&mut self, random: &mut Random, shape: Shape) {
        let Shape {
            carrier, language, ..
        } = shape;
        let number = random.below(90_000) + 10_000;
        let (title, author) = (random.words(language, 8), random.words(language, 2));
        let (minute, hour, day) = (random.below(60), random.below(24), random.below(28) + 1);
        let summary = format!("<p>{} [&#8230;]</p>", random.sentence(language));
        let content = match shape.density {
            Density::Prose => self.content(random, language, number),
            Density::Dense => {
                let (html, images) = dense::content(random, number);
                self.images += images;
                html
            }
        };
        self.push(format_args!(
            r#"	<item>
		<title>{title}</title>
		<link>https://news.example.org/2026/03/{number}/</link>
		<dc:creator><![CDATA[{author}]]></dc:creator>
		<pubDate>Sun, {day:02} Mar 2026 {hour:02}:{minute:02}:00 +0000</pubDate>
		<category><![CDATA[{}]]></category>
		<guid isPermaLink="false">https://news.example.org/?p={number}</guid>
		<description>{}</description>
		<content:encoded>{}</content:encoded>
	</item>
"#,
            random.words(language, 1),
            carry(carrier, &summary),
            carry(carrier, &content)
        ));
        self.fields.extend([summary, content]);
        self.items += 1;
    }

    /// An article of about 9 KB.
    fn content(&mut self, random: &mut Random, language: Language, number: u64) -> String {
        let has_images = random.below(ITEMS_WITHOUT_IMAGE) > 0;
        let images = if has_images { 2 + random.below(3) } else { 0 };
        let paragraphs = 11 + random.below(6);
        let mut html = String::new();
        for paragraph in 0..paragraphs {
            if paragraph < images {
                push_image(&mut html, random, language, number + paragraph);
                self.images += 1;
            }
            match random.below(8) {
                0 => {
                    let heading = random.words(language, 5);
                    html += &format!("<h2 class=\"wp-block-heading\">{heading}</h2>\n");
                }
                1 => {
                    let points = [(); 3].map(|()| random.sentence(language));
                    let [first, second, third] = points;
                    html += &format!(
                        "<ul class=\"wp-block-list\"><li>{first}</li>\n<li>{second}</li>\n<li>{third}</li></ul>\n"
                    );
                }
                _ => {}
            }
            html += "<p>";
            for _ in 0..3 + random.below(4) {
                html += &random.sentence(language);
                html.push(' ');
            }
            let (linked, strong) = (random.words(language, 2), random.words(language, 1));
            html += &format!(
                "<a href=\"https://news.example.org/topic/{}?from=feed&amp;n={paragraph}\" rel=\"noopener\">{linked}</a>, <strong>{strong}</strong>&#8217;s.</p>\n\n",
                random.below(5000)
            );
        }
        html
    }
}

fn push_image(html: &mut String, random: &mut Random, language: Language, number: u64) {
    let (alt, caption) = (random.words(language, 7), random.words(language, 10));
    let file = format!(
        "{IMAGES_AT}2026/03/{number}-{:08x}",
        random.below(u64::from(u32::MAX))
    );
    let srcset = if random.below(4) > 0 {
        format!(
            " srcset=\"{file}-1024x683.jpg 1024w, {file}-300x200.jpg 300w, {file}-768x512.jpg 768w, {file}.jpg 1200w\" sizes=\"auto, (max-width: 1024px) 100vw, 1024px\""
        )
    } else {
        String::new()
    };
    html.push_str(&format!(
        "<figure class=\"wp-block-image size-large\"><img loading=\"lazy\" decoding=\"async\" width=\"1024\" height=\"683\" src=\"{file}-1024x683.jpg\" alt=\"{alt}\" class=\"wp-image-{number}\"{srcset}/><figcaption class=\"wp-element-caption\">{caption}</figcaption></figure>\n\n"
    ));
}

fn carry(carrier: Carrier, html: &str) -> String {
    match carrier {
        Carrier::Cdata => format!("<![CDATA[{html}]]>"),
        Carrier::Escaped => html
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;"),
    }
}
