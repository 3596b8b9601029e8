//! A feed through the rules, chunk by chunk: decode, split, rewrite piece by piece.
//!
//! Invariants: bytes that no rule changes come out as they came in; what can't be read passes
//! through.

use std::sync::Arc;

use url::Url;

use crate::feed::Format;
use crate::feed::element;
use crate::feed::encoding::Decoder;
use crate::feed::json;
use crate::feed::namespace::Ns;
use crate::feed::splitter::{self, Ending, Frame, NotAFeed, Piece, Splitter};
use crate::rewrite::article::{Article, Articles};
use crate::rewrite::base::{FeedBase, PieceBase};
use crate::rewrite::budget::Budget;
use crate::rewrite::envelope::{self, Fate};
use crate::rewrite::evidence::is_content;
use crate::rewrite::explain::{Note, Trace};
use crate::rewrite::facts;
use crate::rewrite::field::lower;
use crate::rewrite::full_text::{FullTexts, Prepared};
use crate::rewrite::gate::Gate;
use crate::rewrite::hints::Hints;
use crate::rewrite::inlet::Inlet;
use crate::rewrite::json_piece;
use crate::rewrite::piece::{self, Work};
use crate::rewrite::rules::Rules;
use crate::rewrite::selection::{Item, Texts};
use crate::rewrite::template::{FeedFacts, ItemFacts};
use crate::rewrite::wrap::Wrap;

/// Where a document came from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Its address, after redirects.
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
}

impl FeedRewriter {
    /// A rewriter for one document.
    #[must_use]
    pub fn new(rules: Arc<Rules>, origin: Origin) -> Self {
        let options = rules.options();
        let feed = FeedFacts {
            name: options.feed_name.clone().into(),
            url: origin.url.as_str().to_owned().into(),
            self_url: options.self_url.clone().into(),
            ..FeedFacts::default()
        };
        Self {
            decoder: Decoder::new(origin.charset.as_deref()),
            inlet: Inlet::new(options.repair),
            splitter: Splitter::new(splitter::Options {
                is_repaired: options.repair,
                ..splitter::Options::default()
            }),
            stage: Stage {
                rules,
                feed,
                base: FeedBase {
                    url: origin.url,
                    link: None,
                },
                budget: Budget::default(),
                trace: Trace::default(),
                gate: Gate::default(),
                full_texts: None,
                article: None,
                has_content: false,
                hints: Hints::default(),
            },
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
        self
    }

    /// Items whose full text is still to come.
    #[must_use]
    pub fn missing_articles(&self) -> usize {
        self.stage.full_texts.as_ref().map_or(0, FullTexts::missing)
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

    /// The document has ended: appends the rest. Nothing can be pushed after it.
    pub fn finish(&mut self, out: &mut String) -> Ending {
        let (stage, splitter) = (&mut self.stage, &mut self.splitter);
        let mut split =
            |text: &str| splitter.push(text, &mut |frame, piece| stage.piece(frame, piece, out));
        let (findings, skips) = self.inlet.finish(&mut self.decoder, &mut split);
        stage.trace.repaired(findings);
        let mut ending = splitter.finish(&mut |frame, piece| stage.piece(frame, piece, out));
        ending.skips.extend(skips);
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
        self.splitter.rejected()
    }
}

/// What the pieces of one document go through.
#[derive(Debug)]
struct Stage {
    rules: Arc<Rules>,
    feed: FeedFacts<'static>,
    base: FeedBase,
    budget: Budget,
    trace: Trace,
    gate: Gate,
    full_texts: Option<FullTexts>,
    /// The full text of the item at hand.
    article: Option<Arc<Article>>,
    /// Whether an item or a child of the feed or channel was seen.
    has_content: bool,
    hints: Hints,
}

impl Stage {
    fn work<'a>(&'a self, base: &'a PieceBase<'a>, wrap: Option<&'a Wrap<'a>>) -> Work<'a> {
        Work {
            passes: self.rules.passes(),
            base,
            wrap,
            budget: &self.budget,
            trace: &self.trace,
        }
    }

    fn piece(&mut self, frame: &Frame, piece: Piece<'_>, out: &mut String) {
        match piece {
            Piece::Item(_) => self.trace.enter_item(),
            _ => self.trace.leave_item(),
        }
        self.has_content = self.has_content || is_content(frame, piece);
        if let Piece::Element(text) = piece {
            self.hints.learn(frame, text);
        }
        let selects = !self.rules.selection().is_empty() || self.full_texts.is_some();
        if selects && matches!(piece, Piece::Element(_) | Piece::Instruction(_)) {
            self.gate.flush(out);
        }
        match piece {
            Piece::Between(text) if selects => self.gate.between(text, frame.format, out),
            Piece::Instruction(xml) if self.rules.changes_envelope() => {
                match envelope::instruction(xml, &self.base.url) {
                    Fate::Kept => out.push_str(xml),
                    Fate::Dropped => {}
                    Fate::Replaced(text) => out.push_str(&text),
                }
            }
            Piece::Element(text) if self.rules.changes_anything() => match frame.format {
                Format::Json => self.member(text, out),
                _ => self.element(frame, text, out),
            },
            Piece::Item(text) if self.full_texts.is_some() => self.full_item(frame, text, out),
            Piece::Item(text) if self.rules.changes_items() => self.any_item(frame, text, out),
            Piece::Between(text)
            | Piece::Instruction(text)
            | Piece::Element(text)
            | Piece::Item(text) => out.push_str(text),
        }
    }

