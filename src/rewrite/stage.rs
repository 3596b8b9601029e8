//! What the rules do to a document, piece by piece: to its envelope, to its items, and to the items
//! that are added.

use std::borrow::Cow;
use std::sync::Arc;

use url::Url;

use crate::feed::Format;
use crate::feed::element;
use crate::feed::json;
use crate::feed::namespace::Ns;
use crate::feed::repair::DoctypeFilter;
use crate::feed::splitter::{Frame, Piece};
use crate::html::Edit;
use crate::html::apply;
use crate::rewrite::additions::Additions;
use crate::rewrite::article::Article;
use crate::rewrite::base::{FeedBase, PieceBase};
use crate::rewrite::budget::Budget;
use crate::rewrite::envelope::{self, Fate};
use crate::rewrite::evidence::is_content;
use crate::rewrite::explain::Trace;
use crate::rewrite::facts;
use crate::rewrite::field::{self, Role, lower};
use crate::rewrite::foreign;
use crate::rewrite::full_text::{FullTexts, Prepared};
use crate::rewrite::gate::Gate;
use crate::rewrite::hints::Hints;
use crate::rewrite::json_piece;
use crate::rewrite::link;
use crate::rewrite::options::RuleOptions;
use crate::rewrite::passes::sanitize::Sanitize;
use crate::rewrite::piece::{self, Work};
use crate::rewrite::rules::Rules;
use crate::rewrite::selection::{Item, Texts};
use crate::rewrite::subset;
use crate::rewrite::template::{FeedFacts, ItemFacts};
use crate::rewrite::texts;
use crate::rewrite::wrap::Wrap;

/// What the pieces of one document go through.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) rules: Arc<Rules>,
    feed: FeedFacts<'static>,
    base: FeedBase,
    pub(super) budget: Budget,
    pub(super) trace: Trace,
    pub(super) gate: Gate,
    pub(super) full_texts: Option<FullTexts>,
    pub(super) additions: Additions,
    /// The full text of the item at hand.
    article: Option<Arc<Article>>,
    /// Whether an item or a child of the feed or channel was seen.
    pub(super) has_content: bool,
    pub(super) hints: Hints,
}

/// What a document's DOCTYPE goes through.
pub(super) fn doctype_filter(options: &RuleOptions) -> Option<DoctypeFilter> {
    (options.sanitize != Sanitize::Off).then_some(subset::harmless)
}

impl Stage {
    /// What the pieces of a document from `url` go through.
    pub(super) fn new(rules: Arc<Rules>, url: Url) -> Self {
        let options = rules.options();
        let feed = FeedFacts {
            name: options.feed_name.clone().into(),
            url: url.as_str().to_owned().into(),
            self_url: options.self_url.clone().into(),
            ..FeedFacts::default()
        };
        Self {
            rules,
            feed,
            base: FeedBase::new(url),
            budget: Budget::default(),
            trace: Trace::default(),
            gate: Gate::default(),
            full_texts: None,
            additions: Additions::default(),
            article: None,
            has_content: false,
            hints: Hints::default(),
        }
    }

