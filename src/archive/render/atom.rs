//! Items as one Atom feed (RFC 4287): its head, an entry for each, its end, so that it can be written as
//! it comes. The way back is that of any feed.

use super::moment_text;
use crate::feed::characters::escape;
use crate::rewrite::entry::Entry;

/// What ends the feed.
pub const END: &str = "</feed>\n";

/// The start of a feed of this title, whose readers use `address`; it was changed at `updated_ms`.
#[must_use]
pub fn head(title: &str, address: &str, updated_ms: i64) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n",
    );
    element(&mut out, "id", address);
    element(&mut out, "title", title);
    element(&mut out, "updated", &moment(updated_ms));
    // There must be one (§4.1.1), and it would be that of every entry that names none.
    out.push_str("<author><name></name></author>\n");
    out
}

/// An entry; one without a date has `seen_ms`.
#[must_use]
pub fn render(entry: &Entry, seen_ms: i64) -> String {
    let mut out = String::from("<entry>\n");
    let id = [&entry.id, &entry.link]
        .into_iter()
        .find(|id| !id.is_empty());
    element(&mut out, "id", id.map_or("", String::as_str));
    element(&mut out, "title", &entry.title);
    if !entry.link.is_empty() {
        out.push_str("<link rel=\"alternate\" href=\"");
        escape(&entry.link, &mut out);
        out.push_str("\"/>\n");
    }
    if let Some(published) = entry.date_ms {
        element(&mut out, "published", &moment(published));
    }
    let updated_ms = entry.updated_ms.or(entry.date_ms).unwrap_or(seen_ms);
    element(&mut out, "updated", &moment(updated_ms));
    if !entry.author.is_empty() {
        out.push_str("<author><name>");
        escape(&entry.author, &mut out);
        out.push_str("</name></author>\n");
    }
    for category in &entry.categories {
        out.push_str("<category term=\"");
        escape(category, &mut out);
        out.push_str("\"/>\n");
    }
    out.push_str("<content type=\"html\">");
    escape(&entry.html, &mut out);
    out.push_str("</content>\n</entry>\n");
    out
}

fn element(out: &mut String, name: &str, text: &str) {
    out.push_str(&format!("<{name}>"));
    escape(text, out);
    out.push_str(&format!("</{name}>\n"));
}

/// A moment that no calendar has is the first of ours.
fn moment(ms: i64) -> String {
    moment_text(ms).unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewrite::entry::entries;

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let odd = Entry {
            apart: String::new(),
            id: "a&b".into(),
            link: "https://example.org/?a=1&b=\"2\"".into(),
            title: "]]> <b> & \u{202e}".into(),
            date_ms: Some(1_642_555_024_000),
            updated_ms: Some(1_642_555_025_123),
            author: "A \"B\" <c>".into(),
            categories: vec!["x & y".into(), "\"z\"".into()],
            html: "<p>1 &amp; 2\r\n<br>]]></p>\u{1}".into(),
        };
        let bare = Entry {
            link: "https://example.org/2".into(),
            ..Entry::default()
        };
        let address = "https://feeds.example.org/feeds/news";
        let mut text = head("News & more", address, 0);
        text.push_str(&render(&odd, 5));
        text.push_str(&render(&bare, 1_000));
        text.push_str(END);
        roxmltree::Document::parse(&text).unwrap();
        let read = entries(&text, address.parse().unwrap());
        let expected = Entry {
            html: odd.html.replace('\u{1}', ""),
            link: "https://example.org/?a=1&b=%222%22".into(),
            ..odd
        };
        assert_eq!(read[0], expected);
        let expected = Entry {
            id: bare.link.clone(),
            date_ms: Some(1_000),
            updated_ms: Some(1_000),
            ..bare
        };
        assert_eq!(read[1], expected);
    }
}
