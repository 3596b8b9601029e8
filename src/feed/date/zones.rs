//! Names of time zones.

/// The names of RFC 822 §5.1, in minutes from UTC; then those that other programs write. Where a name
/// stands for several zones it is that of most feeds: `CST` is America's, `IST` India's, `BST` Britain's.
const ZONES: &[(&str, i64)] = &[
    ("gmt", 0),
    ("utc", 0),
    ("ut", 0),
    ("z", 0),
    ("est", -300),
    ("edt", -240),
    ("cst", -360),
    ("cdt", -300),
    ("mst", -420),
    ("mdt", -360),
    ("pst", -480),
    ("pdt", -420),
    // Without a season, as feedparser has them.
    ("at", -240),
    ("et", -300),
    ("ct", -360),
    ("mt", -420),
    ("pt", -480),
    // America.
    ("ast", -240),
    ("adt", -180),
    ("nst", -210),
    ("ndt", -150),
    ("akst", -540),
    ("akdt", -480),
    ("hst", -600),
    ("brt", -180),
    ("brst", -120),
    ("art", -180),
    ("uyt", -180),
    ("clt", -240),
    ("clst", -180),
    ("bot", -240),
    ("vet", -240),
    ("cot", -300),
    ("pet", -300),
    ("ect", -300),
    // Europe and Africa.
    ("wet", 0),
    ("west", 60),
    ("bst", 60),
    ("cet", 60),
    ("cest", 120),
    ("met", 60),
    ("mest", 120),
    ("mez", 60),
    ("mesz", 120),
    ("eet", 120),
    ("eest", 180),
    ("msk", 180),
    ("msd", 240),
    ("trt", 180),
    ("samt", 240),
    ("wat", 60),
    ("cat", 120),
    ("sast", 120),
    ("eat", 180),
    // Asia.
    ("idt", 180),
    ("irst", 210),
    ("gst", 240),
    ("azt", 240),
    ("amt", 240),
    ("yekt", 300),
    ("uzt", 300),
    ("pkt", 300),
    ("ist", 330),
    ("npt", 345),
    ("omst", 360),
    ("almt", 300),
    ("bdt", 360),
    ("mmt", 390),
    ("krat", 420),
    ("novt", 420),
    ("ict", 420),
    ("wib", 420),
    ("wita", 480),
    ("wit", 540),
    ("irkt", 480),
    ("hkt", 480),
    ("sgt", 480),
    ("myt", 480),
    ("pht", 480),
    ("ulat", 480),
    ("yakt", 540),
    ("jst", 540),
    ("kst", 540),
    ("vlat", 600),
    ("magt", 660),
    ("pett", 720),
    // Australia and the Pacific.
    ("awst", 480),
    ("acst", 570),
    ("acdt", 630),
    ("aest", 600),
    ("aedt", 660),
    ("nzst", 720),
    ("nzdt", 780),
    ("chst", 600),
    ("sst", -660),
];

/// Minutes east of UTC of a zone by its name. One that nobody knows is read as UTC, as feedparser
/// does it, where it looks like a name: an abbreviation in capitals, or `Europe/Berlin`.
pub(super) fn minutes(name: &str) -> Option<i64> {
    let bare = name.strip_prefix("Etc/").unwrap_or(name);
    let known = ZONES
        .iter()
        .find(|(zone, _)| zone.eq_ignore_ascii_case(bare));
    if let Some((_, minutes)) = known {
        return Some(*minutes);
    }
    let is_abbreviation =
        (1..=5).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_place = name.split('/').count() > 1
        && name
            .split('/')
            .all(|part| part.starts_with(|letter: char| letter.is_ascii_uppercase()));
    // RFC 2822 §4.3: nobody used the military letters the right way round, they mean nothing.
    let is_letter = name.len() == 1 && name.bytes().all(|byte| byte.is_ascii_alphabetic());
    (is_abbreviation || is_place || is_letter).then_some(0)
}