    fn work<'a>(&'a self, base: &'a PieceBase<'a>, wrap: Option<&'a Wrap<'a>>) -> Work<'a> {
        Work {
            passes: self.rules.passes(),
            base,
            wrap,
            budget: &self.budget,
            trace: &self.trace,
        }
    }

    /// Takes a piece and appends what becomes of it.
    pub(super) fn piece(&mut self, frame: &Frame, piece: Piece<'_>, out: &mut String) {
        match piece {
            Piece::Item(_) => self.trace.enter_item(),
            _ => self.trace.leave_item(),
        }
        self.has_content = self.has_content || is_content(frame, piece);
        if let Piece::Element(text) = piece {
            self.hints.learn(frame, text);
        }
        let selects = self.selects();
        if selects && matches!(piece, Piece::Element(_) | Piece::Instruction(_)) {
            self.gate.flush(out);
        }
        if let Piece::Element(text) = piece
            && let Some(instead) = self.additions.instead(frame, text)
        {
            return out.push_str(&instead);
        }
        match piece {
            Piece::Between(text) if selects => self.gate.between(text, frame.format, out),
            Piece::Instruction(xml) => match self.instruction(xml) {
                Fate::Kept => out.push_str(xml),
                Fate::Dropped => {}
                Fate::Replaced(text) => out.push_str(&text),
            },
            Piece::Element(text) if self.rules.changes_anything() => match frame.format {
                Format::Json => self.member(text, out),
                _ => self.element(frame, &self.harmless(frame, text), out),
            },
            Piece::Item(text) => self.whole_item(frame, text, out),
            Piece::Between(text) | Piece::Element(text) => out.push_str(text),
            Piece::ItemsEnd { is_empty } => self.add_items(frame, is_empty, out),
            Piece::ChannelEnd => {
                if let Some(paging) = &self.additions.paging {
                    self.gate.flush(out);
                    out.push_str(&paging.written(frame, &self.rules.options().self_url));
                }
            }
        }
    }

    /// What becomes of a processing instruction or the DOCTYPE.
    fn instruction(&self, xml: &str) -> Fate {
        if xml.starts_with("<!") {
            let filtered = doctype_filter(self.rules.options()).and_then(|filter| filter(xml));
            return filtered.map_or(Fate::Kept, Fate::Replaced);
        }
        match self.rules.changes_envelope() {
            true => envelope::instruction(xml, &self.base.url),
            false => Fate::Kept,
        }
    }

    fn sanitizes(&self) -> bool {
        self.rules.options().sanitize != Sanitize::Off
    }

    /// A piece of XML without what a browser would run outside the fields that carry HTML.
    fn harmless<'x>(&self, frame: &Frame, xml: &'x str) -> Cow<'x, str> {
        // SECURITY: of more elements than are listed, no field would be read.
        let may_be_unlisted = xml.len() >= element::ELEMENTS_MAX * "<a/>".len();
        let may_hold = may_be_unlisted || foreign::may_hold(xml, frame);
        if !self.sanitizes() || frame.format == Format::Json || !may_hold {
            return Cow::Borrowed(xml);
        }
        let elements = element::elements(xml, frame);
        let is_field = |index: &usize| matches!(field::role(&elements, *index), Role::Html(_));
        let fields = (0..elements.len()).filter(is_field);
        let fields: Vec<_> = fields
            .map(|index| elements[index].content.clone())
            .collect();
        let mut edits = foreign::edits(xml, frame, &fields);
        if elements.len() >= element::ELEMENTS_MAX {
            let last = elements.iter().rfind(|element| element.depth == 1);
            let rest = last.map_or(elements[0].content.start, |last| last.range.start)
                ..elements[0].content.end;
            edits.retain(|edit| edit.range.end <= rest.start);
            let text = String::new();
            edits.push(Edit { range: rest, text });
        }
        if edits.is_empty() {
            return Cow::Borrowed(xml);
        }
        self.trace.changes("sanitize", xml, &edits);
        Cow::Owned(apply(xml, &edits))
    }

    /// Whether items may go, so that what parts them is held until it is known.
    fn selects(&self) -> bool {
        !self.rules.selection().is_empty() || self.full_texts.is_some()
    }

    /// Items that stand behind the publisher's own.
    fn add_items(&mut self, frame: &Frame, is_empty: bool, out: &mut String) {
        let items = Arc::clone(&self.additions.items);
        let is_json = frame.format == Format::Json;
        let mut has_before = !is_empty;
        for item in items.iter().filter(|item| item.format == frame.format) {
            self.trace.enter_item();
            if is_json && std::mem::replace(&mut has_before, true) {
                self.part(",", frame, out);
            }
            let text = item.fitted(frame, &self.base.url);
            self.whole_item(frame, &text, out);
            if !is_json {
                self.part("\n", frame, out);
            }
        }
        self.trace.leave_item();
    }

    /// What parts items that are added.
    fn part(&mut self, text: &str, frame: &Frame, out: &mut String) {
        if self.selects() {
            self.gate.between(text, frame.format, out);
        } else {
            out.push_str(text);
        }
    }

    fn whole_item(&mut self, frame: &Frame, text: &str, out: &mut String) {
        let text = &*self.harmless(frame, text);
        if self.full_texts.is_some() {
            self.full_item(frame, text, out);
        } else if self.rules.changes_items() {
            self.any_item(frame, text, out);
        } else {
            out.push_str(text);
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
            Prepared::Held => {
                self.gate.hold();
                self.gate.note_gone(text);
            }
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
        let link = link::of_item(xml, &elements);
        let base = PieceBase::of_item(&self.base, &frame.bases, link);
        let facts = if self.rules.tells_of_items() {
            facts::of_item(xml, &elements, Some(&base))
        } else {
            ItemFacts::default()
        };
        let texts = Texts::new(Item::Xml(xml, &elements), &base, &self.rules);
        if !self.gate.admit(&texts, &self.rules, (&self.trace, out)) {
            return self.gate.note_gone(xml);
        }
        let wrap = self.wrap(&facts);
        let work = self.work(&base, wrap.as_ref());
        piece::rewrite(xml, &elements, &work, out);
    }

    fn json_item(&mut self, json: &str, out: &mut String) {
        let members = json::members(json, 0..json.len());
        let link = link::of_json_item(json, &members);
        let base = PieceBase::of_item(&self.base, &[], link);
        let facts = facts::of_json_item(json, &members, Some(&base));
        let texts = Texts::new(Item::Json(json, &members), &base, &self.rules);
        if !self.gate.admit(&texts, &self.rules, (&self.trace, out)) {
            return;
        }
        let wrap = self.wrap(&facts);
        let work = self.work(&base, wrap.as_ref());
        json_piece::rewrite_item(json, &members, &work, out);
    }

    /// Header and footer of one item, if there are any.
    fn wrap<'a>(&'a self, facts: &ItemFacts<'a>) -> Option<Wrap<'a>> {
        self.rules.has_templates().then(|| Wrap {
            header: self.rules.header(),
            footer: self.rules.footer(),
            mark: self.rules.options().mark,
            item: ItemFacts {
                article: self.article.clone(),
                ..facts.clone()
            },
            feed: &self.feed,
        })
    }

    /// A child of the feed or channel.
    fn element(&mut self, frame: &Frame, xml: &str, out: &mut String) {
        let elements = element::elements(xml, frame);
        self.learn(frame, xml, &elements);
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

    /// Keeps what templates and relative URLs need of the envelope.
    fn learn(&mut self, frame: &Frame, xml: &str, elements: &[element::Element<'_>]) {
        if let Some(link) = self.base.learn(xml, elements, &frame.bases) {
            self.feed.link = link.into();
        }
        let Some(element) = elements.first() else {
            return;
        };
        match (element.ns, &*lower(element.local)) {
            (Ns::Core | Ns::Atom, "title") if self.feed.title.is_empty() => {
                self.feed.title = texts::title(xml, element).into();
            }
            (Ns::Core | Ns::DublinCore, "language") if self.feed.language.is_empty() => {
                self.feed.language = texts::text(xml, element).into();
            }
            _ => {}
        }
    }

    /// A top-level member of a JSON Feed.
    fn member(&mut self, json: &str, out: &mut String) {
        let Some(member) = json::member(json) else {
            return out.push_str(json);
        };
        match member.key.as_ref() {
            "title" => {
                let title = texts::string(json, &member);
                self.feed.title = texts::with_windows_1252(title).into();
            }
            "language" => self.feed.language = texts::string(json, &member).into(),
            _ => {}
        }
        if let Some(link) = self.base.learn_member(json, &member) {
            self.feed.link = link.into();
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
