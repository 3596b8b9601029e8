//! Links that work wherever the item is read: relative ones become absolute, and what only
//! follows people around is taken out of the others.
//!
//! Invariant: what is in a URL that was absolute stays byte for byte, but for the
//! tracking parameters.

use std::borrow::Cow;

use url::Url;

use super::images::{Carrier, rewritten};
use crate::html::srcset;
use crate::html::tag::Tag;
use crate::html::walk::Walk;
use crate::html::{Edit, Markup, Name};
use crate::rewrite::base::FieldBase;
use crate::rewrite::budget::{Budget, URL_BYTES_MAX};

/// What is done to links, as configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkOptions {
    /// Whether relative URLs become absolute.
    pub absolute: bool,
    /// Whether tracking parameters are taken out of links.
    pub clean: bool,
    /// More names of such parameters; one that ends in `*` covers all that start like it.
    pub tracking_params: Vec<String>,
}

/// Parameters that say where somebody came from, not what they want to see.
const TRACKING_PARAMS: &[&str] = &[
    "utm_*",
    "mtm_*",
    "pk_*",
    "piwik_*",
    "matomo_*",
    "hsa_*",
    "stm_*",
    "at_*",
    "fb_action_ids",
    "fb_action_types",
    "fb_ref",
    "fb_source",
    "fb_comment_id",
    "fbclid",
    "gclid",
    "gclsrc",
    "dclid",
    "gbraid",
    "wbraid",
    "gad_source",
    "gad_campaignid",
    "msclkid",
    "yclid",
    "ysclid",
    "twclid",
    "ttclid",
    "li_fat_id",
    "igshid",
    "igsh",
    "mc_cid",
    "mc_eid",
    "mkt_tok",
    "_hsenc",
    "_hsmi",
    "__hssc",
    "__hstc",
    "__hsfp",
    "hsctatracking",
    "oly_anon_id",
    "oly_enc_id",
    "vero_id",
    "vero_conv",
    "wickedid",
    "rb_clickid",
    "s_cid",
    "ml_subscriber",
    "ml_subscriber_hash",
    "_openstat",
    "ncid",
    "cmpid",
    "sr_share",
    "ref_src",
    "ref_url",
    "guccounter",
    "guce_referrer",
    "guce_referrer_sig",
    "spm",
    "scm",
    "xtor",
    "wt_mc",
    "wt_zmc",
    "campaign_id",
    "_branch_match_id",
    "_branch_referrer",
    "itm_source",
    "itm_medium",
    "itm_campaign",
    "itm_content",
    "campaign_source",
    "campaign_medium",
    "campaign_name",
    "campaign_term",
    "campaign_content",
    "hmb_*",
    "srsltid",
    "mc_tc",
    "sc_cid",
    "_bhlid",
    "__readwiselocation",
];

/// Elements and their attributes that hold one URL.
const LINKS: [(Name, Name); 14] = pairs([
    ("a", "href"),
    ("area", "href"),
    ("iframe", "src"),
    ("video", "src"),
    ("audio", "src"),
    ("source", "src"),
    ("track", "src"),
    ("embed", "src"),
    ("object", "data"),
    ("blockquote", "cite"),
    ("q", "cite"),
    ("ins", "cite"),
    ("del", "cite"),
    ("img", "longdesc"),
]);
/// The same for images, which are only seen to where some may not be sent through a proxy.
const IMAGES: [(Name, Name); 3] = pairs([("img", "src"), ("video", "poster"), ("input", "src")]);

const fn pairs<const N: usize>(written: [(&str, &str); N]) -> [(Name, Name); N] {
    let mut pairs = [(Name::of(""), Name::of("")); N];
    let mut at = 0;
    while at < N {
        pairs[at] = (Name::of(written[at].0), Name::of(written[at].1));
        at += 1;
    }
    pairs
}

/// The link rules, ready for use.
#[derive(Debug)]
pub(in crate::rewrite) struct Links {
    absolute: bool,
    /// Whether images are among the links.
    with_images: bool,
    clean: Option<Vec<String>>,
}

impl Links {
    /// `None` when nothing is to be done.
    pub(in crate::rewrite) fn new(options: &LinkOptions, with_images: bool) -> Option<Self> {
        let own = options.tracking_params.iter().map(String::as_str);
        let all = TRACKING_PARAMS.iter().copied().chain(own);
        let clean = options
            .clean
            .then(|| all.map(str::to_ascii_lowercase).collect());
        (options.absolute || options.clean).then_some(Self {
            absolute: options.absolute,
            with_images,
            clean,
        })
    }

