//! What upstreams answer that is neither a feed nor a plain failure: confirmations that nobody asked
//! for, moves, circles.

use std::time::Duration;

use crate::origin::{Origin, Reply, field};
use crate::reader::Answer;
use crate::service::feed_of;
use crate::simulation::Simulation;

const MINUTE: Duration = Duration::from_secs(60);
/// Feeds are fetched when readers ask, so that a test knows who meets what.
const FEED: &str = "[[feed]]\nname = \"news\"\nurl = \"http://PUBLISHER/feed.xml\"\nallow_private = [\"PUBLISHER\"]\nactive_for = \"0s\"\n";

fn good() -> Reply {
    Reply::ok(feed_of(3, 100))
}

/// The publisher gives these replies; a reader asks for each `asked` of them, long after the last.
async fn played(replies: Vec<Reply>, asked: usize) -> (Vec<Answer>, Vec<String>, Simulation) {
    let origin = Origin::script(replies).await;
    let mut service = Simulation::start(FEED, origin.address()).await;
    let mut answers = Vec::new();
    for _ in 0..asked {
        answers.push(service.read("/feeds/news", &[]).await);
        service.pass_in(MINUTE, 5 * 60 * MINUTE).await;
    }
    (answers, origin.seen(), service)
}

fn status(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.header("cache-status"))
}

