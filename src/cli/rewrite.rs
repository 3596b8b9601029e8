//! `rewrite`: one document through a feed's rules, standard input to standard output.

use std::io::{Read, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use url::Url;

use crate::config::Settings;
use crate::feed::splitter::Completeness;
use crate::rewrite::{FeedRewriter, Origin, Rules};

/// How much is read at a time.
const CHUNK_BYTES: usize = 64 << 10;

/// Writes what the service would send; exit code 1 when the service would refuse the document.
pub(super) fn rewrite(
    settings: &Settings,
    name: &str,
    url: Option<Url>,
) -> anyhow::Result<ExitCode> {
    let Some(feed) = settings
        .feeds
        .iter()
        .find(|feed| feed.name.as_str() == name)
    else {
        let names: Vec<_> = settings
            .feeds
            .iter()
            .map(|feed| feed.name.as_str())
            .collect();
        let known = names.join(", ");
        super::print_error(&format!(
            "error: no feed is called `{name}`; there are: {known}"
        ));
        return Ok(ExitCode::from(2));
    };
    let rules = Arc::new(Rules::new(feed.rules.clone())?);
    let url = url.unwrap_or_else(|| feed.upstream.url.clone());
    let mut rewriter = FeedRewriter::new(rules, Origin { url, charset: None });
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let (mut chunk, mut out) = (vec![0; CHUNK_BYTES], String::new());
    loop {
        let bytes = input
            .read(&mut chunk)
            .context("standard input can't be read")?;
        if bytes == 0 {
            break;
        }
        rewriter.push(&chunk[..bytes], &mut out);
        output
            .write_all(out.as_bytes())
            .context("standard output can't be written")?;
        out.clear();
    }
    let ending = rewriter.finish(&mut out);
    output
        .write_all(out.as_bytes())
        .and_then(|()| output.flush())
        .context("standard output can't be written")?;
    for (skip, count) in &ending.skips {
        super::print_error(&format!("passed through unread: {count} × {skip}"));
    }
    if rewriter.is_outgrown() {
        super::print_error(
            "error: the rules would add too much to this document; the service would refuse it",
        );
        return Ok(ExitCode::FAILURE);
    }
    match ending.completeness {
        Completeness::Complete => Ok(ExitCode::SUCCESS),
        Completeness::Truncated => {
            super::print_error(
                "error: the document ends before its root is closed; the service would not store it",
            );
            Ok(ExitCode::FAILURE)
        }
        Completeness::NotAFeed(what) => {
            super::print_error(&format!(
                "error: this is no feed: {what}; the service would refuse it"
            ));
            Ok(ExitCode::FAILURE)
        }
    }
}
