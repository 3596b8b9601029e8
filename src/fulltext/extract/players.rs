//! Players, and images of AMP: as the elements of HTML that they become when scripts run.

use dom_query::{Document, NodeRef};

use super::tree::is_any;
use crate::rewrite::article;

/// Bytes of an address.
const ADDRESS_BYTES_MAX: usize = 4 << 10;
/// A frame that says it is smaller is none to look at, unless its player is known.
const SIDE_MIN: u32 = 50;
/// Frames that show no part of an article, in part.
const NO_PLAYERS: &[&str] = &[
    "doubleclick.net",
    "googlesyndication.",
    "googletagmanager.",
    "google-analytics.",
    "adservice.",
    "amazon-adsystem.",
    "facebook.com/plugins/like",
    "facebook.com/plugins/share",
    "facebook.com/plugins/page",
    "facebook.com/plugins/follow",
    "platform.twitter.com/widgets/tweet_button",
    "platform.twitter.com/widgets/follow_button",
    "taboola.",
    "outbrain.",
    "recaptcha",
    "disqus.com",
    "consent.",
    "/ns.html",
];
/// Elements that stand for a player, the attribute that names what it plays, and its address with
/// `{}` for that.
const BY_NAME: &[(&str, &str, &str)] = &[
    (
        "amp-youtube",
        "data-videoid",
        "https://www.youtube.com/embed/{}",
    ),
    (
        "lite-youtube",
        "videoid",
        "https://www.youtube.com/embed/{}",
    ),
    ("youtube-video", "id", "https://www.youtube.com/embed/{}"),
    (
        "amp-vimeo",
        "data-videoid",
        "https://player.vimeo.com/video/{}",
    ),
    ("lite-vimeo", "videoid", "https://player.vimeo.com/video/{}"),
    (
        "amp-dailymotion",
        "data-videoid",
        "https://www.dailymotion.com/embed/video/{}",
    ),
    (
        "amp-soundcloud",
        "data-trackid",
        "https://w.soundcloud.com/player/?url=https%3A//api.soundcloud.com/tracks/{}",
    ),
    (
        "amp-instagram",
        "data-shortcode",
        "https://www.instagram.com/p/{}/embed/",
    ),
    (
        "amp-vine",
        "data-vineid",
        "https://vine.co/v/{}/embed/simple",
    ),
    ("amp-tiktok", "data-src", "https://www.tiktok.com/embed/{}"),
];
/// Elements of AMP that are elements of HTML under another name.
const RENAMED: &[(&str, &str)] = &[
    ("amp-img", "img"),
    ("amp-anim", "img"),
    ("amp-video", "video"),
    ("amp-audio", "audio"),
    ("amp-iframe", "iframe"),
    ("amp-video-iframe", "iframe"),
];
/// Elements of AMP that stand for a post elsewhere: the attribute, and the address of the post.
const POSTS: &[(&str, &str, &str)] = &[
    (
        "amp-twitter",
        "data-tweetid",
        "https://twitter.com/i/status/{}",
    ),
    ("amp-facebook", "data-href", "{}"),
    ("amp-gist", "data-gistid", "https://gist.github.com/{}"),
];

/// Gives players the elements and addresses that a script would give them.
pub(super) fn promote(document: &Document) {
    for (from, to) in RENAMED {
        for node in document.select(from).nodes() {
            rename(node, to);
        }
    }
    for (element, attribute, address) in BY_NAME {
        for player in document.select(element).nodes() {
            if let Some(address) = named(player, attribute, address) {
                player.remove_children();
                player.rename("iframe");
                player.set_attr("src", &address);
            }
        }
    }
    for (element, attribute, address) in POSTS {
        for post in document.select(element).nodes() {
            if let Some(address) = named(post, attribute, address) {
                post.remove_children();
                post.rename("a");
                post.set_attr("href", &address);
                post.append_child(&document.tree.new_text(address.as_str()));
            }
        }
    }
    for old in document.select("object, embed").nodes() {
        promote_old(old);
    }
    for frame in document.select("iframe").nodes() {
        promote_frame(frame);
    }
    open_noscript(document);
}

