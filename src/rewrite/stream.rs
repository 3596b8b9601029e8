//! A feed through the rules, chunk by chunk: decode, split, rewrite piece by piece.
//!
//! Invariants: bytes that no rule changes come out as they came in; what can't be read passes
//! through.

use std::sync::Arc;

use url::Url;

use crate::feed::Format;
use crate::feed::encoding::Decoder;
use crate::feed::splitter::{self, Completeness, Ending, NotAFeed, Skip, Splitter};
use crate::rewrite::additions::Additions;
use crate::rewrite::article::Articles;
use crate::rewrite::explain::{Note, Trace};
use crate::rewrite::full_text::FullTexts;
use crate::rewrite::hints::Hints;
use crate::rewrite::inlet::Inlet;
use crate::rewrite::rules::Rules;
use crate::rewrite::stage::{Stage, doctype_filter};

/// Where a document came from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Its URL, after redirects.
    pub url: Url,
    /// The charset that came with it (HTTP's `Content-Type`).
    pub charset: Option<String>,
}

/// One document on its way through the rules.
#[derive(Debug)]
pub struct FeedRewriter {
    decoder: Decoder,
    inlet: Inlet,
    splitter: Splitter,
    stage: Stage,
    writes_missing_ends: bool,
}

impl FeedRewriter {
    /// A rewriter for one document.
    #[must_use]
    pub fn new(rules: Arc<Rules>, origin: Origin) -> Self {
        let mut decoder = Decoder::new(origin.charset.as_deref());
        if rules.changes_anything() {
            decoder.name_utf_8();
        }
        let filter = doctype_filter(rules.options());
        Self {
            decoder,
            inlet: Inlet::new(rules.options().repair, filter),
            splitter: Splitter::new(splitter::SplitterOptions {
                is_repaired: rules.options().repair,
                ..splitter::SplitterOptions::default()
            }),
            stage: Stage::new(rules, origin.url),
            writes_missing_ends: false,
        }
    }

    /// The same, taking notes of what is done; see [`take_notes`](Self::take_notes).
    #[must_use]
    pub fn explaining(rules: Arc<Rules>, origin: Origin) -> Self {
        let mut rewriter = Self::new(rules, origin);
        rewriter.stage.trace = Trace::taking();
        rewriter.inlet.explain();
        rewriter
    }

    /// The same, with the full texts that `articles` gives.
    #[must_use]
    pub fn with_articles(mut self, articles: Articles) -> Self {
        let figure = self.stage.rules.figure().cloned();
        self.stage.full_texts = Some(FullTexts::new(articles, figure));
        self.decoder.name_utf_8();
        self
    }

    /// The same, with what is in the document besides what its publisher wrote.
    #[must_use]
    pub fn with_additions(mut self, additions: Additions) -> Self {
        if additions.is_page() {
            // The limit is for the feed itself; what is beyond it would be on no page.
            self.stage.gate.lift_limit();
        }
        if !additions.is_empty() {
            self.decoder.name_utf_8();
        }
        self.stage.additions = additions;
        self
    }

    /// The URLs of the items whose full text is still to come.
    #[must_use]
    pub fn missing_articles(&self) -> Vec<String> {
        let full_texts = self.stage.full_texts.as_ref();
        full_texts.map(FullTexts::missing).unwrap_or_default()
    }

    /// What was done since notes were taken last, and how many more things than are noted.
    pub fn take_notes(&mut self) -> (Vec<Note>, usize) {
        self.stage.trace.take()
    }

    /// Takes the next bytes and appends what they complete to `out`.
    pub fn push(&mut self, bytes: &[u8], out: &mut String) {
        let (stage, splitter) = (&mut self.stage, &mut self.splitter);
        let mut split =
            |text: &str| splitter.push(text, &mut |frame, piece| stage.piece(frame, piece, out));
        let findings = self.inlet.push(&mut self.decoder, bytes, &mut split);
        stage.trace.repaired(findings);
    }

    /// End tags of root and channel that are all the document lacks are written at its end, where it is
    /// repaired.
    pub fn write_missing_ends(&mut self) {
        self.writes_missing_ends = true;
    }

    /// The document has ended: appends the rest. Nothing can be pushed after it.
    pub fn finish(&mut self, out: &mut String) -> Ending {
        let (stage, splitter) = (&mut self.stage, &mut self.splitter);
        let mut split =
            |text: &str| splitter.push(text, &mut |frame, piece| stage.piece(frame, piece, out));
        let (findings, skips) = self.inlet.finish(&mut self.decoder, &mut split);
        stage.trace.repaired(findings);
        let is_repaired = matches!(self.inlet, Inlet::Repair(_)) && self.decoder.has_ascii();
        let missing_ends = splitter.missing_ends().filter(|_| is_repaired);
        if self.writes_missing_ends
            && let Some(ends) = &missing_ends
        {
            splitter.push(ends, &mut |frame, piece| stage.piece(frame, piece, out));
        }
        let mut ending = splitter.finish(&mut |frame, piece| stage.piece(frame, piece, out));
        ending.skips.extend(skips);
        ending.missing_ends = missing_ends;
        if let Some(name) = self.decoder.unsupported() {
            ending.completeness = Completeness::NotAFeed(NotAFeed::Charset(name));
        }
        let complex = stage.trace.complex();
        if complex > 0 {
            ending.skips.push((Skip::TooComplex, complex));
        }
        stage.gate.flush(out);
        ending
    }

    /// The document's family, once it is known to be a feed: its root is one's, and there is
    /// something in it.
    #[must_use]
    pub fn format(&self) -> Option<Format> {
        let frame = self.splitter.frame().filter(|_| self.stage.has_content);
        frame.map(|frame| frame.format)
    }

    /// Bytes that wait for the rest of their item: the next push may have to read them all.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let held_before = match &self.inlet {
            Inlet::Plain(text) => text.len(),
            Inlet::Repair(repair) => repair.held_bytes(),
        };
        held_before + self.splitter.held_bytes()
    }

    /// Whether the rules would add more to the document than they may. What came out then is not
    /// what the rules ask for, and the document is to be given up.
    #[must_use]
    pub fn is_outgrown(&self) -> bool {
        self.stage.budget.is_exceeded()
    }

    /// What the document has said so far about when to come back.
    #[must_use]
    pub fn hints(&self) -> &Hints {
        &self.stage.hints
    }

    /// What the document is instead, once it is known to be no feed.
    #[must_use]
    pub fn rejected(&self) -> Option<NotAFeed> {
        let unsupported = self.decoder.unsupported().map(NotAFeed::Charset);
        unsupported.or_else(|| self.splitter.rejected())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewrite::RuleOptions;

    #[test]
    fn a_feed_in_an_unsupported_charset_is_refused_by_name() {
        let rules = Arc::new(Rules::new(RuleOptions::default()).unwrap());
        let origin = Origin {
            url: Url::parse("https://example.org/feed").unwrap(),
            charset: Some("macgreek".to_owned()),
        };
        let mut rewriter = FeedRewriter::new(rules, origin);
        let mut out = String::new();
        rewriter.push(
            b"<rss><channel><title>\xb0</title></channel></rss>",
            &mut out,
        );
        let ending = rewriter.finish(&mut out);
        let refused = NotAFeed::Charset("mac-greek");
        assert_eq!(ending.completeness, Completeness::NotAFeed(refused));
        assert_eq!(rewriter.rejected(), Some(refused));
        assert_eq!(
            refused.to_string(),
            "text in the unsupported encoding mac-greek"
        );
    }
}
