//! Readers who ask for images and mirrored addresses without end, against the copies of feeds.

use feedwright::shares::Share;
use feedwright::store::Space;
use image::{ImageFormat, Rgb, RgbImage};

use crate::origin::{Origin, Reply, field};
use crate::reader::get;
use crate::service::{Service, feed_of};

const FEEDS: usize = 12;
const DISK_BYTES: u64 = 2 << 20;

/// How many addresses of each kind are asked for: `FEEDTEST_ADDRESSES`.
fn addresses() -> usize {
    let text = std::env::vars().find(|(key, _)| key == "FEEDTEST_ADDRESSES");
    text.map_or(400, |(_, text)| text.parse().unwrap())
}

/// An image of some 8 KiB that no other is like.
fn png(name: &str) -> Vec<u8> {
    let seed = name.bytes().fold(7_u32, |seed, byte| {
        seed.wrapping_mul(31).wrapping_add(byte.into())
    });
    let pixel = |x: u32, y: u32| {
        let noise = ((x * 50 + y) ^ seed)
            .wrapping_mul(2_654_435_761)
            .to_be_bytes();
        Rgb([noise[0], noise[1], noise[2]])
    };
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbImage::from_fn(50, 50, pixel)
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

async fn publisher() -> Origin {
    Origin::start(|head| {
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let fresh = [("cache-control", "max-age=86400")];
        match path.strip_prefix("/feed/") {
            Some(_) => Reply::ok(feed_of(20, 800).as_str()),
            None => Reply::status(200, &fresh, png(&path)),
        }
    })
    .await
}

fn toml(root: &std::path::Path) -> String {
    let feeds: String = (0..FEEDS)
        .map(|n| {
            format!(
                "[[feed]]\nname = 'f{n}'\nurl = 'http://PUBLISHER/feed/{n}'\nallow_private = ['PUBLISHER']\nrefresh = '12h'\nimages = 'none'\n"
            )
        })
        .collect();
    format!(
        "[store]\npath = '{}'\ndisk_bytes = '{DISK_BYTES}B'\nmemory_bytes = '2MiB'\n\
         [fetch]\nhost_spacing = '0s'\nhost_fetches_max = 64\n\
         [image]\nopen = true\nallow_private = ['PUBLISHER']\n\
         [[mirror]]\nname = 'm'\norigin = 'http://PUBLISHER/'\nallow_private = ['PUBLISHER']\n{feeds}",
        root.display()
    )
}

async fn attack(service: &Service, publisher: &Origin, round: &str) {
    for n in 0..addresses() {
        let source = format!("{}/{round}/{n}.png", publisher.address());
        let image = get(service.addr, &format!("/image?url={source}"), &[]).await;
        let mirror = get(service.addr, &format!("/mirror/m/{round}/{n}?x={n}"), &[]).await;
        assert_eq!((image.status, mirror.status), (200, 200), "{round} {n}");
    }
}

/// Asserts that every feed is there, without a fetch.
async fn check(service: &Service, publisher: &Origin, when: &str) {
    let fetches = |publisher: &Origin| {
        let seen = publisher.seen();
        seen.iter()
            .filter(|head| head.starts_with("GET /feed/"))
            .count()
    };
    let before = fetches(publisher);
    for n in 0..FEEDS {
        let answer = get(service.addr, &format!("/feeds/f{n}"), &[]).await;
        assert_eq!(answer.status, 200, "{when}");
    }
    assert_eq!(
        fetches(publisher),
        before,
        "{when}: a feed was fetched again"
    );
    let stored = service.app.store.list(Space::Feeds, "", None, 100).await;
    assert_eq!(stored.len(), FEEDS, "{when}");
    let (memory, disk) = (service.app.shelf.taken(), service.app.store.status().taken);
    for share in Share::ALL {
        let at = share.index();
        println!(
            "{when}: {} take {} bytes of memory, {} of disk",
            share.name(),
            memory[at],
            disk[at]
        );
    }
    assert!(memory.iter().sum::<u64>() <= 2 << 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d7_endless_addresses_leave_every_feed_in_memory_and_on_disk() {
    let root = tempfile::tempdir().unwrap();
    let publisher = publisher().await;
    let service = Service::start(&toml(root.path()), publisher.address()).await;
    for n in 0..FEEDS {
        assert_eq!(
            get(service.addr, &format!("/feeds/f{n}"), &[]).await.status,
            200
        );
    }
    attack(&service, &publisher, "first").await;
    check(&service, &publisher, "after the first attack").await;
    let seen = publisher.seen();
    assert!(seen.iter().any(|head| field(head, "via").is_some()));
    let app = std::sync::Arc::clone(&service.app);
    service.drain().await;
    app.close().await;
    drop(app);
    let service = Service::start(&toml(root.path()), publisher.address()).await;
    attack(&service, &publisher, "second").await;
    check(
        &service,
        &publisher,
        "after a restart and the second attack",
    )
    .await;
    let app = std::sync::Arc::clone(&service.app);
    service.drain().await;
    app.close().await;
}
