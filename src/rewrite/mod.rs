//! What the rules do to a feed: images, header and footer, envelope. Pure.

pub mod address;
pub mod css;
pub mod fragment;
pub mod html;
pub mod places;
pub mod srcset;
pub mod target;
pub mod template;
pub mod xhtml;

/// What is to be done to a feed, as plain values; [`Rules`] is the same, parsed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleOptions {
    /// The template of the image proxy that picture addresses go through; `None` leaves them.
    pub images: Option<String>,
    /// CSS selectors: pictures in HTML that match one stay as they are.
    pub skip_images: Vec<String>,
    /// Host suffixes whose pictures stay as they are (`example.org` covers `img.example.org`).
    pub skip_hosts: Vec<String>,
    /// minijinja source of what is put before each item's content.
    pub header: Option<String>,
    /// minijinja source of what is put after each item's content.
    pub footer: Option<String>,
    /// Whether the envelope is kept as the publisher wrote it (`rel=self`, hub, cloud, …).
    pub keep_envelope: bool,
    /// The address our readers use for this feed: `https://feeds.example.org/feeds/dw`.
    pub self_url: String,
    /// Where our own addresses start: `https://feeds.example.org`.
    pub public_url: String,
}
