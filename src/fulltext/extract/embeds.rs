//! Players that a page loads by script: as the frames they become.

use dom_query::Document;

/// Where scripts find a frame's address.
const LAZY: &[&str] = &[
    "data-src",
    "data-lazy-src",
    "data-url",
    "data-litespeed-src",
];
/// Elements that stand for a player of YouTube, and the attribute that names the film.
const YOUTUBE: &[(&str, &str)] = &[
    ("amp-youtube", "data-videoid"),
    ("lite-youtube", "videoid"),
    ("youtube-video", "id"),
];

/// Gives frames the address that a script would give them.
pub(super) fn promote(document: &Document) {
    for frame in document.select("iframe").nodes() {
        let src = frame.attr_or("src", "");
        if src.starts_with("http") || src.starts_with("//") || src.starts_with('/') && src.len() > 1
        {
            continue;
        }
        let lazy = LAZY.iter().find_map(|name| frame.attr(name));
        if let Some(address) =
            lazy.filter(|address| address.starts_with("http") || address.starts_with("//"))
        {
            frame.set_attr("src", &address);
        }
    }
    for (element, attribute) in YOUTUBE {
        for player in document.select(element).nodes() {
            let Some(film) = player.attr(attribute) else {
                continue;
            };
            if film
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            {
                player.remove_children();
                player.rename("iframe");
                player.set_attr("src", &format!("https://www.youtube.com/embed/{film}"));
            }
        }
    }
}
