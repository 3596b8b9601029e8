//! What stays and what goes, whoever fills the memory.

use super::*;

struct Letters(usize);
struct Digits(usize);

impl Kept for Letters {
    fn weight_bytes(&self) -> usize {
        self.0
    }
    fn share(_: &str) -> Share {
        Share::Feeds
    }
}
impl Kept for Digits {
    fn weight_bytes(&self) -> usize {
        self.0
    }
    fn share(key: &str) -> Share {
        match key.starts_with("i ") {
            true => Share::Images,
            false => Share::Mirrors,
        }
    }
}

fn key(text: &str) -> Arc<str> {
    Arc::from(text)
}

fn shelf(memory_bytes: u64) -> Shelf {
    Shelf::new(memory_bytes, Shares::default())
}

#[test]
fn the_budget_holds_at_every_moment_for_large_values_too() {
    let shelf = shelf(16 << 20);
    for n in 0..200 {
        shelf.insert(&key(&format!("d {n}")), Arc::new(Digits(1 << 20)));
        assert!(shelf.taken().iter().sum::<u64>() <= 16 << 20);
        // What is held, whatever is said of it.
        assert!(shelf.all::<Digits>().len() <= 15);
    }
    assert!(shelf.all::<Digits>().len() > 10, "free room was left");
    shelf.insert(&key("d 199"), Arc::new(Digits(17 << 20)));
    assert!(shelf.peek::<Digits>(&key("d 199")).is_none());
    for (key, _) in shelf.all::<Digits>() {
        shelf.remove::<Digits>(&key);
    }
    assert_eq!(shelf.taken(), [0; 4]);
}

#[test]
fn kinds_share_the_budget_and_never_each_others_values() {
    let shelf = shelf(10 << 10);
    shelf.insert(&key("a"), Arc::new(Letters(1 << 10)));
    shelf.insert(&key("b"), Arc::new(Digits(1 << 10)));
    assert!(shelf.get::<Digits>(&key("a")).is_none());
    assert!(shelf.get::<Letters>(&key("b")).is_none());
    assert!(shelf.get::<Letters>(&key("a")).is_some());
    assert_eq!(
        (shelf.all::<Letters>().len(), shelf.all::<Digits>().len()),
        (1, 1)
    );
}

#[test]
fn what_readers_ask_for_without_end_leaves_every_feed() {
    let shelf = shelf(1 << 20);
    let feeds: Vec<_> = (0..100).map(|n| key(&format!("feed-{n}"))).collect();
    // 100 of some 4 KiB are less than 40 % of a MiB.
    for feed in &feeds {
        shelf.insert(feed, Arc::new(Letters(3_900)));
    }
    for n in 0..20_000 {
        let of = if n % 2 == 0 { "i" } else { "m" };
        shelf.insert(&key(&format!("{of} {n}")), Arc::new(Digits(700 + n % 900)));
        assert!(shelf.taken().iter().sum::<u64>() <= 1 << 20);
    }
    assert!(
        feeds
            .iter()
            .all(|feed| shelf.peek::<Letters>(feed).is_some())
    );
    // And a burst of one leaves the other its share.
    for n in 0..5_000 {
        shelf.insert(&key(&format!("i more {n}")), Arc::new(Digits(1_000)));
    }
    assert!(
        shelf.taken()[3] + 2_000 > (1 << 20) / 5,
        "{:?}",
        shelf.taken()
    );
    assert!(
        feeds
            .iter()
            .all(|feed| shelf.peek::<Letters>(feed).is_some())
    );
}

#[test]
fn feeds_beyond_their_share_use_free_room_and_then_the_longest_unread_go() {
    let shelf = shelf(1 << 20);
    let feed = |n: usize| key(&format!("feed-{n}"));
    for n in 0..2_000 {
        shelf.insert(&feed(n), Arc::new(Letters(1_000)));
        // A refresh that no reader asked for is no reading; a look of our own is none either.
        shelf.insert(&feed(1), Arc::new(Letters(1_000)));
        shelf.peek::<Letters>(&feed(1));
        // One is read all the time.
        assert!(shelf.get::<Letters>(&feed(0)).is_some(), "{n}");
    }
    assert!(shelf.taken()[0] > (1 << 20) / 10 * 9, "{:?}", shelf.taken());
    let kept: Vec<_> = (2..2_000)
        .filter(|n| shelf.peek::<Letters>(&feed(*n)).is_some())
        .collect();
    assert_eq!(
        kept.first().copied(),
        Some(2_000 - kept.len()),
        "not the longest unread"
    );
    // Others take their own share back, and no more.
    for n in 0..5_000 {
        shelf.insert(&key(&format!("i {n}")), Arc::new(Digits(1_000)));
    }
    let [of_feeds, _, of_images, _] = shelf.taken();
    assert!(of_images <= (1 << 20) / 5 + 2_000 && of_feeds > (1 << 20) / 10 * 7);
    shelf.set_shares(Shares::new([10, 10, 70, 10]).unwrap());
    for n in 0..5_000 {
        shelf.insert(&key(&format!("i more {n}")), Arc::new(Digits(1_000)));
    }
    assert!(shelf.taken()[2] > (1 << 20) / 10 * 6, "{:?}", shelf.taken());
}

#[test]
fn many_at_once_keep_the_budget_and_count_right() {
    let shelf = shelf(1 << 20);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let shelf = &shelf;
            scope.spawn(move || {
                for n in 0..3_000 {
                    let key = key(&format!(
                        "{} {}",
                        if n % 3 == 0 { "i" } else { "m" },
                        (n * 7 + thread) % 1_500
                    ));
                    match n % 5 {
                        0 => shelf.remove::<Digits>(&key),
                        1 => drop(shelf.get::<Digits>(&key)),
                        _ => shelf.insert(&key, Arc::new(Digits(500 + n % 1_000))),
                    }
                }
            });
        }
    });
    let weighed: u64 = shelf
        .all::<Digits>()
        .iter()
        .map(|(key, value)| (value.0 + key.len()) as u64 + SLOT_BYTES)
        .sum();
    assert_eq!(weighed, shelf.taken().iter().sum::<u64>());
    assert!(weighed <= 1 << 20);
}
