//! What a feed says about when to come back: `ttl`, `skipHours` and `skipDays` (RSS 2.0),
//! `sy:updatePeriod` and `sy:updateFrequency` (RSS 1.0 syndication module), JSON Feed's `expired`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::feed::Format;
use crate::feed::date::WEEKDAYS;
use crate::feed::element::{self, Element};
use crate::feed::json;
use crate::feed::namespace::Ns;
use crate::feed::splitter::Frame;
use crate::feed::xml::Tag;
use crate::rewrite::field::lower;
use crate::rewrite::texts;

/// The names that are looked for, in lower case.
const NAMES: [&str; 5] = [
    "ttl",
    "skiphours",
    "skipdays",
    "updateperiod",
    "updatefrequency",
];
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// When a feed asks to be read again. All that is nonsense is as if not there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hints {
    /// `ttl`: how long the feed may be kept.
    pub ttl: Option<Duration>,
    /// `sy:updatePeriod`: in what time it changes `frequency` times.
    pub period: Option<Duration>,
    /// `sy:updateFrequency`, one or more.
    pub frequency: Option<u32>,
    /// Hours of the day in which it is not to be read, in GMT: bit 0 is midnight to one.
    pub skip_hours: u32,
    /// Days on which it is not to be read, in GMT: bit 0 is Monday.
    pub skip_days: u8,
    /// JSON Feed's `expired`: nothing will ever change.
    pub is_expired: bool,
}

impl Hints {
    /// How long the feed says that it stays as it is: the longest it names.
    #[must_use]
    pub fn interval(&self) -> Option<Duration> {
        let update = match (self.period, self.frequency) {
            (None, None) => None,
            // The module's defaults: daily, once.
            (period, frequency) => Some(period.unwrap_or(DAY) / frequency.unwrap_or(1)),
        };
        self.ttl.max(update)
    }

    /// Reads a child of the channel or feed, or a top-level member of a JSON Feed.
    pub(super) fn learn(&mut self, frame: &Frame, piece: &str) {
        match frame.format {
            Format::Json => self.learn_member(piece),
            _ => self.learn_element(frame, piece),
        }
    }

    fn learn_element(&mut self, frame: &Frame, xml: &str) {
        let tag_end = xml.find('>').map_or(xml.len(), |close| close + 1);
        let Some(tag) = Tag::parse(&xml[..tag_end]) else {
            return;
        };
        let (_, local) = frame.namespaces.split(tag.name());
        let local = lower(local);
        if !NAMES.contains(&local.as_ref()) {
            return;
        }
        let elements = element::elements(xml, frame);
        let Some(first) = elements.first() else {
            return;
        };
        let own = texts::text(xml, first);
        match (first.ns, local.as_ref()) {
            (Ns::Core, "ttl") => self.ttl = positive(&own).map(|m| Duration::from_secs(60) * m),
            (Ns::Core, "skiphours") => self.skip_hours = each(xml, &elements, "hour", hour_bit),
            (Ns::Core, "skipdays") => {
                self.skip_days = each(xml, &elements, "day", day_bit) as u8;
            }
            (Ns::Syndication, "updateperiod") => self.period = period(&own),
            (Ns::Syndication, "updatefrequency") => self.frequency = positive(&own),
            _ => {}
        }
    }

    fn learn_member(&mut self, json: &str) {
        // Members may be large, and one name is looked for.
        if !json.starts_with("\"expired\"") {
            return;
        }
        let member = json::member(json);
        self.is_expired = member.is_some_and(|member| texts::string(json, &member) == "true");
    }
}

