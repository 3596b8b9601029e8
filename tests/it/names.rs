//! Names, looked up at a scripted name server.

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use feedwright::upstream::{Lookup, NamesOptions, ResolverKind, names};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RecordType;

use crate::dns::{NameServer, Says};
use crate::origin::{Origin, Reply};
use crate::reader::get;
use crate::service::{Service, feed_of};

const V4: &str = "198.51.100.7";
const V6: &str = "2001:db8::7";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn addresses(texts: &[&str]) -> Says {
    Says::Addresses(300, texts.iter().map(|text| ip(text)).collect())
}

/// A system whose two files are in this folder.
fn system(folder: &Path, server: &NameServer) -> Lookup {
    names(NamesOptions {
        kind: ResolverKind::Dns,
        resolv_conf: folder.join("resolv.conf"),
        hosts: folder.join("hosts"),
        port: server.address.port(),
    })
}

async fn ask(lookup: &Lookup, name: &str) -> Result<Vec<String>, io::ErrorKind> {
    match lookup(name.to_owned()).await {
        Ok(found) => {
            let mut found: Vec<_> = found.iter().map(ToString::to_string).collect();
            found.sort_unstable();
            Ok(found)
        }
        Err(error) => Err(error.kind()),
    }
}

fn found(texts: &[&str]) -> Result<Vec<String>, io::ErrorKind> {
    Ok(texts.iter().map(|text| (*text).to_owned()).collect())
}

#[tokio::test]
async fn both_kinds_of_addresses_are_asked_for_once_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let server = NameServer::start(|(name, kind, _)| match (name.as_str(), *kind) {
        ("both.example", _) => addresses(&[V4, V6]),
        ("four.example", RecordType::A) => addresses(&[V4]),
        ("four.example", _) => Says::Code(ResponseCode::ServFail),
        ("alias.example", _) => Says::Alias("target.example.", vec![ip(V4)]),
        ("zero.example", _) => Says::Addresses(0, vec![ip(V4)]),
        _ => Says::Code(ResponseCode::NXDomain),
    })
    .await;
    // Without a file this machine is asked.
    let lookup = system(folder.path(), &server);
    for _ in 0..2 {
        for (name, expected) in [
            ("both.example.", found(&[V4, V6])),
            ("BOTH.example.", found(&[V4, V6])),
            ("four.example.", found(&[V4])),
            ("alias.example.", found(&[V4])),
            // A fetch is prepared by a lookup of its own.
            ("zero.example.", found(&[V4])),
            ("none.example.", Err(io::ErrorKind::NotFound)),
            ("localhost", found(&["127.0.0.1", "::1"])),
        ] {
            assert_eq!(ask(&lookup, name).await, expected, "{name}");
        }
    }
    let asked = server.asked();
    for (name, kind) in [
        ("both.example", RecordType::A),
        ("both.example", RecordType::AAAA),
        ("none.example", RecordType::A),
        ("zero.example", RecordType::A),
        ("localhost", RecordType::A),
    ] {
        let times = asked.iter().filter(|one| one.0 == name && one.1 == kind);
        assert_eq!(
            times.count(),
            usize::from(name != "localhost"),
            "{name} {kind}"
        );
    }
}

#[tokio::test]
async fn many_who_ask_for_one_name_are_one_lookup() {
    let folder = tempfile::tempdir().unwrap();
    let server = NameServer::start(|_| addresses(&[V4])).await;
    let lookup = system(folder.path(), &server);
    let asking = (0..100).map(|_| ask(&lookup, "one.example."));
    for answer in futures_util::future::join_all(asking).await {
        assert_eq!(answer, found(&[V4]));
    }
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn short_names_are_searched_for_and_absolute_ones_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let conf = "nameserver 127.0.0.1\nsearch a.test b.test\noptions ndots:2\n";
    std::fs::write(folder.path().join("resolv.conf"), conf).unwrap();
    let server = NameServer::start(|(name, _, _)| match name.as_str() {
        "nas.b.test" | "x.example" => addresses(&[V4]),
        _ => Says::Code(ResponseCode::NXDomain),
    })
    .await;
    let lookup = system(folder.path(), &server);
    assert_eq!(ask(&lookup, "nas").await, found(&[V4]));
    assert_eq!(ask(&lookup, "x.example").await, found(&[V4]));
    assert_eq!(ask(&lookup, "nas.").await, Err(io::ErrorKind::NotFound));
    let expected = [
        "nas.a.test",
        "nas.b.test",
        "x.example.a.test",
        "x.example.b.test",
        "x.example",
        "nas",
    ];
    assert_eq!(server.names(), expected);
}

#[tokio::test]
async fn what_is_too_long_for_udp_comes_over_tcp() {
    let folder = tempfile::tempdir().unwrap();
    let many: Vec<IpAddr> = (0..200)
        .map(|last| ip(&format!("198.51.100.{last}")))
        .collect();
    let server = NameServer::start(move |(_, _, is_tcp)| match is_tcp {
        false => Says::Truncated,
        true => Says::Addresses(60, many.clone()),
    })
    .await;
    let lookup = system(folder.path(), &server);
    let answer = ask(&lookup, "many.example.").await.unwrap();
    // More than anybody needs is left out.
    assert_eq!(answer.len(), 32);
    std::fs::write(folder.path().join("resolv.conf"), "options use-vc\n").unwrap();
    let only_tcp = system(folder.path(), &server);
    assert_eq!(ask(&only_tcp, "other.example.").await.unwrap().len(), 32);
    let over_udp = server.asked().into_iter().filter(|(_, _, is_tcp)| !is_tcp);
    assert!(
        over_udp
            .map(|(name, _, _)| name)
            .all(|name| name == "many.example")
    );
}

