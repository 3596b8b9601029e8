//! Where the decoded text of a document waits for the splitter: it passes as it comes, or is made
//! well-formed on the way.

use crate::feed::encoding::Decoder;
use crate::feed::repair::{DoctypeFilter, Finding, Repair};
use crate::feed::splitter::Skip;

/// Where decoded text is put.
#[derive(Debug)]
pub(super) enum Inlet {
    /// It passes as it comes.
    Plain(String),
    /// It is made well-formed.
    Repair(Box<Repair>),
}

impl Inlet {
    /// An inlet for one document, whose DOCTYPE goes through `filter` behind it.
    pub(super) fn new(repairs: bool, filter: Option<DoctypeFilter>) -> Self {
        if repairs {
            Self::Repair(Box::new(Repair::before(filter)))
        } else {
            Self::Plain(String::new())
        }
    }

    /// From now on it takes notes of what it repairs.
    pub(super) fn explain(&mut self) {
        if let Self::Repair(repair) = self {
            repair.explain();
        }
    }

    /// Takes the next bytes and hands out what is settled; with what was found on the way.
    pub(super) fn push(
        &mut self,
        decoder: &mut Decoder,
        bytes: &[u8],
        split: &mut dyn FnMut(&str),
    ) -> Vec<Finding> {
        match self {
            Self::Plain(text) => {
                decoder.push(bytes, text);
                split(text);
                text.clear();
                Vec::new()
            }
            Self::Repair(repair) => {
                decoder.push(bytes, repair.inlet());
                repair.advance(split);
                repair.take_findings()
            }
        }
    }

    /// The document has ended: hands out the rest; with what was found, and what could not be
    /// repaired.
    pub(super) fn finish(
        &mut self,
        decoder: &mut Decoder,
        split: &mut dyn FnMut(&str),
    ) -> (Vec<Finding>, Option<(Skip, usize)>) {
        match self {
            Self::Plain(text) => {
                decoder.finish(text);
                split(text);
                (Vec::new(), None)
            }
            Self::Repair(repair) => {
                decoder.finish(repair.inlet());
                let skips = repair.finish(split);
                (repair.take_findings(), skips)
            }
        }
    }
}
