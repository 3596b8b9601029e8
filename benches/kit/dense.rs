//! Items of a few kilobytes with five to eight images each: the hard case for rules.

use super::IMAGES_AT;
use super::words::{Language, Random};

/// The HTML of an item, and how many images it has.
pub(super) fn content(random: &mut Random, number: u64) -> (String, usize) {
    let images = 5 + random.below(4);
    let paragraphs = images + 4;
    let mut html = String::new();
    for paragraph in 0..paragraphs {
        let language = match random.below(2) {
            0 => Language::English,
            _ => Language::Chinese,
        };
        if paragraph < images {
            push_image(&mut html, random, language, number + paragraph);
        }
        match random.below(9) {
            0 => html += &format!("<h3>{}</h3>\n", random.words(language, 4)),
            1 => {
                let [first, second] = [(); 2].map(|()| random.words(language, 5));
                html += &format!("<ul>\n<li>{first}</li>\n<li>{second}</li>\n</ul>\n");
            }
            2 => {
                let [first, second] = [(); 2].map(|()| random.words(language, 3));
                html += &format!(
                    "<table><tr><th>{first}</th><td>{}</td></tr><tr><th>{second}</th><td>{}</td></tr></table>\n",
                    random.below(1000),
                    random.below(1000)
                );
            }
            3 => {
                let code = random.words(Language::English, 4);
                html += &format!(
                    "<pre><code>if a &lt; b &amp;&amp; b &gt; 0 {{ {code} }}</code></pre>\n"
                );
            }
            4 => html += &format!("<blockquote>{}</blockquote>\n", random.sentence(language)),
            _ => {}
        }
        let (linked, strong) = (random.words(language, 2), random.words(language, 1));
        html += &format!(
            "<p>{} <a href=\"https://news.example.org/t/{}?from=feed&amp;n={paragraph}\">{linked}</a>&#8217;s <strong>{strong}</strong> &mdash; {}</p>\n",
            random.sentence(language),
            random.below(5000),
            random.words(language, 9)
        );
    }
    (html, usize::try_from(images).unwrap_or_default())
}

fn push_image(html: &mut String, random: &mut Random, language: Language, number: u64) {
    let file = format!(
        "{IMAGES_AT}wp-content/uploads/2026/03/{number}-{:08x}",
        random.below(u64::from(u32::MAX))
    );
    let alt = random.words(language, 3);
    let srcset = match random.below(5) {
        0 | 1 => format!(
            " srcset=\"{file}-300x200.jpg 300w, {file}-768x512.jpg 768w, {file}.jpg 1200w\" sizes=\"(max-width: 1200px) 100vw, 1200px\""
        ),
        _ => String::new(),
    };
    let image = match random.below(3) {
        0 => format!("<img src=\"{file}.jpg\" alt=\"{alt}\"{srcset}>"),
        1 => format!(
            "<img class=\"wp-image-{number}\" width=\"1200\" height=\"800\" src=\"{file}.jpg\"{srcset} alt=\"{alt}\">"
        ),
        _ => format!(
            "<img loading=\"lazy\" decoding=\"async\" src=\"{file}.jpg\" alt=\"{alt}\"{srcset}>"
        ),
    };
    html.push_str(&match random.below(2) {
        0 => format!(
            "<figure>{image}<figcaption>{}</figcaption></figure>\n",
            random.words(language, 4)
        ),
        _ => format!("<p>{image}</p>\n"),
    });
}
