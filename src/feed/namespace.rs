//! Which vocabulary an element belongs to, whatever prefix its publisher chose.

use super::text::Decoded;
use super::xml::Tag;

/// A vocabulary that the rules know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ns {
    /// No namespace, or one of RSS 0.90, 1.0, 1.1, 2.0 and Netscape.
    Core,
    /// Atom 0.3 and 1.0.
    Atom,
    /// RSS 1.0 content module (`content:encoded`).
    Content,
    /// Media RSS.
    Media,
    /// Apple's podcast elements.
    Itunes,
    /// Google's podcast elements.
    GooglePlay,
    /// Google's data elements, as Blogger has them (`gd:image`).
    GoogleData,
    /// The Podcast Index's elements.
    Podcast,
    /// Feedly's elements.
    WebFeeds,
    /// Feed paging and archiving (RFC 5005).
    History,
    /// Dublin Core elements and terms.
    DublinCore,
    /// RSS 1.0 syndication module.
    Syndication,
    /// RDF syntax.
    Rdf,
    /// XHTML.
    Xhtml,
    /// Anything else.
    Other,
}

/// Namespace names as they are found in feeds, in lower case, without scheme, `www.` and what
/// trails (`/`, `#`): publishers vary all of these.
const NAMES: &[(&str, Ns)] = &[
    ("", Ns::Core),
    ("purl.org/rss/1.0", Ns::Core),
    ("purl.org/net/rss1.1", Ns::Core),
    ("my.netscape.com/rdf/simple/0.9", Ns::Core),
    ("channel.netscape.com/rdf/simple/0.9", Ns::Core),
    ("my.netscape.com/publish/formats/rss-0.91.dtd", Ns::Core),
    ("backend.userland.com/rss", Ns::Core),
    ("backend.userland.com/rss2", Ns::Core),
    ("backend.userland.com/rss091", Ns::Core),
    ("blogs.law.harvard.edu/tech/rss", Ns::Core),
    ("cyber.law.harvard.edu/rss", Ns::Core),
    ("rssboard.org/rss-specification", Ns::Core),
    ("w3.org/2005/atom", Ns::Atom),
    ("purl.org/atom/ns", Ns::Atom),
    ("purl.org/rss/1.0/modules/content", Ns::Content),
    ("search.yahoo.com/mrss", Ns::Media),
    ("video.search.yahoo.com/mrss", Ns::Media),
    ("rssboard.org/media-rss", Ns::Media),
    ("itunes.com/dtds/podcast-1.0.dtd", Ns::Itunes),
    ("itunes.apple.com/dtds/podcast-1.0.dtd", Ns::Itunes),
    ("example.com/dtds/podcast-1.0.dtd", Ns::Itunes),
    ("google.com/schemas/play-podcasts/1.0", Ns::GooglePlay),
    (
        "google.com/schemas/play-podcasts/1.0/play-podcasts.xsd",
        Ns::GooglePlay,
    ),
    ("schemas.google.com/g/2005", Ns::GoogleData),
    ("podcastindex.org/namespace/1.0", Ns::Podcast),
    (
        "github.com/podcastindex-org/podcast-namespace/blob/main/docs/1.0.md",
        Ns::Podcast,
    ),
    ("webfeeds.org/rss/1.0", Ns::WebFeeds),
    ("purl.org/syndication/history/1.0", Ns::History),
    ("purl.org/dc/elements/1.0", Ns::DublinCore),
    ("purl.org/dc/elements/1.1", Ns::DublinCore),
    ("purl.org/dc/terms", Ns::DublinCore),
    ("purl.org/rss/1.0/modules/syndication", Ns::Syndication),
    ("w3.org/1999/02/22-rdf-syntax-ns", Ns::Rdf),
    ("w3.org/1999/xhtml", Ns::Xhtml),
];

/// What a prefix means when nobody declared it.
const PREFIXES: &[(&str, Ns)] = &[
    ("atom", Ns::Atom),
    ("content", Ns::Content),
    ("media", Ns::Media),
    ("itunes", Ns::Itunes),
    ("googleplay", Ns::GooglePlay),
    ("gd", Ns::GoogleData),
    ("podcast", Ns::Podcast),
    ("webfeeds", Ns::WebFeeds),
    ("fh", Ns::History),
    ("dc", Ns::DublinCore),
    ("dcterms", Ns::DublinCore),
    ("sy", Ns::Syndication),
    ("rdf", Ns::Rdf),
    ("xhtml", Ns::Xhtml),
];

impl Ns {
    /// The vocabulary of this name.
    pub(super) fn of_name(name: &str) -> Self {
        let name = name.trim().to_ascii_lowercase();
        let name = name
            .strip_prefix("http://")
            .or_else(|| name.strip_prefix("https://"))
            .unwrap_or(&name);
        let name = name.strip_prefix("www.").unwrap_or(name);
        let name = name.trim_end_matches(['/', '#']);
        find(NAMES, name).unwrap_or(Self::Other)
    }
}

fn find(table: &[(&str, Ns)], key: &str) -> Option<Ns> {
    table
        .iter()
        .find(|(name, _)| *name == key)
        .map(|(_, ns)| *ns)
}

/// The namespace bindings in force, innermost last; at most [`Namespaces::BINDINGS_MAX`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespaces {
    bindings: Vec<(String, Ns)>,
}

impl Namespaces {
    /// Further declarations are ignored: their prefixes resolve as if undeclared.
    pub const BINDINGS_MAX: usize = 128;

    /// The vocabulary `prefix` stands for (`""`: no prefix). Well-known prefixes resolve even
    /// when nobody declared them.
    pub fn resolve(&self, prefix: &str) -> Ns {
        let by_custom = || match prefix {
            "" => Some(Ns::Core),
            _ => find(PREFIXES, prefix),
        };
        self.lookup(prefix).or_else(by_custom).unwrap_or(Ns::Other)
    }

