//! Trees of HTML that are bounded by what they hold, not by the bytes they are made of.
//!
//! A parser of HTML writes formatting elements again and again, with all their attributes, and looks
//! through everything that is open for each tag. So a text is first shown to a parser whose tree has
//! names only, and which counts: the time that the standard's steps take, the memory that a tree would
//! take. Only a text that stays within its limits is given to a parser that keeps what it reads.
//!
//! Invariants: the limits grow with the bytes of the text and with nothing else; what is counted is
//! counted before it is done, up to one token; the count doesn't depend on the machine.

mod attributes;
mod census;
mod gate;
mod meter;
mod plain;
#[cfg(test)]
mod tests;

use dom_query::Document;
use html5ever::buffer_queue::BufferQueue;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{Tokenizer, TokenizerOpts};
use html5ever::tree_builder::{TreeBuilder, TreeBuilderOpts};
use html5ever::{LocalName, QualName, TokenizerResult, local_name, ns};

pub(in crate::rewrite) use census::{Seen, Size};
pub(in crate::rewrite) use plain::of_tags;

use census::Census;
use gate::Gate;
use meter::Meter;

/// How much a tree may take. Work is about a nanosecond each, on the machine it was measured on.
#[derive(Debug, Clone, Copy)]
pub(in crate::rewrite) struct Limits {
    work: u64,
    work_per_byte: u64,
    bytes: u64,
    bytes_per_byte: u64,
}

impl Limits {
    /// For a field of a feed, which is rewritten in the service's own process.
    pub(in crate::rewrite) const FIELD: Self = Self {
        work: 9_000_000,
        work_per_byte: 9,
        bytes: 6 << 20,
        bytes_per_byte: 4,
    };
    /// For an article that was found on its page.
    pub(in crate::rewrite) const ARTICLE: Self = Self {
        work: 200_000_000,
        work_per_byte: 100,
        bytes: 24 << 20,
        bytes_per_byte: 12,
    };

    fn meter(self, html: &str) -> Meter {
        let length = html.len() as u64;
        Meter::new(
            self.work + self.work_per_byte * length,
            self.bytes + self.bytes_per_byte * length,
        )
    }
}

/// The tree of a text would exceed its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rewrite) struct TooComplex;

/// What a text is parsed as the content of, and whether by a browser that runs scripts.
#[derive(Debug, Clone, Copy)]
pub(in crate::rewrite) struct Context {
    element: Parent,
    runs_scripts: bool,
}

#[derive(Debug, Clone, Copy)]
enum Parent {
    Div,
    Body,
}

impl Context {
    /// As ammonia parses.
    pub(in crate::rewrite) const AMMONIA: Self = Self::div(true);
    /// As dom_query parses a fragment.
    const DOM_QUERY: Self = Self {
        element: Parent::Body,
        runs_scripts: false,
    };

    pub(in crate::rewrite) const fn div(runs_scripts: bool) -> Self {
        Self {
            element: Parent::Div,
            runs_scripts,
        }
    }

    fn name(self) -> LocalName {
        match self.element {
            Parent::Div => local_name!("div"),
            Parent::Body => local_name!("body"),
        }
    }
}

/// How large the tree of `html` would be.
///
/// # Errors
/// When it would exceed the limits.
pub(in crate::rewrite) fn measure(
    html: &str,
    context: Context,
    limits: Limits,
) -> Result<Size, TooComplex> {
    watch(html, context, limits, &mut |_| {})
}

/// The same, and shows what the tree would hold.
pub(in crate::rewrite) fn watch(
    html: &str,
    context: Context,
    limits: Limits,
    see: &mut dyn FnMut(Seen<'_>),
) -> Result<Size, TooComplex> {
    let meter = limits.meter(html);
    attributes::count(html.as_bytes(), &meter);
    if meter.is_spent() {
        return Err(TooComplex);
    }
    let census = Census::new(meter, see);
    let options = TreeBuilderOpts {
        scripting_enabled: context.runs_scripts,
        ..TreeBuilderOpts::default()
    };
    let element = census.context(QualName::new(None, ns!(html), context.name()));
    let builder = TreeBuilder::new_for_fragment(census, element, None, options);
    // The context holds no raw text, so the tokenizer starts among data.
    let tokenizer = Tokenizer::new(Gate::new(builder), TokenizerOpts::default());
    let queue = BufferQueue::default();
    let mut rest = html;
    while !rest.is_empty() {
        let (chunk, later) = rest.split_at(rest.floor_char_boundary(CHUNK_BYTES));
        rest = later;
        queue.push_back(StrTendril::from_slice(chunk));
        while !matches!(tokenizer.feed(&queue), TokenizerResult::Done) {}
        tokenizer.sink.count_fed(chunk.len());
        if tokenizer.sink.is_spent() {
            return Err(TooComplex);
        }
    }
    tokenizer.end();
    if tokenizer.sink.is_spent() {
        return Err(TooComplex);
    }
    Ok(tokenizer.sink.into_census().size())
}

/// How much is given to the tokenizer before the count is looked at.
const CHUNK_BYTES: usize = 4 << 10;

/// The tree of a fragment, and how large it is.
///
/// # Errors
/// When it would exceed the limits.
pub(in crate::rewrite) fn fragment(
    html: &str,
    limits: Limits,
) -> Result<(Document, Size), TooComplex> {
    let size = measure(html, Context::DOM_QUERY, limits)?;
    Ok((Document::fragment(html), size))
}
