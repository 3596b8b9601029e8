//! Dates that say with a sign what each number is: `2026年2月3日`, `2026년 2월 3일`.

/// Korean dates name no zone.
pub(super) const KOREA_SECONDS: i64 = 9 * 3600;

/// English names of months, which stand for the number of one.
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The halves of a day, in Korean, Chinese and Japanese; whether it is the second.
const HALVES: [(&str, bool); 6] = [
    ("오전", false),
    ("오후", true),
    ("上午", false),
    ("下午", true),
    ("午前", false),
    ("午後", true),
];

/// The same date in words that other dates have; `None` when it is none of these.
pub(super) fn spelled(text: &str) -> Option<String> {
    let is_korean = text.contains('년');
    let (year, rest) = text.split_once(['年', '년'])?;
    let (month, rest) = rest.split_once(['月', '월'])?;
    let (day, rest) = rest.split_once(['日', '일', '号'])?;
    let month: usize = month.trim().parse().ok()?;
    let month = MONTHS.get(month.checked_sub(1)?)?;
    let (mut rest, mut half) = (rest.trim().to_owned(), "");
    for (name, is_second) in HALVES {
        if let Some(at) = rest.find(name) {
            half = if is_second { "PM" } else { "AM" };
            rest.replace_range(at..at + name.len(), " ");
        }
    }
    // A weekday in brackets, and hours, minutes and seconds with their signs.
    let clock = rest
        .replace(['時', '时', '시', '分', '분'], ":")
        .replace(['秒', '초'], "");
    let clock: Vec<_> = clock
        .split_whitespace()
        .filter(|word| !is_weekday(word))
        .collect();
    let clock = clock.join(" ");
    let clock = clock.trim_end_matches(':').replace(": ", ":");
    let has_zone = clock.contains(['+', '-']) || clock.contains(|c: char| c.is_ascii_alphabetic());
    let zone = if is_korean && !has_zone { "+0900" } else { "" };
    Some(format!(
        "{} {month} {} {clock} {half} {zone}",
        day.trim(),
        year.trim()
    ))
}

/// `星期二`, `火曜日`, `(화)`
fn is_weekday(word: &str) -> bool {
    let first = word.trim_start_matches(['(', '（', '[']).chars().next();
    first.is_some_and(|first| !first.is_ascii())
}

/// The half of the day that `text` starts with (`true`: the second), and what follows.
pub(super) fn half_of_day(text: &str) -> Option<(bool, &str)> {
    let mut halves = HALVES.iter();
    halves.find_map(|(name, is_second)| Some((*is_second, text.strip_prefix(name)?)))
}