/// Whether a frame shows something that a reader would miss.
pub(super) fn is_player(frame: &NodeRef<'_>) -> bool {
    let src = frame.attr_or("src", "");
    let address = src.trim().to_ascii_lowercase();
    if article::is_known_player(&address) && !NO_PLAYERS.iter().any(|part| address.contains(part)) {
        return true;
    }
    let is_small = ["width", "height"].iter().any(|side| {
        let size = frame.attr_or(side, "");
        let size = size.trim().trim_end_matches("px");
        size.parse::<u32>().is_ok_and(|size| size < SIDE_MIN)
    });
    let is_hidden = std::iter::once(*frame)
        .chain(frame.ancestors_it(Some(3)))
        .any(|node| is_hidden(&node));
    let is_https = address.starts_with("https://") || address.starts_with("//");
    is_https && !is_small && !is_hidden && !NO_PLAYERS.iter().any(|part| address.contains(part))
}

fn is_hidden(node: &NodeRef<'_>) -> bool {
    let style = node.attr_or("style", "").to_ascii_lowercase();
    let style: String = style
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .collect();
    node.has_attr("hidden") || style.contains("display:none") || style.contains("visibility:hidden")
}

/// An element of HTML keeps of its AMP one what it may hold: the fallbacks and placeholders go.
fn rename(node: &NodeRef<'_>, name: &str) {
    for child in node.children() {
        let is_kept =
            is_any(&child, &["source", "track"]) && is_any(node, &["amp-video", "amp-audio"]);
        if !is_kept {
            child.remove_from_parent();
        }
    }
    node.rename(name);
    if is_any(node, &["video", "audio"]) {
        node.set_attr("controls", "");
    }
}

fn named(player: &NodeRef<'_>, attribute: &str, address: &str) -> Option<String> {
    let id = player.attr(attribute)?;
    let is_address = address == "{}";
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_id = !id.is_empty() && id.len() <= ADDRESS_BYTES_MAX && id.bytes().all(is_plain);
    (is_id || is_address && id.starts_with("https://")).then(|| address.replace("{}", &id))
}

/// Players of before HTML 5, where the frame's address is theirs.
fn promote_old(old: &NodeRef<'_>) {
    let attribute = if old.has_name("object") {
        "data"
    } else {
        "src"
    };
    let address = old
        .attr_or(attribute, "")
        .replace("youtube.com/v/", "youtube.com/embed/");
    if article::is_known_player(&address) {
        old.remove_children();
        old.rename("iframe");
        old.set_attr("src", &address);
    }
}

fn promote_frame(frame: &NodeRef<'_>) {
    let src = frame.attr_or("src", "");
    let src = src.trim();
    let is_own = is_address(src) || src.starts_with('/') && src.len() > 1;
    if is_own {
        return;
    }
    // Whatever a script calls it: the attribute that holds an address.
    let lazy = frame.attrs().into_iter().find(|attribute| {
        attribute.name.local.starts_with("data-") && is_address(attribute.value.trim())
    });
    if let Some(lazy) = lazy {
        frame.set_attr("src", lazy.value.trim());
    }
}

fn is_address(text: &str) -> bool {
    let is_web = ["https://", "http://", "//"]
        .iter()
        .any(|start| text.starts_with(start));
    is_web && text.len() > 8 && text.len() <= ADDRESS_BYTES_MAX && !text.contains([' ', '\n', '<'])
}

/// Players that are in `noscript` only come out of it.
fn open_noscript(document: &Document) {
    for frame in document.select("noscript iframe").nodes() {
        let src = frame.attr_or("src", "");
        let is_twin = || {
            let all = document.select("iframe");
            all.nodes()
                .iter()
                .take(200)
                .any(|other| other.id != frame.id && other.attr_or("src", "") == src)
        };
        let noscript = frame
            .ancestors_it(None)
            .find(|above| above.has_name("noscript"));
        if let Some(noscript) = noscript
            && is_player(frame)
            && !is_twin()
        {
            noscript.insert_before(frame);
        }
    }
}