#[tokio::test(start_paused = true)]
async fn u8_a_304_that_nobody_asked_for_is_asked_about_once_more() {
    let unasked = || Reply::status(304, &[], "");
    let (answers, seen, _) = played(vec![unasked(), good()], 1).await;
    assert_eq!(
        (answers[0].status, answers[0].whole, seen.len()),
        (200, true, 2)
    );
    assert!(answers[0].text().contains("news-2</guid>"));

    let (answers, seen, _) = played(vec![unasked()], 1).await;
    let expected = "Feedwright; fwd=uri-miss; detail=protocol";
    assert_eq!((status(&answers[0]), seen.len()), ((502, expected), 2));

    let (answers, seen, _) = played(vec![good(), unasked()], 2).await;
    assert_eq!(answers[1].body, answers[0].body);
    assert!(
        answers[1]
            .header("cache-status")
            .ends_with("detail=protocol")
    );
    assert_eq!(seen.len(), 3);
    for head in seen {
        assert_eq!(field(&head, "if-none-match"), None);
        assert_eq!(field(&head, "if-modified-since"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn u9_a_304_brings_new_validators_and_a_new_freshness() {
    let first = Reply::status(
        200,
        &[("etag", "\"1\""), ("cache-control", "max-age=3600")],
        feed_of(3, 100),
    );
    let confirmed = [("etag", "\"2\""), ("cache-control", "max-age=16200")];
    let confirmed = Reply::status(304, &confirmed, "");
    let (answers, seen, _) = played(vec![first, confirmed, Reply::status(304, &[], "")], 4).await;
    let max_age = |answer: &Answer| {
        let value = answer
            .header("cache-control")
            .trim_start_matches("public, max-age=")
            .to_owned();
        value.parse::<u64>().unwrap()
    };
    assert!((3_600..=4_320).contains(&max_age(&answers[0])));
    assert!(
        (16_199..=19_440).contains(&max_age(&answers[1])),
        "{}",
        max_age(&answers[1])
    );
    let asked = |answer: &&Answer| {
        answer
            .header("cache-status")
            .starts_with("Feedwright; fwd=stale")
    };
    let last = answers[2..].iter().find(asked).unwrap();
    assert!(max_age(last) >= 16_199, "what it does not say is as it was");
    assert_eq!(answers[1].body, answers[0].body);
    assert_eq!(answers[1].header("etag"), answers[0].header("etag"));
    let asked: Vec<_> = seen
        .iter()
        .map(|head| field(head, "if-none-match"))
        .collect();
    assert_eq!(asked[..3], [None, Some("\"1\""), Some("\"2\"")]);
}

#[tokio::test(start_paused = true)]
async fn u12_redirects_that_lead_nowhere() {
    let to = |location: &str| Reply::redirect(302, location);
    for (bad, reason) in [
        (to("/feed.xml"), "redirect"),
        (Reply::status(302, &[], ""), "redirect"),
        (to(""), "redirect"),
        (to("ftp://example.org/feed.xml"), "refused"),
        (to("file:///etc/passwd"), "refused"),
        (to("http://127.0.0.1:1/"), "refused"),
        (to("http://u:p@127.0.0.1:1/"), "refused"),
    ] {
        let (answers, ..) = played(vec![bad.clone()], 1).await;
        assert_eq!(answers[0].status, 502, "{reason}");
        assert!(
            answers[0].header("cache-status").ends_with(reason),
            "{:?}",
            status(&answers[0])
        );
        let (answers, ..) = played(vec![good(), bad], 2).await;
        assert_eq!(
            (answers[1].status, &answers[1].body),
            (200, &answers[0].body)
        );
        assert!(
            answers[1].header("cache-status").ends_with(reason),
            "{:?}",
            status(&answers[1])
        );
    }
    let far = |hop: &str| {
        let hop = hop.trim_start_matches("/feed.xml").len();
        Reply::redirect(302, &format!("/feed.xml{}", "x".repeat(hop + 1)))
    };
    let origin = Origin::start(move |head| far(head.split(' ').nth(1).unwrap())).await;
    let mut service = Simulation::start(FEED, origin.address()).await;
    let answer = service.read("/feeds/news", &[]).await;
    assert_eq!(
        status(&answer),
        (502, "Feedwright; fwd=uri-miss; detail=redirect")
    );
    assert_eq!(origin.seen().len(), 6, "five are followed");
}

#[tokio::test(start_paused = true)]
async fn u13_u14_a_move_is_followed_each_time_told_where_it_is_for_good_and_never_kept() {
    for (code, is_for_good) in [
        (301, true),
        (308, true),
        (302, false),
        (303, false),
        (307, false),
    ] {
        let moved = Reply::redirect(code, "/new.xml");
        let (answers, seen, mut service) =
            played(vec![moved.clone(), good(), moved, good()], 2).await;
        assert!(answers.iter().all(|answer| answer.status == 200), "{code}");
        let paths: Vec<_> = seen
            .iter()
            .map(|head| head.split(' ').nth(1).unwrap())
            .collect();
        assert_eq!(
            paths,
            ["/feed.xml", "/new.xml", "/feed.xml", "/new.xml"],
            "{code}"
        );
        let past = service.app.feed("news").unwrap().track.past();
        assert_eq!(past.moved_to.is_some(), is_for_good, "{code}");
        let page = service.read("/", &[]).await;
        assert_eq!(
            page.text().contains("It moved to 127.0.0.1 for good"),
            is_for_good
        );
        service.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn f3_entity_tags_change_when_the_bytes_do_and_only_then() {
    let feed = |items: usize| {
        Reply::status(
            200,
            &[("etag", "\"the same for all\"")],
            feed_of(items, 100),
        )
    };
    let (answers, ..) = played(vec![feed(3), feed(3), feed(4)], 3).await;
    let tags: Vec<_> = answers.iter().map(|answer| answer.header("etag")).collect();
    assert!(
        tags[0].starts_with('"') && tags[0].ends_with('"'),
        "strong: {}",
        tags[0]
    );
    assert_eq!(tags[0], tags[1]);
    assert_ne!(tags[1], tags[2]);
    // Another configuration, another tag, where it makes other bytes.
    let origin = Origin::script(vec![feed(3)]).await;
    let toml = format!("{FEED}images = \"weserv\"\n");
    let mut service = Simulation::start(&toml, origin.address()).await;
    let other = service.read("/feeds/news", &[]).await;
    assert_ne!(
        (other.header("etag"), &other.body),
        (tags[0], &answers[0].body)
    );
    for known in [tags[0], other.header("etag")] {
        let list = format!("\"x\", W/{known}");
        let answer = service
            .read("/feeds/news", &[("if-none-match", &list)])
            .await;
        let expected = if known == tags[0] { 200 } else { 304 };
        assert_eq!(answer.status, expected);
    }
    let any = service.read("/feeds/news", &[("if-none-match", "*")]).await;
    assert_eq!((any.status, any.body.len()), (304, 0));
}

#[tokio::test(start_paused = true)]
async fn f2_items_that_the_publisher_takes_away_are_gone_here_too() {
    let (answers, ..) = played(
        vec![Reply::ok(feed_of(5, 100)), Reply::ok(feed_of(2, 100))],
        2,
    )
    .await;
    for (answer, items) in answers.iter().zip([5, 2]) {
        assert_eq!(answer.text().matches("</item>").count(), items);
    }
    assert_ne!(answers[0].header("etag"), answers[1].header("etag"));
}
