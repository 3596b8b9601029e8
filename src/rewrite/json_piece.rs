//! What the rules do to one piece of a JSON Feed (versions 1.0 and 1.1): an item, or a member of
//! the feed.

use std::ops::Range;

use crate::feed::json::{self, Member, Value, ValueKind};
use crate::feed::text::Decoded;
use crate::html::Edit;
use crate::html::Markup;
use crate::html::apply;
use crate::rewrite::base::FieldBase;
use crate::rewrite::bearer::{self, JsonBearer};
use crate::rewrite::field::{self, Sort};
use crate::rewrite::passes::{self, Share};
use crate::rewrite::piece::Work;
use crate::rewrite::splice::Splicer;
use crate::rewrite::texts;
use crate::rewrite::wrap::Wrap;

/// The most white space that is copied around the comma before a member that is added.
const GAP_BYTES_MAX: usize = 64;

/// Appends an item with the rules applied.
pub(super) fn rewrite_item(json: &str, members: &[Member<'_>], work: &Work<'_>, out: &mut String) {
    let bearer = work
        .wrap
        .map(|wrap| (wrap, bearer::of_json_item(json, members)));
    let mut changes = Vec::new();
    for (index, member) in members.iter().enumerate() {
        match (member.key.as_ref(), bearer) {
            ("content_html", Some((wrap, JsonBearer::Empty(found, text)))) if found == index => {
                let made = made_of(json, text.map(|text| &members[text]), (work, wrap));
                changes.extend(made.map(|html| Change::Whole(member.value.range.clone(), html)));
            }
            ("content_html", _) if member.value.kind == ValueKind::String => {
                let share = match bearer {
                    None => Share::Nothing,
                    Some((wrap, JsonBearer::Html(found))) if found == index => Share::Bearer(wrap),
                    Some((wrap, _)) => Share::Bare(wrap),
                };
                collect_html(json, member, (work, share), &mut changes);
            }
            ("attachments", _) => {
                work.trace.enter_field(&member.key);
                for attachment in json::values(json, member.value.range.clone()) {
                    collect_attachment(json, &attachment, work, &mut changes);
                }
            }
            _ => collect_image(json, member, work, &mut changes),
        }
    }
    match bearer {
        Some((wrap, JsonBearer::New(text))) => {
            let made = made_of(json, text.map(|text| &members[text]), (work, wrap));
            changes.extend(made.map(|html| added(json, members, &html)));
        }
        Some((_, JsonBearer::None(reason))) => work.trace.left("header, footer", "", "", reason),
        _ => {}
    }
    write(json, changes, out);
}

/// HTML that says what a text member says, with header and footer; `None` when they are empty.
fn made_of(
    json: &str,
    text: Option<&Member<'_>>,
    (work, wrap): (&Work<'_>, &Wrap<'_>),
) -> Option<String> {
    work.trace.enter_field("content_html");
    let html = text.map_or_else(String::new, |text| {
        passes::text_as_html(Decoded::json(&json[text.value.inner()]).as_str())
    });
    let base = FieldBase::of_piece(work.base);
    let edits = work.field(&html, (Markup::Html, &base), Share::Bearer(wrap));
    let is_wrapped = edits.iter().any(|edit| !edit.text.is_empty());
    is_wrapped.then(|| apply(&html, &edits))
}

/// A `content_html` behind the last member, parted from it as that one is from the one before.
fn added(json: &str, members: &[Member<'_>], html: &str) -> Change {
    let mut member = match members {
        [.., before, last] => {
            let gap = &json[before.range.end..last.range.start];
            let is_gap = |letter: char| letter.is_ascii_whitespace() || letter == ',';
            let is_one = gap.len() <= GAP_BYTES_MAX && gap.trim_matches(is_gap).is_empty();
            if is_one { gap } else { ", " }.to_owned()
        }
        [_] => ", ".to_owned(),
        [] => String::new(),
    };
    member.push_str("\"content_html\": ");
    member.push_str(&quoted(html));
    let at = members.last().map_or(1, |last| last.range.end);
    Change::Raw(at..at, member)
}

fn quoted(text: &str) -> String {
    let (range, text) = (0..0, text.to_owned());
    let mut out = "\"".to_owned();
    Decoded::json("").splice(&[Edit { range, text }], &mut out);
    out.push('"');
    out
}

/// Appends a top-level member with the rules applied.
pub(super) fn rewrite_member(json: &str, member: &Member<'_>, work: &Work<'_>, out: &mut String) {
    let mut changes = Vec::new();
    collect_image(json, member, work, &mut changes);
    write(json, changes, out);
}

/// What is to be written otherwise.
enum Change {
    /// Edits of the decoded text of a string that stands, without its quotes, at this range.
    Edits(Range<usize>, Vec<Edit>),
    /// A string instead of a whole value.
    Whole(Range<usize>, String),
    /// JSON as it is.
    Raw(Range<usize>, String),
}

fn write(json: &str, changes: Vec<Change>, out: &mut String) {
    let mut splicer = Splicer::new(json, out);
    for change in changes {
        match change {
            Change::Edits(range, edits) => splicer.replace(range.clone(), |out| {
                Decoded::json(&json[range]).splice(&edits, out);
            }),
            Change::Whole(range, text) => {
                splicer.replace(range, |out| out.push_str(&quoted(&text)));
            }
            Change::Raw(range, text) => splicer.replace(range, |out| out.push_str(&text)),
        }
    }
    splicer.finish();
}

fn collect_html(
    json: &str,
    member: &Member<'_>,
    (work, share): (&Work<'_>, Share<'_>),
    changes: &mut Vec<Change>,
) {
    let decoded = Decoded::json(&json[member.value.inner()]);
    work.trace.enter_field(&member.key);
    let base = FieldBase::of_piece(work.base);
    let edits = work.field(decoded.as_str(), (Markup::Html, &base), share);
    if !edits.is_empty() {
        changes.push(Change::Edits(member.value.inner(), edits));
    }
}

/// Members that hold an image's URL, and the avatars of authors.
fn collect_image(json: &str, member: &Member<'_>, work: &Work<'_>, changes: &mut Vec<Change>) {
    work.trace.enter_field(&member.key);
    match member.key.as_ref() {
        "image" | "banner_image" | "icon" | "favicon" | "avatar" => {
            collect_url(json, &member.value, work, changes);
        }
        "author" => {
            for inner in json::members(json, member.value.range.clone()) {
                if inner.key == "avatar" {
                    collect_url(json, &inner.value, work, changes);
                }
            }
        }
        "authors" => {
            for author in json::values(json, member.value.range.clone()) {
                for inner in json::members(json, author.range) {
                    if inner.key == "avatar" {
                        collect_url(json, &inner.value, work, changes);
                    }
                }
            }
        }
        _ => {}
    }
}

/// An attachment's URL, when it says that it is an image, or something else that is covered.
fn collect_attachment(json: &str, attachment: &Value, work: &Work<'_>, changes: &mut Vec<Change>) {
    let members = json::members(json, attachment.range.clone());
    let text = |key: &str| {
        let member = members.iter().find(|member| member.key == key);
        member.map_or_else(String::new, |member| {
            texts::string(json, member).to_ascii_lowercase()
        })
    };
    let is_covered = match field::sort_of(&text("mime_type"), "", || text("url")) {
        Some(Sort::ImageUrl) => true,
        Some(Sort::Media) => work.covers_media(),
        None => false,
    };
    if let Some(url) = members
        .iter()
        .find(|member| is_covered && member.key == "url")
    {
        collect_url(json, &url.value, work, changes);
    }
}

fn collect_url(json: &str, value: &Value, work: &Work<'_>, changes: &mut Vec<Change>) {
    if value.kind != ValueKind::String {
        return;
    }
    let decoded = Decoded::json(&json[value.inner()]);
    let base = FieldBase::of_piece(work.base);
    if let Some(text) = work.image_url(&base, "", decoded.as_str()) {
        let range = 0..decoded.as_str().len();
        changes.push(Change::Edits(value.inner(), vec![Edit { range, text }]));
    }
}
