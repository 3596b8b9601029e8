//! What a prefix stands for that nobody declared.

/// Prefixes as feeds use them, with the namespace that each is commonly bound to.
const KNOWN: &[(&str, &str)] = &[
    ("a10", "http://www.w3.org/2005/Atom"),
    ("admin", "http://webns.net/mvcb/"),
    ("ag", "http://purl.org/rss/1.0/modules/aggregation/"),
    ("annotate", "http://purl.org/rss/1.0/modules/annotate/"),
    ("app", "http://www.w3.org/2007/app"),
    ("atom", "http://www.w3.org/2005/Atom"),
    ("atom10", "http://www.w3.org/2005/Atom"),
    (
        "blogChannel",
        "http://backend.userland.com/blogChannelModule",
    ),
    ("blogger", "http://schemas.google.com/blogger/2008"),
    ("cc", "http://web.resource.org/cc/"),
    ("co", "http://purl.org/rss/1.0/modules/company"),
    ("content", "http://purl.org/rss/1.0/modules/content/"),
    (
        "creativeCommons",
        "http://backend.userland.com/creativeCommonsRssModule",
    ),
    ("dc", "http://purl.org/dc/elements/1.1/"),
    ("dcterms", "http://purl.org/dc/terms/"),
    ("email", "http://purl.org/rss/1.0/modules/email/"),
    ("ev", "http://purl.org/rss/1.0/modules/event/"),
    ("excerpt", "http://wordpress.org/export/1.2/excerpt/"),
    ("fb", "http://ogp.me/ns/fb#"),
    ("feedburner", "http://rssnamespace.org/feedburner/ext/1.0"),
    ("fh", "http://purl.org/syndication/history/1.0"),
    ("foaf", "http://xmlns.com/foaf/0.1/"),
    ("g", "http://base.google.com/ns/1.0"),
    ("gd", "http://schemas.google.com/g/2005"),
    ("geo", "http://www.w3.org/2003/01/geo/wgs84_pos#"),
    ("georss", "http://www.georss.org/georss"),
    ("gml", "http://www.opengis.net/gml"),
    (
        "googleplay",
        "http://www.google.com/schemas/play-podcasts/1.0",
    ),
    ("html", "http://www.w3.org/1999/xhtml"),
    ("icbm", "http://postneo.com/icbm/"),
    ("image", "http://purl.org/rss/1.0/modules/image/"),
    ("itunes", "http://www.itunes.com/dtds/podcast-1.0.dtd"),
    ("l", "http://purl.org/rss/1.0/modules/link/"),
    ("m", "http://www.w3.org/1998/Math/MathML"),
    ("math", "http://www.w3.org/1998/Math/MathML"),
    ("media", "http://search.yahoo.com/mrss/"),
    ("mml", "http://www.w3.org/1998/Math/MathML"),
    ("o", "urn:schemas-microsoft-com:office:office"),
    ("og", "http://ogp.me/ns#"),
    ("openSearch", "http://a9.com/-/spec/opensearch/1.1/"),
    ("opensearch", "http://a9.com/-/spec/opensearch/1.1/"),
    ("pheedo", "http://www.pheedo.com/namespace/pheedo"),
    (
        "pingback",
        "http://madskills.com/public/xml/rss/module/pingback/",
    ),
    ("podcast", "https://podcastindex.org/namespace/1.0"),
    ("prism", "http://prismstandard.org/namespaces/basic/2.0/"),
    ("psc", "http://podlove.org/simple-chapters"),
    ("rawvoice", "http://www.rawvoice.com/rawvoiceRssModule/"),
    ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
    ("rdfs", "http://www.w3.org/2000/01/rdf-schema#"),
    ("ref", "http://purl.org/rss/1.0/modules/reference/"),
    ("rss", "http://purl.org/rss/1.0/"),
    ("search", "http://purl.org/rss/1.0/modules/search/"),
    ("slash", "http://purl.org/rss/1.0/modules/slash/"),
    ("snf", "http://www.smartnews.be/snf"),
    ("source", "http://source.scripting.com/"),
    ("spotify", "http://www.spotify.com/ns/rss"),
    ("ss", "http://purl.org/rss/1.0/modules/servicestatus/"),
    ("st1", "urn:schemas-microsoft-com:office:smarttags"),
    ("sub", "http://purl.org/rss/1.0/modules/subscription/"),
    ("svg", "http://www.w3.org/2000/svg"),
    ("sy", "http://purl.org/rss/1.0/modules/syndication/"),
    ("taxo", "http://purl.org/rss/1.0/modules/taxonomy/"),
    ("thr", "http://purl.org/syndication/thread/1.0"),
    ("ti", "http://purl.org/rss/1.0/modules/textinput/"),
    (
        "trackback",
        "http://madskills.com/public/xml/rss/module/trackback/",
    ),
    ("v", "urn:schemas-microsoft-com:vml"),
    ("w", "urn:schemas-microsoft-com:office:word"),
    ("webfeeds", "http://webfeeds.org/rss/1.0"),
    ("wfw", "http://wellformedweb.org/CommentAPI/"),
    ("wiki", "http://purl.org/rss/1.0/modules/wiki/"),
    ("wp", "http://wordpress.org/export/1.2/"),
    ("xhtml", "http://www.w3.org/1999/xhtml"),
    ("xlink", "http://www.w3.org/1999/xlink"),
    ("xsi", "http://www.w3.org/2001/XMLSchema-instance"),
    ("yandex", "http://news.yandex.ru"),
    ("yt", "http://www.youtube.com/xml/schemas/2015"),
];

/// The namespace to declare for `prefix`. One that nobody knows gets a name that says so, and that
/// is the same in every document.
pub(super) fn namespace(prefix: &str) -> String {
    match KNOWN.binary_search_by_key(&prefix, |(known, _)| known) {
        Ok(found) => KNOWN[found].1.to_owned(),
        Err(_) => format!("urn:undeclared-prefix:{prefix}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_have_names() {
        assert!(KNOWN.is_sorted_by(|one, two| one.0 < two.0));
        assert_eq!(namespace("media"), "http://search.yahoo.com/mrss/");
        assert_eq!(namespace("a10"), namespace("atom"));
        assert_eq!(namespace("mine"), "urn:undeclared-prefix:mine");
    }
}
