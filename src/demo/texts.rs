//! The publisher's texts, and the one thing that is filled in: its own address.

use std::net::SocketAddr;

/// Feedwright's configuration.
pub(super) const CONFIGURATION: &str = include_str!("feedwright.toml");
/// The page that shows the feeds before and after, with its style and its program.
pub(super) const READER: &str = include_str!("reader.html");
pub(super) const READER_CSS: &str = include_str!("reader.css");
pub(super) const READER_JS: &str = include_str!("reader.js");
/// The feeds.
pub(super) const RSS: &str = include_str!("feed.xml");
pub(super) const ATOM: &str = include_str!("atom.xml");
pub(super) const JSON: &str = include_str!("feed.json");
/// A feed of teasers, and the page that its item leads to.
pub(super) const FOUNDING: &str = include_str!("founding/feed.xml");
pub(super) const FOUNDING_PAGE: &str = include_str!("founding/article.html");
/// The page around an article.
pub(super) const ARTICLE: &str = include_str!("article.html");

/// The articles by their numbers from 1: headline, image, HTML.
pub(super) const ARTICLES: &[(&str, &str, &str)] = &[
    (
        "The lighthouse on Møn gets its lamp back",
        "lighthouse.svg",
        "<p>After eleven dark winters the lamp turns again. Keeper Åse Nyström lit it herself, at 16:04, with a hand that shook only a little.</p><p>The lens was ground in Görlitz; the glass had waited in a barn, wrapped in sailcloth, since the war.</p>",
    ),
    (
        "Market hall opens with forty stalls and one goat",
        "market.svg",
        "<p>Cheese, rope, crème brûlée by the spoon: the hall on Fischergasse is open from six. The goat belongs to nobody, the council says, and may stay.</p>",
    ),
    (
        "Old bridge closed to lorries from Monday",
        "bridge.svg",
        "<p>Engineers found the third pier four centimetres lower than last spring. Bicycles may pass, wedding parties one at a time.</p>",
    ),
    (
        "Herons return to the salt marsh",
        "heron.svg",
        "<p>Nineteen pairs were counted at dawn. “They stand like deacons,” says warden Łucja Wójcik, who has counted them since 1998.</p>",
    ),
    (
        "Harbour in fog, and a choir on the ferry",
        "harbour.svg",
        "<p>The 7:15 waited two hours in mid-stream. By eight the passengers sang in four voices; by nine they had a name: 港の声.</p>",
    ),
    (
        "A bakery that bakes by the tide",
        "bakery.svg",
        "<p>At high water the mill wheel turns and Zoë Brûlé bakes. “The sea is late on Thursdays,” she says, “so is the bread.”</p>",
    ),
    (
        "The week's weather, measured on the pier",
        "weather.png",
        "<p>Six degrees, wind from the north-west, one rainbow over the fish market. The pier thermometer is new and, the baker claims, optimistic.</p>",
    ),
];

/// The images that are drawn as text.
pub(super) const DRAWINGS: &[(&str, &str)] = &[
    ("lighthouse.svg", include_str!("images/lighthouse.svg")),
    ("market.svg", include_str!("images/market.svg")),
    ("bridge.svg", include_str!("images/bridge.svg")),
    ("heron.svg", include_str!("images/heron.svg")),
    ("harbour.svg", include_str!("images/harbour.svg")),
    ("bakery.svg", include_str!("images/bakery.svg")),
    ("placeholder.svg", include_str!("images/placeholder.svg")),
];

/// Writes the publisher's address where a text has `{{publisher}}`.
pub(super) fn fill(text: &str, publisher: SocketAddr) -> String {
    text.replace("{{publisher}}", &publisher.to_string())
}
