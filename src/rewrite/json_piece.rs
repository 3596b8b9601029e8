//! What the rules do to one piece of a JSON Feed (versions 1.0 and 1.1): an item, or a member of
//! the feed.

use std::ops::Range;

use crate::feed::json::{self, Kind, Member, Value};
use crate::feed::text::{Decoded, Edit};
use crate::rewrite::base::FieldBase;
use crate::rewrite::facts;
use crate::rewrite::field::{self, Sort};
use crate::rewrite::html::Markup;
use crate::rewrite::piece::Work;
use crate::rewrite::splice::Splicer;

/// Appends an item with the rules applied.
pub(super) fn rewrite_item(json: &str, members: &[Member<'_>], work: &Work<'_>, out: &mut String) {
    let mut changes = Vec::new();
    for member in members {
        match member.key.as_ref() {
            "content_html" if member.value.kind == Kind::String => {
                collect_html(json, member, work, &mut changes);
            }
            "attachments" => {
                work.trace.enter_field(&member.key);
                for attachment in json::values(json, member.value.range.clone()) {
                    collect_attachment(json, &attachment, work, &mut changes);
                }
            }
            _ => collect_picture(json, member, work, &mut changes),
        }
    }
    write(json, changes, out);
}

/// Appends a top-level member with the rules applied.
pub(super) fn rewrite_member(json: &str, member: &Member<'_>, work: &Work<'_>, out: &mut String) {
    let mut changes = Vec::new();
    collect_picture(json, member, work, &mut changes);
    write(json, changes, out);
}

/// A string's inner range and the edits in its decoded text.
type Change = (Range<usize>, Vec<Edit>);

fn write(json: &str, changes: Vec<Change>, out: &mut String) {
    let mut splicer = Splicer::new(json, out);
    for (range, edits) in changes {
        splicer.replace(range.clone(), |out| {
            Decoded::json(&json[range]).splice(&edits, out)
        });
    }
    splicer.finish();
}

fn collect_html(json: &str, member: &Member<'_>, work: &Work<'_>, changes: &mut Vec<Change>) {
    let decoded = Decoded::json(&json[member.value.inner()]);
    let html = decoded.as_str();
    work.trace.enter_field(&member.key);
    let base = FieldBase::of_piece(work.base);
    let edits = work.field(html, (Markup::Html, &base), Some(work.wrap));
    if !edits.is_empty() {
        changes.push((member.value.inner(), edits));
    }
}

/// Members that hold a picture's address, and the avatars of authors.
fn collect_picture(json: &str, member: &Member<'_>, work: &Work<'_>, changes: &mut Vec<Change>) {
    work.trace.enter_field(&member.key);
    match member.key.as_ref() {
        "image" | "banner_image" | "icon" | "favicon" | "avatar" => {
            collect_address(json, &member.value, work, changes);
        }
        "author" => {
            for inner in json::members(json, member.value.range.clone()) {
                if inner.key == "avatar" {
                    collect_address(json, &inner.value, work, changes);
                }
            }
        }
        "authors" => {
            for author in json::values(json, member.value.range.clone()) {
                for inner in json::members(json, author.range) {
                    if inner.key == "avatar" {
                        collect_address(json, &inner.value, work, changes);
                    }
                }
            }
        }
        _ => {}
    }
}

/// An attachment's address, when it says that it is a picture, or something else that is covered.
fn collect_attachment(json: &str, attachment: &Value, work: &Work<'_>, changes: &mut Vec<Change>) {
    let members = json::members(json, attachment.range.clone());
    let text = |key: &str| {
        let member = members.iter().find(|member| member.key == key);
        member.map_or_else(String::new, |member| {
            facts::string(json, member).to_ascii_lowercase()
        })
    };
    let is_covered = match field::sort_of(&text("mime_type"), "", || text("url")) {
        Some(Sort::Picture) => true,
        Some(Sort::Media) => work.covers_media(),
        None => false,
    };
    if let Some(url) = members
        .iter()
        .find(|member| is_covered && member.key == "url")
    {
        collect_address(json, &url.value, work, changes);
    }
}

fn collect_address(json: &str, value: &Value, work: &Work<'_>, changes: &mut Vec<Change>) {
    if value.kind != Kind::String {
        return;
    }
    let decoded = Decoded::json(&json[value.inner()]);
    let base = FieldBase::of_piece(work.base);
    if let Some(text) = work.address(&base, "", decoded.as_str()) {
        let range = 0..decoded.as_str().len();
        changes.push((value.inner(), vec![Edit { range, text }]));
    }
}