#[tokio::test]
async fn the_next_server_is_asked_where_one_fails_is_silent_or_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let conf = "nameserver 127.0.0.3\nnameserver 127.0.0.2\nnameserver 127.0.0.1\n";
    std::fs::write(folder.path().join("resolv.conf"), conf).unwrap();
    let last = NameServer::start(|_| addresses(&[V4])).await;
    let mut at = last.address;
    at.set_ip(ip("127.0.0.2"));
    let second = NameServer::start_at(at, |(name, _, _)| match name.starts_with("fail") {
        true => Says::Code(ResponseCode::ServFail),
        false => Says::Silence,
    })
    .await;
    let lookup = system(folder.path(), &last);
    assert_eq!(ask(&lookup, "fail.example.").await, found(&[V4]));
    assert_eq!(ask(&lookup, "silent.example.").await, found(&[V4]));
    assert_eq!(second.names(), ["fail.example", "silent.example"]);
    assert_eq!(last.names(), ["fail.example", "silent.example"]);
    // Nobody at all: that is known at once, and soon asked again.
    second.stop();
    last.stop();
    tokio::task::yield_now().await;
    let answer = tokio::time::timeout(Duration::from_secs(20), ask(&lookup, "gone.example."));
    assert!(answer.await.unwrap().is_err());
}

#[tokio::test]
async fn files_that_change_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = NameServer::start(|(name, _, _)| match name.as_str() {
        "nas.new.test" | "kept.example" => addresses(&[V4]),
        _ => Says::Code(ResponseCode::NXDomain),
    })
    .await;
    let hosts = folder.path().join("hosts");
    std::fs::write(&hosts, "10.0.0.1 box.lan box\n").unwrap();
    let lookup = system(folder.path(), &server);
    for name in ["box", "box.lan", "BOX.lan."] {
        assert_eq!(ask(&lookup, name).await, found(&["10.0.0.1"]), "{name}");
    }
    assert_eq!(ask(&lookup, "nas").await, Err(io::ErrorKind::NotFound));
    assert_eq!(ask(&lookup, "kept.example.").await, found(&[V4]));
    std::fs::write(&hosts, "10.0.0.22 box\n10.0.0.3 kept.example\n").unwrap();
    std::fs::write(folder.path().join("resolv.conf"), "search new.test\n").unwrap();
    // It is looked at them once a second.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(ask(&lookup, "box").await, found(&["10.0.0.22"]));
    assert_eq!(ask(&lookup, "box.lan.").await, Err(io::ErrorKind::NotFound));
    assert_eq!(ask(&lookup, "nas").await, found(&[V4]));
    assert_eq!(ask(&lookup, "kept.example.").await, found(&["10.0.0.3"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_nobody_answers_for_hold_up_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let server = NameServer::start(|(name, _, _)| match name.starts_with("dead") {
        true => Says::Silence,
        false => addresses(&[V4]),
    })
    .await;
    let lookup = system(folder.path(), &server);
    assert_eq!(ask(&lookup, "known.example.").await, found(&[V4]));
    let mut dead = tokio::task::JoinSet::new();
    for at in 0..3_000 {
        let asking = lookup(format!("dead{at}.example."));
        dead.spawn(asking);
    }
    while server.asked().len() < 200 {
        tokio::task::yield_now().await;
    }
    // In the order in which they came, none of them would be looked up before its time is over. A
    // machine that is busy with others may miss one.
    let mut is_found = false;
    for at in 0..5 {
        is_found |= ask(&lookup, &format!("new{at}.example.")).await == found(&[V4]);
    }
    assert!(is_found);
    let known = tokio::time::timeout(Duration::from_secs(10), ask(&lookup, "known.example."));
    assert_eq!(known.await.unwrap(), found(&[V4]));
    dead.abort_all();
}

/// The fetches that are under way at the same time are fewer.
const DEAD_FEEDS: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn n2_feeds_with_dead_names_delay_no_other_feed() {
    let publisher = Origin::start(|_| Reply::ok(feed_of(3, 100))).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let lookup: Lookup = Arc::new(move |name| {
        counted.fetch_add(1, Ordering::SeqCst);
        match name.starts_with("dead") {
            true => Box::pin(std::future::pending()),
            false => Box::pin(async { Ok(vec![ip("127.0.0.1")]) }),
        }
    });
    let port = publisher.address().port();
    let mut toml = format!(
        "[fetch]\nconnect_timeout = \"10m\"\n[[feed]]\nname = \"good\"\nurl = \"http://good.test:{port}/\"\n\
         allow_private = [\"good.test:{port}\"]\n"
    );
    for at in 0..DEAD_FEEDS {
        toml += &format!("[[feed]]\nname = \"dead{at}\"\nurl = \"http://dead{at}.example.org/\"\n");
    }
    let service = Service::with_names(&toml, publisher.address(), Some(lookup)).await;
    let mut readers = tokio::task::JoinSet::new();
    for at in 0..DEAD_FEEDS {
        let address = service.addr;
        readers.spawn(async move { get(address, &format!("/feeds/dead{at}"), &[]).await });
    }
    while asked.load(Ordering::SeqCst) < DEAD_FEEDS {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let good = tokio::time::timeout(
        Duration::from_secs(60),
        get(service.addr, "/feeds/good", &[]),
    );
    assert_eq!(good.await.unwrap().status, 200);
    readers.abort_all();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_systems_own_resolver_can_be_had() {
    let lookup = names(ResolverKind::System);
    let local = ask(&lookup, "localhost").await.unwrap();
    assert!(local.contains(&"127.0.0.1".to_owned()), "{local:?}");
    assert!(ask(&lookup, "no-such-name.invalid.").await.is_err());
}
