//! Names of months and weekdays, in English and other languages.

use std::sync::LazyLock;

/// The months by their full names; any beginning of three letters or more means the month.
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The weekdays by their full names, from Monday, found like months.
pub(crate) const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// Those of other languages, a line for each month and weekday.
const OTHERS: &str = include_str!("names.txt");

/// What programs write that is in no list: months and weekdays of feedparser's Greek and Hungarian
/// dates, and short forms that German programs write.
const MORE: &str = "\
m1 ιαν\nm2 φεβ februári\nm3 μάώ μαώ mär mrz\nm4 απρ\nm5 μάι μαϊ μαι\nm6 ιούν ιον\nm7 ιούλ ιολ\n\
m8 αύγ αυγ\nm9 σεπ\nm10 οκτ\nm11 νοέ νοε\nm12 δεκ\n\
d1 δευ\nd2 τρι\nd3 τετ\nd4 πεμ\nd5 παρ\nd6 σαβ\nd7 κυρ";

/// Names are found by their beginnings from so many letters on.
const LETTERS_MIN: usize = 3;

/// What a word may mean: months and weekdays as bits, January and Monday the lowest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) months: u16,
    pub(super) weekdays: u8,
}

impl Meaning {
    fn with(self, other: Self) -> Self {
        Self {
            months: self.months | other.months,
            weekdays: self.weekdays | other.weekdays,
        }
    }
}

/// The names of [`OTHERS`] and [`MORE`], sorted.
static NAMES: LazyLock<Vec<(&'static str, Meaning)>> = LazyLock::new(|| {
    let mut names: Vec<_> = OTHERS.lines().chain(MORE.lines()).flat_map(line).collect();
    names.sort_by_key(|(name, _)| *name);
    names
});

/// The names of one line; those of a comment mean nothing.
fn line(text: &'static str) -> impl Iterator<Item = (&'static str, Meaning)> {
    let (key, names) = text.split_once(' ').unwrap_or_default();
    let number = |letter: char| Some(key.strip_prefix(letter)?.parse::<u32>().ok()? - 1);
    let meaning = Meaning {
        months: number('m').map_or(0, |month| 1 << month),
        weekdays: number('d').map_or(0, |day| 1 << day),
    };
    let names = names.split(' ').filter(|name| !name.is_empty());
    names.map(move |name| (name, meaning))
}

/// What `word` means; `None` when it is no name. English comes first.
pub(super) fn read(word: &str) -> Option<Meaning> {
    if let Some(month) = position(&MONTHS, word) {
        let months = 1 << month;
        // French and Italian call Tuesday `mar`.
        let weekdays = exact(&word.to_lowercase()).weekdays;
        return Some(Meaning { months, weekdays });
    }
    if let Some(day) = position(&WEEKDAYS, word) {
        return Some(Meaning {
            months: 0,
            weekdays: 1 << day,
        });
    }
    let word = word.to_lowercase();
    let found = match exact(&word) {
        found if found != Meaning::default() => found,
        _ if word.chars().count() < LETTERS_MIN => return None,
        _ => union(&word, |name| name.starts_with(&*word)),
    };
    (found != Meaning::default()).then_some(found)
}

/// What a word means that is a name as it is in the list.
fn exact(word: &str) -> Meaning {
    union(word, |name| name == word)
}

/// What the names mean together that are meant, the first of which is no less than `from`.
fn union(from: &str, is_meant: impl Fn(&str) -> bool) -> Meaning {
    let first = NAMES.partition_point(|(name, _)| *name < from);
    let meant = NAMES[first..].iter().take_while(|(name, _)| is_meant(name));
    meant.fold(Meaning::default(), |all, (_, one)| all.with(*one))
}

/// The name that `word` is, or begins with at least three letters.
fn position(names: &[&str], word: &str) -> Option<usize> {
    let is_beginning = |name: &str| {
        name.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let is_long = word.len() >= LETTERS_MIN;
    is_long
        .then(|| names.iter().position(|name| is_beginning(name)))
        .flatten()
}
