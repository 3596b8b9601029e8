//! Work on one page as a job: what is asked and answered in bytes, so that it can be done elsewhere.
//!
//! Invariants: one job answers all that is asked of a page; it does no I/O and reads no clock; what a
//! worker answers is read with the same care as what anybody else says.

use serde::{Deserialize, Serialize};
use url::Url;

use super::extract::{self, Findings, NoArticle, Page, Wall};
use super::recipe::Recipe;
use crate::rewrite::article::Article;

/// What is asked of a page, which comes beside it as the bytes that a server sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Question<'a> {
    /// Where the page was asked for.
    pub asked: Url,
    /// Where it came from.
    pub url: Url,
    /// Its `Content-Type`.
    pub content_type: Option<String>,
    /// How its article is found.
    pub recipe: std::borrow::Cow<'a, Recipe>,
}

/// The answer, without the article's HTML, which comes beside it.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    single_page: Option<Url>,
    next_page: Option<Url>,
    article: Result<(Article, Option<Wall>), NoArticle>,
}

impl Question<'_> {
    /// The question as a job's head.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Does a job; what is no question is answered with nothing that could be read.
#[must_use]
pub fn work(head: &[u8], page: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    let Ok(question) = serde_json::from_slice::<Question<'_>>(head) else {
        return (Vec::new(), Vec::new());
    };
    let mut findings = look(question, page);
    let html = match &mut findings.article {
        Ok((article, _)) => std::mem::take(&mut article.html),
        Err(_) => String::new(),
    };
    let answer = Answer {
        single_page: findings.single_page,
        next_page: findings.next_page,
        article: findings.article,
    };
    let head = serde_json::to_vec(&answer).unwrap_or_default();
    (head, html.into_bytes())
}

fn look(question: Question<'_>, bytes: Vec<u8>) -> Findings {
    let text = extract::decode(&bytes, question.content_type.as_deref());
    // Room for the tree.
    drop(bytes);
    match text {
        Ok(text) => {
            let page = Page {
                asked: question.asked,
                url: question.url,
                text,
            };
            extract::look(&page, &question.recipe)
        }
        Err(problem) => Findings::none(problem),
    }
}

/// What a job found; `None` when that is no answer.
#[must_use]
pub fn read_answer(head: &[u8], html: Vec<u8>) -> Option<Findings> {
    let mut answer: Answer = serde_json::from_slice(head).ok()?;
    if let Ok((article, _)) = &mut answer.article {
        article.html = String::from_utf8(html).ok()?;
    }
    Some(Findings {
        single_page: answer.single_page,
        next_page: answer.next_page,
        article: answer.article,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fulltext::recipe::Site;

    fn ask(recipe: &Recipe, page: &str) -> (Vec<u8>, Vec<u8>) {
        let url: Url = "https://example.org/a".parse().unwrap();
        let question = Question {
            asked: url.clone(),
            url,
            content_type: Some("text/html; charset=utf-8".to_owned()),
            recipe: std::borrow::Cow::Borrowed(recipe),
        };
        work(&question.encode(), page.as_bytes().to_vec())
    }

    #[test]
    fn one_job_answers_all_that_is_asked() {
        let rules = "body: //div[@id='x']\nnext_page_link: //a[@rel='next']\nsingle_page_link: //a[@class='all']\n\
                     strip: //i\nhttp_header(cookie): secret=1\ntitle: //h1";
        let recipe = Site::parse(rules).recipe;
        let page = "<h1>T\u{e9}</h1><div id=x><p>One text that is long enough to be an article.<i>no</i></p></div>\
                    <a rel=next href=/2>2</a><a class=all href=/all#x>all</a>";
        let (head, html) = ask(&recipe, page);
        let found = read_answer(&head, html).unwrap();
        assert_eq!(found.next_page.unwrap().as_str(), "https://example.org/2");
        assert_eq!(
            found.single_page.unwrap().as_str(),
            "https://example.org/all"
        );
        let (article, wall) = found.article.unwrap();
        assert_eq!((article.title.as_str(), wall), ("T\u{e9}", None));
        assert_eq!(
            article.html,
            "<p>One text that is long enough to be an article.</p>"
        );
        // What only the fetch needs stays there.
        let question = Question {
            asked: "https://example.org/".parse().unwrap(),
            url: "https://example.org/".parse().unwrap(),
            content_type: None,
            recipe: std::borrow::Cow::Borrowed(&recipe),
        };
        assert!(
            !String::from_utf8(question.encode())
                .unwrap()
                .contains("secret")
        );
    }

    #[test]
    fn what_is_no_article_and_what_is_no_answer() {
        let (head, html) = ask(&Recipe::default(), "%PDF-1.7");
        let found = read_answer(&head, html).unwrap();
        assert_eq!(found.article.unwrap_err().reason(), "not-a-page");
        let (head, html) = work(b"nonsense", b"<p>x".to_vec());
        assert!(read_answer(&head, html).is_none());
        let (head, _) = ask(
            &Recipe::default(),
            &"<p>Some text that is long enough.</p>".repeat(9),
        );
        assert!(read_answer(&head, vec![0xff]).is_none());
    }
}