    /// The edits of this rule alone.
    pub(in crate::rewrite) fn edits(
        &self,
        html: &str,
        (markup, base): (Markup, &FieldBase<'_>),
        budget: &Budget,
    ) -> Vec<Edit> {
        let mut edits = Vec::new();
        let mut walk = Walk::new(html, markup);
        let mut tag = Tag::default();
        while walk.read(&mut tag) && !budget.is_exceeded() {
            self.read(&mut tag, base, budget);
            tag.write(&mut edits);
        }
        edits
    }

    /// Changes the links of a tag; says nothing more once the budget is spent.
    pub(in crate::rewrite) fn read(
        &self,
        tag: &mut Tag<'_>,
        base: &FieldBase<'_>,
        budget: &Budget,
    ) {
        if tag.is_end {
            return;
        }
        for (element, name) in LINKS {
            if tag.id == element
                && let Some(index) = tag.place(name)
            {
                let is_link = name == Name::of("href");
                let new = self.link(&tag.value_of(&tag.attributes[index]), is_link, base);
                put(tag, index, new, budget);
            }
        }
        if self.with_images && self.absolute {
            self.images(tag, base, budget);
        }
    }

    fn link(&self, written: &str, is_link: bool, base: &FieldBase<'_>) -> Option<String> {
        let absolute = self.absolute.then(|| join(written, base)).flatten();
        let url = absolute.as_deref().unwrap_or(written);
        let clean = match &self.clean {
            Some(params) if is_link => without_params(url, params),
            _ => None,
        };
        clean.or(absolute)
    }

    fn images(&self, tag: &mut Tag<'_>, base: &FieldBase<'_>, budget: &Budget) {
        for (element, name) in IMAGES {
            if tag.id == element
                && let Some(index) = tag.place(name)
            {
                let new = join(&tag.value_of(&tag.attributes[index]), base);
                put(tag, index, new, budget);
            }
        }
        if (tag.starts("img") || tag.starts("source"))
            && let Some(index) = tag.index("srcset")
        {
            let attribute = &tag.attributes[index];
            let carrier = Carrier::Value(tag, tag.quote(attribute));
            let raw = tag.raw(attribute).unwrap_or_default();
            let new = rewritten(raw, carrier, |list| {
                srcset::edits(list, &mut |written| join(written, base))
            });
            if let Some(new) = new.and_then(|new| budget.spend(new)) {
                tag.write_at(index, new);
            }
        }
    }
}

/// Gives an attribute this value, if there is one and it may still be added.
fn put(tag: &mut Tag<'_>, index: usize, new: Option<String>, budget: &Budget) {
    if let Some(new) = new.and_then(|new| budget.spend(new)) {
        tag.set_at(index, &new);
    }
}

/// Whether a URL starts with a scheme, `#`, or nothing.
fn starts_absolute(value: &[u8]) -> bool {
    match value.first() {
        None | Some(b'#' | b'"' | b'\'' | b'>') => true,
        Some(first) if first.is_ascii_alphabetic() => value
            .iter()
            .find(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')))
            .is_some_and(|&byte| byte == b':'),
        Some(_) => false,
    }
}

/// A relative URL, made absolute.
fn join(written: &str, base: &FieldBase<'_>) -> Option<String> {
    let trimmed = written.trim_matches(|letter: char| letter <= ' ');
    if trimmed.is_empty() || starts_absolute(trimmed.as_bytes()) || trimmed.len() > URL_BYTES_MAX {
        return None;
    }
    let url: Url = base.url().join(trimmed).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.into())
}

/// An http URL without the parameters that only track; `None` when it has none of them.
fn without_params(url: &str, params: &[String]) -> Option<String> {
    let is_web = starts_with(url, "http:") || starts_with(url, "https:");
    let (before, rest) = url.split_once('?').filter(|_| is_web)?;
    let (query, fragment) = match rest.find('#') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| !is_tracking(pair.split('=').next().unwrap_or_default(), params))
        .collect();
    if kept.len() == query.split('&').count() {
        return None;
    }
    let query = kept.join("&");
    let mark = if query.is_empty() { "" } else { "?" };
    Some(format!("{before}{mark}{query}{fragment}"))
}

fn starts_with(url: &str, scheme: &str) -> bool {
    url.get(..scheme.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

fn is_tracking(name: &str, params: &[String]) -> bool {
    let name: Cow<'_, str> = if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        name.to_ascii_lowercase().into()
    } else {
        name.into()
    };
    params.iter().any(|param| match param.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => *param == name,
    })
}

#[cfg(test)]
mod tests;