    /// An item that may have a full text.
    fn full_item(&mut self, frame: &Frame, text: &str, out: &mut String) {
        let prepared = match (&self.full_texts, frame.format) {
            (None, _) => Prepared::AsItIs,
            (Some(full), Format::Json) => full.in_json(text, &self.base),
            (Some(full), _) => full.in_xml(text, frame, &self.base),
        };
        match prepared {
            Prepared::AsItIs if self.rules.changes_items() => self.any_item(frame, text, out),
            Prepared::AsItIs => {
                self.gate.flush(out);
                out.push_str(text);
            }
            Prepared::Filled(text, article) => {
                self.article = Some(article);
                self.any_item(frame, &text, out);
                self.article = None;
            }
            Prepared::Held => self.gate.hold(),
        }
    }

    fn any_item(&mut self, frame: &Frame, text: &str, out: &mut String) {
        match frame.format {
            Format::Json => self.json_item(text, out),
            _ => self.item(frame, text, out),
        }
    }

    fn item(&mut self, frame: &Frame, xml: &str, out: &mut String) {
        let elements = element::elements(xml, frame);
        let facts = if self.rules.has_templates() {
            facts::of_item(xml, &elements)
        } else {
            let link = facts::link_of_item(xml, &elements).into();
            ItemFacts {
                link,
                ..ItemFacts::default()
            }
        };
        let base = PieceBase::of_item(
            &self.base,
            &frame.bases,
            element::bases(&elements, 0),
            &facts.link,
        );
        let texts = Texts::new(Item::Xml(xml, &elements), &base, &self.rules);
        if !self.gate.admit(&texts, &self.rules, (&self.trace, out)) {
            return;
        }
        let wrap = self.wrap(&facts, &base);
        let work = self.work(&base, wrap.as_ref());
        piece::rewrite(xml, &elements, &work, out);
    }

    fn json_item(&mut self, json: &str, out: &mut String) {
        let members = json::members(json, 0..json.len());
        let facts = facts::of_json_item(json, &members);
        let base = PieceBase::of_item(&self.base, &[], Vec::new(), &facts.link);
        let texts = Texts::new(Item::Json(json, &members), &base, &self.rules);
        if !self.gate.admit(&texts, &self.rules, (&self.trace, out)) {
            return;
        }
        let wrap = self.wrap(&facts, &base);
        let work = self.work(&base, wrap.as_ref());
        json_piece::rewrite_item(json, &members, &work, out);
    }

    /// Header and footer of one item, if there are any.
    fn wrap<'a>(&'a self, facts: &ItemFacts<'a>, base: &PieceBase<'_>) -> Option<Wrap<'a>> {
        self.rules.has_templates().then(|| Wrap {
            header: self.rules.header(),
            footer: self.rules.footer(),
            mark: self.rules.options().mark,
            item: ItemFacts {
                link: base.item_address().into(),
                article: self.article.clone(),
                ..facts.clone()
            },
            feed: &self.feed,
        })
    }

    /// A child of the feed or channel.
    fn element(&mut self, frame: &Frame, xml: &str, out: &mut String) {
        let elements = element::elements(xml, frame);
        if let Some(first) = elements.first() {
            self.learn(frame, xml, first);
        }
        if self.rules.changes_envelope() {
            match envelope::element(xml, &elements, &self.feed.self_url) {
                Fate::Kept => {}
                Fate::Dropped => return,
                Fate::Replaced(text) => return out.push_str(&text),
            }
        }
        let base = PieceBase::of_element(&self.base, &frame.bases);
        let work = self.work(&base, None);
        piece::rewrite(xml, &elements, &work, out);
    }

    /// Keeps what templates and relative addresses need of the envelope.
    fn learn(&mut self, frame: &Frame, xml: &str, element: &element::Element<'_>) {
        match (element.ns, &*lower(element.local)) {
            (Ns::Core | Ns::Atom, "title") if self.feed.title.is_empty() => {
                self.feed.title = facts::title(xml, element).into();
            }
            (Ns::Core | Ns::DublinCore, "language") if self.feed.language.is_empty() => {
                self.feed.language = facts::text(xml, element).into();
            }
            (Ns::Core | Ns::Atom, "link") if self.base.link.is_none() => {
                if let Some(link) = facts::link(xml, element) {
                    self.learn_link(&frame.bases, link);
                }
            }
            _ => {}
        }
    }

    fn learn_link(&mut self, frame_bases: &[String], link: String) {
        self.base.learn_link(frame_bases, &link);
        self.feed.link = link.into();
    }

    /// A top-level member of a JSON Feed.
    fn member(&mut self, json: &str, out: &mut String) {
        let Some(member) = json::member(json) else {
            return out.push_str(json);
        };
        match member.key.as_ref() {
            "title" => self.feed.title = facts::string(json, &member).into(),
            "language" => self.feed.language = facts::string(json, &member).into(),
            "home_page_url" => self.learn_link(&[], facts::string(json, &member)),
            _ => {}
        }
        if self.rules.changes_envelope() {
            match envelope::member(json, &member, &self.feed.self_url) {
                Fate::Kept => {}
                Fate::Dropped => return,
                Fate::Replaced(text) => return out.push_str(&text),
            }
        }
        let base = PieceBase::of_element(&self.base, &[]);
        let work = self.work(&base, None);
        json_piece::rewrite_member(json, &member, &work, out);
    }
}