/// The bits that the children of this name stand for, together.
fn each(xml: &str, elements: &[Element<'_>], name: &str, bit: fn(&str) -> u32) -> u32 {
    elements
        .iter()
        .filter(|element| element.depth == 1 && element.is(Ns::Core, name))
        .fold(0, |bits, element| bits | bit(&texts::text(xml, element)))
}

/// Hours are 0 to 23; some count from 1 to 24, where 24 is midnight.
fn hour_bit(text: &str) -> u32 {
    text.parse::<u32>()
        .ok()
        .filter(|hour| *hour <= 24)
        .map_or(0, |hour| 1 << (hour % 24))
}

fn day_bit(text: &str) -> u32 {
    let text = text.to_ascii_lowercase();
    let day = WEEKDAYS.iter().position(|day| *day == text);
    day.map_or(0, |day| 1 << day)
}

fn period(text: &str) -> Option<Duration> {
    Some(match text.to_ascii_lowercase().as_str() {
        "hourly" => HOUR,
        "daily" => DAY,
        "weekly" => 7 * DAY,
        "monthly" => 30 * DAY,
        "yearly" => 365 * DAY,
        _ => return None,
    })
}

fn positive(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::rewrite::{FeedRewriter, Origin, RuleOptions, Rules};

    fn minutes(count: u64) -> Option<Duration> {
        Some(Duration::from_secs(60 * count))
    }

    /// What a whole document says, with no rules, byte by byte.
    fn read(document: &str) -> Hints {
        let rules = Arc::new(Rules::new(RuleOptions::default()).unwrap());
        let origin = Origin {
            url: "https://example.org/feed".parse().unwrap(),
            charset: None,
        };
        let mut rewriter = FeedRewriter::new(rules, origin);
        let mut out = String::new();
        for byte in document.as_bytes() {
            rewriter.push(&[*byte], &mut out);
        }
        rewriter.finish(&mut out);
        *rewriter.hints()
    }

    fn rss(children: &str) -> Hints {
        read(&format!(
            "<rss xmlns:sy=\"http://purl.org/rss/1.0/modules/syndication/\"><channel><title>T</title>\
             {children}<item><title>I</title><ttl>7</ttl></item></channel></rss>"
        ))
    }

    #[test]
    fn intervals() {
        for (children, expected) in [
            ("", None),
            ("<ttl>60</ttl>", minutes(60)),
            ("<ttl> 60\n</ttl>", minutes(60)),
            ("<TTL><![CDATA[60]]></TTL>", minutes(60)),
            ("<ttl>0</ttl>", None),
            ("<ttl>-5</ttl>", None),
            ("<ttl>soon</ttl>", None),
            ("<ttl>99999999999</ttl>", None),
            ("<ttl/>", None),
            ("<other:ttl>60</other:ttl>", None),
            ("<image><ttl>60</ttl></image>", None),
            ("<sy:updatePeriod>hourly</sy:updatePeriod>", minutes(60)),
            (
                "<sy:updatePeriod> Daily </sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>",
                minutes(360),
            ),
            ("<sy:updateFrequency>2</sy:updateFrequency>", minutes(720)),
            (
                "<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>",
                minutes(60),
            ),
            ("<sy:updatePeriod>now and then</sy:updatePeriod>", None),
            (
                "<ttl>30</ttl><sy:updatePeriod>hourly</sy:updatePeriod>",
                minutes(60),
            ),
            (
                "<ttl>90</ttl><sy:updatePeriod>hourly</sy:updatePeriod>",
                minutes(90),
            ),
        ] {
            assert_eq!(rss(children).interval(), expected, "{children}");
        }
    }

    #[test]
    fn hours_and_days_to_skip() {
        for (children, hours, days) in [
            (
                "<skipHours><hour>0</hour><hour>23</hour></skipHours>",
                1 | 1 << 23,
                0,
            ),
            (
                "<skipHours><hour>24</hour><hour>25</hour><hour>x</hour></skipHours>",
                1,
                0,
            ),
            (
                "<skipDays><day>Monday</day><day> sunday </day><day>Funday</day></skipDays>",
                0,
                1 | 1 << 6,
            ),
            ("<skipHours/>", 0, 0),
            ("<skipHours><x><hour>3</hour></x></skipHours>", 0, 0),
        ] {
            let hints = rss(children);
            assert_eq!(
                (hints.skip_hours, hints.skip_days),
                (hours, days),
                "{children}"
            );
        }
    }

    #[test]
    fn every_format() {
        let rdf = "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" \
                   xmlns=\"http://purl.org/rss/1.0/\" xmlns:s=\"http://purl.org/rss/1.0/modules/syndication/\">\
                   <channel rdf:about=\"x\"><title>T</title><s:updatePeriod>weekly</s:updatePeriod></channel></rdf:RDF>";
        assert_eq!(read(rdf).interval(), minutes(7 * 24 * 60));
        let atom = "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>T</title>\
                    <updatePeriod xmlns=\"http://purl.org/rss/1.0/modules/syndication/\">hourly</updatePeriod></feed>";
        assert_eq!(read(atom).interval(), minutes(60));
        let json = "{\"version\": \"https://jsonfeed.org/version/1.1\", \"title\": \"T\", \"expired\": true, \"items\": []}";
        assert!(read(json).is_expired);
        assert!(!read(&json.replace("true", "false")).is_expired);
    }
}
