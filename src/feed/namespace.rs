//! Which vocabulary an element belongs to, whatever prefix its publisher chose.

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
        self.bindings
            .iter()
            .rev()
            .find(|(bound, _)| bound == prefix)
            .map_or(Ns::Other, |(_, ns)| *ns)
    }

    /// Splits an element's name into its vocabulary and its local name.
    pub fn split<'n>(&self, name: &'n str) -> (Ns, &'n str) {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        (self.resolve(prefix), local)
    }
}
