//! What stands between tokenizer and tree builder: counts tokens, and lets none pass once the count is
//! spent.

use std::cell::Cell;

use html5ever::interface::Tracer;
use html5ever::tokenizer::{Tag, TagKind, Token, TokenSink, TokenSinkResult};
use html5ever::tree_builder::TreeBuilder;
use html5ever::{LocalName, local_name};

use super::census::{Census, Node};

/// Elements that may be open and formatting elements that may wait to be opened again, together.
///
/// Each token may look at all of them, and reopening the latter looks at all of the former for each:
/// so this bounds what one token takes.
const OPEN_MAX: usize = 512;
/// Of those, the formatting elements that may wait.
const WAITING_MAX: u64 = 96;
/// After so many tokens what is open is counted anew.
const TOKENS: usize = 16;

/// Work of a token, of each of its attributes, of an error.
const TOKEN: u64 = 100;
const ATTRIBUTE: u64 = 60;
const ERROR: u64 = 120;
/// Work of a byte that is neither text nor an attribute's value: those are read letter by letter.
const BYTE: u64 = 20;
/// Work of comparing a formatting element with one that waits, and with each of its attributes.
const COMPARED: u64 = 40;
const COMPARED_ATTRIBUTE: u64 = 60;

pub(super) struct Gate<'o> {
    builder: TreeBuilder<Node, Census<'o>>,
    tokens: Cell<usize>,
    /// Bytes that were fed and belong to no token yet that came out.
    pending: Cell<usize>,
    /// Of those that did, the ones that are text or values.
    quick: Cell<usize>,
    /// Formatting elements that may wait, at most.
    waiting: Cell<u64>,
}

impl<'o> Gate<'o> {
    pub(super) fn new(builder: TreeBuilder<Node, Census<'o>>) -> Self {
        Self {
            builder,
            tokens: Cell::new(0),
            pending: Cell::new(0),
            quick: Cell::new(0),
            waiting: Cell::new(0),
        }
    }

    pub(super) fn is_spent(&self) -> bool {
        self.builder.sink.meter.is_spent()
    }

    pub(super) fn into_census(self) -> Census<'o> {
        self.builder.sink
    }

    /// The tokenizer was given so many bytes.
    pub(super) fn count_fed(&self, bytes: usize) {
        let pending = self.pending.get() + bytes;
        let quick = self.quick.take();
        // Until a token comes out it may be a long value.
        if quick == 0 {
            self.pending.set(pending);
        } else {
            self.pending.set(0);
            let slow = pending.saturating_sub(quick) as u64;
            self.builder.sink.meter.work(BYTE * slow);
        }
    }

    fn count(&self, token: &Token) {
        let meter = &self.builder.sink.meter;
        let quick = match token {
            Token::CharacterTokens(text) => text.len(),
            Token::TagToken(tag) => tag.attrs.iter().map(|one| one.value.len()).sum(),
            _ => 0,
        };
        // At least one: something came out.
        self.quick.set(self.quick.get() + quick.max(1));
        meter.work(match token {
            Token::ParseError(_) => ERROR,
            Token::TagToken(tag) => {
                let attributes = tag.attrs.len() as u64;
                self.format(tag, attributes);
                TOKEN + ATTRIBUTE * attributes
            }
            _ => TOKEN,
        });
        let tokens = self.tokens.get() + 1;
        self.tokens.set(tokens % TOKENS);
        if tokens == TOKENS {
            self.trace();
        }
    }

    /// A formatting element is compared with all that wait.
    fn format(&self, tag: &Tag, attributes: u64) {
        if tag.kind == TagKind::StartTag && is_formatting(&tag.name) {
            let waiting = self.waiting.get();
            let meter = &self.builder.sink.meter;
            meter.work(waiting * (COMPARED + COMPARED_ATTRIBUTE * attributes));
            self.waiting.set(waiting + 1);
        }
    }

    /// Counts what is open and what waits.
    fn trace(&self) {
        let sink = &self.builder.sink;
        let count = Count {
            sink,
            all: Cell::new(0),
            formatting: Cell::new(0),
        };
        self.builder.trace_handles(&count);
        let formatting = count.formatting.get();
        self.waiting.set(formatting);
        // Those that are open are counted twice.
        if count.all.get() > OPEN_MAX || formatting > 2 * WAITING_MAX {
            sink.meter.give_up();
        }
    }
}

struct Count<'s, 'o> {
    sink: &'s Census<'o>,
    all: Cell<usize>,
    formatting: Cell<u64>,
}

impl Tracer for Count<'_, '_> {
    type Handle = Node;

    fn trace_handle(&self, node: &Node) {
        self.all.set(self.all.get() + 1);
        if self.sink.is_named(*node, is_formatting) {
            self.formatting.set(self.formatting.get() + 1);
        }
    }
}

/// HTML §13.2.4.3.
fn is_formatting(name: &LocalName) -> bool {
    matches!(
        *name,
        local_name!("a")
            | local_name!("b")
            | local_name!("big")
            | local_name!("code")
            | local_name!("em")
            | local_name!("font")
            | local_name!("i")
            | local_name!("nobr")
            | local_name!("s")
            | local_name!("small")
            | local_name!("strike")
            | local_name!("strong")
            | local_name!("tt")
            | local_name!("u")
    )
}

impl TokenSink for Gate<'_> {
    type Handle = Node;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<Node> {
        if !self.is_spent() {
            self.count(&token);
        }
        // SECURITY: what comes then is not worth a step: nobody sees the tree.
        if self.is_spent() || matches!(token, Token::ParseError(_)) {
            return TokenSinkResult::Continue;
        }
        self.builder.process_token(token, line)
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder
            .adjusted_current_node_present_but_not_in_html_namespace()
    }
}