    /// Splits an element's name into its vocabulary and its local name.
    pub fn split<'n>(&self, name: &'n str) -> (Ns, &'n str) {
        let (prefix, local) = split(name);
        (self.resolve(prefix), local)
    }

    /// A prefix that was declared to stand for `ns`, and still does.
    pub fn prefix_of(&self, ns: Ns) -> Option<&str> {
        let mut declared = self.bindings.iter().rev();
        declared
            .find(|(prefix, bound)| {
                *bound == ns && !prefix.is_empty() && self.lookup(prefix) == Some(ns)
            })
            .map(|(prefix, _)| prefix.as_str())
    }

    /// The vocabulary `prefix` was declared to stand for.
    pub(super) fn lookup(&self, prefix: &str) -> Option<Ns> {
        // Without a call for each of those that are as long: mostly it is none of them.
        let first = prefix.as_bytes().first();
        let is_it = |bound: &str| {
            let is_like_it = bound.len() == prefix.len() && bound.as_bytes().first() == first;
            is_like_it && (first.is_none() || bound == prefix)
        };
        let mut innermost_first = self.bindings.iter().rev();
        let found = innermost_first.find(|(bound, _)| is_it(bound));
        found.map(|(_, ns)| *ns)
    }

    /// Adds the declarations of `tag`.
    pub(super) fn declare(&mut self, tag: &Tag<'_>) {
        // Most tags are nothing but a name.
        let has_attributes = tag.raw().len() > tag.name().len() + "</>".len();
        if !has_attributes || memchr::memmem::find(tag.raw().as_bytes(), b"xmlns").is_none() {
            return;
        }
        for attribute in tag.attributes() {
            let Some(rest) = attribute.name.strip_prefix("xmlns") else {
                continue;
            };
            if rest.is_empty() {
                self.bind("", Ns::of_name(attribute.value));
            } else if let Some(prefix) = rest.strip_prefix(':') {
                self.bind(prefix, Ns::of_name(attribute.value));
            }
        }
    }

    /// Makes `prefix` stand for `ns` from here on.
    pub(super) fn bind(&mut self, prefix: &str, ns: Ns) {
        // SECURITY: a feed with a million declarations must not make every lookup long.
        if self.bindings.len() < Self::BINDINGS_MAX {
            self.bindings.push((prefix.to_owned(), ns));
        }
    }

    /// Adds a declaration of `name`, decoded.
    pub(super) fn declare_as(&mut self, prefix: &str, name: &str) {
        self.bind(prefix, Ns::of_name(name));
    }

    /// How many bindings there are, for [`Namespaces::forget`].
    pub(super) fn mark(&self) -> usize {
        self.bindings.len()
    }

    /// Whether one of the bindings made since `mark` is of `prefix`.
    pub(super) fn is_bound_since(&self, prefix: &str, mark: usize) -> bool {
        let since = self.bindings.get(mark..).unwrap_or_default();
        since.iter().any(|(bound, _)| bound == prefix)
    }

    /// Drops the bindings made since `mark`.
    pub(super) fn forget(&mut self, mark: usize) {
        self.bindings.truncate(mark);
    }
}

/// What a tag declares: prefix (`""`: the default namespace) and name, decoded.
pub(crate) fn declarations(tag: &Tag<'_>) -> impl Iterator<Item = (String, String)> {
    tag.all_attributes().filter_map(|attribute| {
        let rest = attribute.name.strip_prefix("xmlns")?;
        let prefix = match rest {
            "" => "",
            _ => rest.strip_prefix(':')?,
        };
        let name = Decoded::attribute(attribute.value).as_str().to_owned();
        Some((prefix.to_owned(), name))
    })
}

/// Splits `name` into prefix (`""`: none) and local name.
pub(crate) fn split(name: &str) -> (&str, &str) {
    name.split_once(':').unwrap_or(("", name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tag: &str, name: &str, expected: Ns) {
        let mut namespaces = Namespaces::default();
        namespaces.declare(&Tag::parse(tag).unwrap());
        assert_eq!(namespaces.split(name).0, expected, "{tag} {name}");
    }

    #[test]
    fn prefixes_resolve_by_declaration_then_by_custom() {
        check("<rss>", "item", Ns::Core);
        check("<rss>", "media:content", Ns::Media);
        check("<rss>", "nobody:content", Ns::Other);
        check(
            "<rss xmlns:m='http://search.yahoo.com/mrss'>",
            "m:content",
            Ns::Media,
        );
        check("<rss xmlns:media='urn:mine'>", "media:content", Ns::Other);
        check(
            "<feed xmlns='https://www.w3.org/2005/Atom/'>",
            "entry",
            Ns::Atom,
        );
        check(
            "<rss xmlns:i='http://www.itunes.com/DTDs/PodCast-1.0.dtd'>",
            "i:image",
            Ns::Itunes,
        );
        check("<rss xmlnsx='urn:x' xmlns=''>", "item", Ns::Core);
    }

    #[test]
    fn bindings_are_scoped_and_bounded() {
        let mut namespaces = Namespaces::default();
        namespaces.bind("", Ns::Atom);
        let mark = namespaces.mark();
        namespaces.bind("", Ns::Xhtml);
        assert_eq!(namespaces.resolve(""), Ns::Xhtml);
        namespaces.forget(mark);
        assert_eq!(namespaces.resolve(""), Ns::Atom);
        for _ in 0..2 * Namespaces::BINDINGS_MAX {
            namespaces.bind("x", Ns::Media);
        }
        assert_eq!(namespaces.mark(), Namespaces::BINDINGS_MAX);
    }
}
