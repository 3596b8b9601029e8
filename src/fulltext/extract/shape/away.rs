//! Lines that lead away from an article: to other articles, to a newsletter, to other sites.

use dom_query::NodeRef;

use super::is_text;
use crate::fulltext::extract::tree::{chars_of, has_media, is_heading, line_of, link_share};

/// What lines that lead away start with, in small letters.
const AWAY: &[&str] = &[
    "related:",
    "related ",
    "read more",
    "read also",
    "also read",
    "read next",
    "see more",
    "see also:",
    "more on",
    "more from",
    "more:",
    "don't miss",
    "you may also like",
    "you might also like",
    "recommended",
    "click here",
    "continue reading",
    "sign up",
    "subscribe",
    "follow us",
    "follow @",
    "share this",
    "share on",
    "get the latest",
    "join our",
    "join the conversation",
    "like us on",
    "download the",
    "download our",
    "advertisement",
    "advert",
    "sponsored",
    "most read",
    "top stories",
    "trending",
    "tags:",
    "tags",
    "filed under",
    "categories:",
    "posted in",
    "copyright ©",
    "copyright ⓒ",
    "all rights reserved",
    "watch:",
    "listen:",
    "have a tip",
    "email ",
    "e-mail ",
    "contact ",
    "lire aussi",
    "à lire aussi",
    "lesen sie auch",
    "mehr zum thema",
    "lea también",
    "lee también",
    "leia também",
    "leia mais",
    "leggi anche",
    "lees ook",
    "читайте также",
    "смотрите также",
    "相关阅读",
    "延伸阅读",
    "相关报道",
    "关连",
    "関連記事",
    "コメント",
    "关注我们",
    "责任编辑",
    "分享",
];

/// Takes off lines that lead away.
pub(in crate::fulltext::extract) fn drop_away(list: &mut Vec<NodeRef<'_>>) {
    let mut is_away: Vec<bool> = Vec::with_capacity(list.len());
    // What is to be told of a heading: what stands behind it up to the next one.
    let (mut chars, mut in_links) = (0, 0.0);
    for (index, block) in list.iter().enumerate().rev() {
        if is_heading(block) {
            let is_link = link_share(block) > 0.9;
            is_away.push(says_away(block) && (is_link || in_links > 0.5 * chars as f64));
            (chars, in_links) = (0, 0.0);
            continue;
        }
        let own = chars_of(block);
        chars += own;
        in_links += link_share(block) * own as f64;
        is_away.push(leads_away(block, list.get(index + 1)));
    }
    let mut is_away = is_away.into_iter().rev();
    list.retain(|_| !is_away.next().unwrap_or_default());
}

/// What is left of buttons whose scripts and boxes went.
const BUTTONS: &[&str] = &[
    "comments", "comment", "share", "tweet", "print", "email", "close", "reply", "like", "save",
];

/// Whether a text is that of a button, and nothing else.
pub(super) fn is_button(block: &NodeRef<'_>) -> bool {
    BUTTONS.contains(&line_of(block).to_lowercase().as_str())
}

/// Whether a text starts as those do that lead away.
pub(super) fn says_away(block: &NodeRef<'_>) -> bool {
    let small = line_of(block).to_lowercase();
    AWAY.iter().any(|start| small.starts_with(start))
}

/// A line that is one link to elsewhere, or says that it leads away.
fn leads_away(block: &NodeRef<'_>, next: Option<&NodeRef<'_>>) -> bool {
    if !is_text(block) {
        return false;
    }
    let text = line_of(block);
    let chars = text.chars().count();
    let share = link_share(block);
    if says_away(block) {
        let is_sentence = text.ends_with(['.', '!', '?', '。', '！', '？', '…']) && share == 0.0;
        // `Listen:` before a player, `Tags:` before a list of them.
        let leads_on = text.ends_with([':', '：'])
            && next.is_some_and(|next| has_media(next) || link_share(next) < 0.3);
        if share > 0.3 || chars < 60 && !is_sentence && !leads_on {
            return true;
        }
    }
    if block.has_name("p") && share > 0.9 && chars > 12 {
        let letters: Vec<char> = text.chars().filter(|c| c.is_alphabetic()).collect();
        let is_loud = !letters.is_empty()
            && letters.iter().all(|c| !c.is_lowercase())
            && letters.iter().any(|c| c.is_uppercase());
        return is_loud;
    }
    false
}
