//! `rewrite`: one document through a feed's rules, standard input to standard output.

use std::io::{Read, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use url::Url;

use super::explain::{Explanation, Form};
use crate::app::{KeyLife, provide_image_key};
use crate::config::Settings;
use crate::feed::splitter::{Completeness, Ending};
use crate::rewrite::{FeedRewriter, Origin, Rules};

/// How much is read at a time.
const CHUNK_BYTES: usize = 64 << 10;

/// Writes what the service would send; exit code 1 when the service would refuse the document.
pub(super) fn rewrite(
    mut settings: Settings,
    name: &str,
    (url, charset): (Option<Url>, Option<String>),
    explain: Option<Form>,
) -> anyhow::Result<ExitCode> {
    let Some(feed) = super::find_feed(&settings, name) else {
        return Ok(ExitCode::from(2));
    };
    // Other feeds' addresses need no key here, and this makes a directory for it.
    let signs = settings.image_keys.is_empty() && feed.rules.signs_urls();
    if signs && let KeyLife::Lost(reason) = provide_image_key(&mut settings)? {
        super::warn_of_lost_key(reason.as_ref());
    }
    let Some(feed) = super::find_feed(&settings, name) else {
        return Ok(ExitCode::from(2));
    };
    let rules = Arc::new(Rules::new(feed.rules.clone())?);
    let url = url.unwrap_or_else(|| feed.upstream.url.clone());
    let origin = Origin { url, charset };
    let rewriter = match explain {
        Some(_) => FeedRewriter::explaining(rules, origin),
        None => FeedRewriter::new(rules, origin),
    };
    let explanation = explain.map(|form| Explanation::new(form, std::io::stderr().lock()));
    let (rewriter, ending) = pump(rewriter, explanation)?;
    Ok(report(&rewriter, &ending))
}

/// Standard input through the rewriter to standard output.
fn pump(
    mut rewriter: FeedRewriter,
    mut explanation: Option<Explanation<impl Write>>,
) -> anyhow::Result<(FeedRewriter, Ending)> {
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let (mut chunk, mut out) = (vec![0; CHUNK_BYTES], String::new());
    loop {
        let bytes = input
            .read(&mut chunk)
            .context("standard input can't be read")?;
        let ending = if bytes == 0 {
            Some(rewriter.finish(&mut out))
        } else {
            rewriter.push(&chunk[..bytes], &mut out);
            None
        };
        output
            .write_all(out.as_bytes())
            .context("standard output can't be written")?;
        out.clear();
        if let Some(explanation) = &mut explanation {
            explanation
                .print(rewriter.take_notes())
                .context("standard error can't be written")?;
        }
        if let Some(ending) = ending {
            output.flush().context("standard output can't be written")?;
            explanation
                .map_or(Ok(()), Explanation::finish)
                .context("standard error can't be written")?;
            return Ok((rewriter, ending));
        }
    }
}

/// Says what was not read as the rest, and why the service would refuse the document.
fn report(rewriter: &FeedRewriter, ending: &Ending) -> ExitCode {
    for (skip, count) in &ending.skips {
        super::print_error(&format!("not fully read: {count} × {skip}"));
    }
    if rewriter.is_outgrown() {
        super::print_error(
            "error: the rules would add too much to this document; the service would refuse it",
        );
        return ExitCode::FAILURE;
    }
    match ending.completeness {
        Completeness::Complete => ExitCode::SUCCESS,
        Completeness::Truncated if ending.missing_ends.is_some() => {
            super::print_error(
                "error: the document lacks the end tags of its root; the service would write them \
                 only if the next one ended so, too",
            );
            ExitCode::FAILURE
        }
        Completeness::Truncated => {
            super::print_error(
                "error: the document ends before its root is closed; the service would not store it",
            );
            ExitCode::FAILURE
        }
        Completeness::NotAFeed(what) => {
            super::print_error(&format!(
                "error: this is no feed: {what}; the service would refuse it"
            ));
            ExitCode::FAILURE
        }
    }
}
