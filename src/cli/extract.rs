//! `extract`: the article on one page, standard input to standard output.

use std::io::{Read, Write};
use std::process::ExitCode;

use anyhow::Context as _;
use url::Url;

use super::pages::Pages;
use crate::fulltext::extract::{self, PAGE_BYTES_MAX};
use crate::fulltext::recipe::Recipe;
use crate::workers::WorkerOptions;

/// Writes the article as HTML, and on standard error what its page says of it; exit code 1 when
/// there is none.
pub(super) fn extract(
    recipe: &Recipe,
    url: Url,
    content_type: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let mut bytes = Vec::new();
    let mut input = std::io::stdin().lock().take(PAGE_BYTES_MAX as u64);
    input
        .read_to_end(&mut bytes)
        .context("standard input can't be read")?;
    let pages = Pages::new(&WorkerOptions::default())?;
    let article = pages
        .look(url, content_type, bytes, recipe)
        .and_then(|findings| extract::join_whatever(vec![findings.article]).map_err(Into::into));
    let (article, wall) = match article {
        Ok(found) => found,
        Err(problem) => {
            super::print_error(&format!("error: {problem:#}"));
            return Ok(ExitCode::FAILURE);
        }
    };
    let facts = [
        ("title", &article.title),
        ("author", &article.author),
        ("published", &article.published),
        ("modified", &article.modified),
        ("site_name", &article.site_name),
        ("language", &article.language),
        ("image", &article.image),
    ];
    for (name, fact) in facts {
        if !fact.is_empty() {
            super::print_error(&format!("{name}: {fact}"));
        }
    }
    let mut output = std::io::stdout().lock();
    output
        .write_all(article.html.as_bytes())
        .context("standard output can't be written")?;
    output.flush().context("standard output can't be written")?;
    if let Some(wall) = wall {
        super::print_error(&format!(
            "error: the page is {wall}; the service would not take it"
        ));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
