//! Nobody reaches where they shouldn't. What is counted is connections that canaries accepted, not
//! error codes: every address of the list is tried as a configured upstream, as the target of a
//! redirect, and as the answer of a name server.
//!
//! On a plain machine the canaries stand on loopback, so that connections to other addresses would
//! go unseen; `tests/ssrf-netns.sh` runs the same tests in a network namespace where every address
//! there is belongs to the canary. `FEEDTEST_SSRF_VECTORS` names a file of further addresses, one
//! a line.

mod vectors;

use crate::origin::{Origin, Reply};
use feedwright::upstream::guard::{Hop, check_url};
use feedwright::upstream::{
    FetchError, FetchOptions, HostPort, Lookup, Upstream, UpstreamClient, Validators,
};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpStream;
use url::{Host, Url};

/// Set in the network namespace, where all addresses are local.
const NETNS: &str = "FEEDWRIGHT_SSRF_NETNS";

/// What controls lead to: public hosts, however they are spelled.
const CONTROL_HOSTS: [&str; 3] = ["example.com", "2.2.2.2", "1.2.0.3"];

/// Redirects, in turn.
const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];

/// Listens wherever an address of the list leads.
struct Canaries(Vec<Origin>);

impl Canaries {
    async fn on(ports: BTreeSet<u16>) -> Self {
        let in_netns = std::env::var_os(NETNS).is_some();
        // One dual-stack listener takes every address of the namespace.
        let everywhere: &[IpAddr] = &[IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
        let loopback: &[IpAddr] = &[
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ];
        let mut bound = Vec::new();
        for port in ports {
            for &ip in if in_netns { everywhere } else { loopback } {
                let address = SocketAddr::new(ip, port);
                match Origin::bind(address, |_| Reply::ok("caught")).await {
                    Ok(canary) => bound.push(canary),
                    // Taken or privileged; the namespace has no such excuse.
                    Err(error) if !in_netns => eprintln!("no canary at {address}: {error}"),
                    Err(error) => panic!("no canary at {address}: {error}"),
                }
            }
        }
        Self(bound)
    }

    async fn accepts(&self) -> usize {
        let mut accepts = 0;
        for canary in &self.0 {
            accepts += canary.settled_accepts().await;
        }
        accepts
    }
}

fn is_control(vector: &str) -> bool {
    Url::parse(vector).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url
                .host_str()
                .is_some_and(|host| CONTROL_HOSTS.contains(&host))
    })
}

/// A client whose names all resolve to these addresses, each lookup to the next.
fn client_where_names_are(answers: Vec<Vec<IpAddr>>) -> (UpstreamClient, Arc<AtomicUsize>) {
    let lookups = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&lookups);
    let answers = Mutex::new(answers);
    let lookup: Lookup = Arc::new(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        let mut answers = answers.lock().unwrap();
        let answer = match answers.len() {
            1 => answers[0].clone(),
            _ => answers.remove(0),
        };
        Box::pin(async move { Ok(answer) })
    });
    let options = FetchOptions {
        connect_timeout: Duration::from_millis(500),
        first_byte_timeout: Duration::from_millis(500),
        ..FetchOptions::default()
    };
    (UpstreamClient::new(options, lookup).unwrap(), lookups)
}

fn loopback() -> Vec<IpAddr> {
    vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
}

fn upstream(url: Url, allow: &[&str]) -> Upstream {
    Upstream {
        url,
        user_agent: None,
        headers: Vec::new(),
        cookies: None,
        proxy: None,
        allow_private: allow.iter().map(|a| HostPort::parse(a).unwrap()).collect(),
    }
}

async fn fetch(client: &UpstreamClient, url: &str, allow: &[&str]) -> Result<(), FetchError> {
    let upstream = upstream(Url::parse(url).unwrap(), allow);
    client
        .fetch(&upstream, &Validators::default())
        .await
        .map(|_| ())
}

/// Tries one list every way there is; the number of addresses that had to be blocked.
async fn run(list: Vec<String>, canaries: &Canaries) -> usize {
    let (blocked, controls): (Vec<_>, Vec<_>) =
        list.into_iter().partition(|vector| !is_control(vector));

    let redirects = blocked.clone();
    let origin = Origin::start(move |head| {
        let step = head.split(' ').nth(1).unwrap().trim_start_matches('/');
        match step.parse::<usize>() {
            Ok(index) => Reply::redirect(STATUSES[index % 5], &redirects[index]),
            // A relative spelling that stays here.
            Err(_) => Reply::status(404, &[], ""),
        }
    })
    .await;
    let own = origin.address().to_string();
    let (client, _) = client_where_names_are(vec![loopback()]);
    let before = canaries.accepts().await;
    let mut not_refused = Vec::new();
    for (index, vector) in blocked.iter().enumerate() {
        if let Ok(url) = Url::parse(vector) {
            let outcome = client
                .fetch(&upstream(url, &[]), &Validators::default())
                .await;
            if !matches!(outcome, Err(FetchError::Refused(_))) {
                not_refused.push(format!("{vector} configured: {outcome:?}"));
            }
        }
        let redirected = fetch(&client, &origin.url(&format!("/{index}")), &[&own]).await;
        if redirected.is_ok() {
            not_refused.push(format!("{vector} as a redirect"));
        }
        if let Some(address) = address_of(vector) {
            let (client, _) = client_where_names_are(vec![vec![address]]);
            let answered = fetch(&client, "http://name.example/", &[]).await;
            if !matches!(answered, Err(FetchError::Refused(_))) {
                not_refused.push(format!("{address} as an answer: {answered:?}"));
            }
        }
    }
    let opened = canaries.accepts().await - before;
    eprintln!("must block: {}, sockets opened: {opened}", blocked.len());
    assert_eq!(opened, 0, "{not_refused:#?}");
    assert!(not_refused.is_empty(), "{not_refused:#?}");
    check_controls(&controls, canaries).await;
    blocked.len()
}

fn assert_refused(vector: &str, outcome: Result<(), FetchError>) {
    assert!(
        matches!(outcome, Err(FetchError::Refused(_))),
        "{vector}: {outcome:?}"
    );
}

fn address_of(vector: &str) -> Option<IpAddr> {
    match Url::parse(vector).ok()?.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}

/// Controls pass the guard; in the namespace they also arrive, each on a connection of its own.
async fn check_controls(controls: &[String], canaries: &Canaries) {
    for vector in controls {
        let url = Url::parse(vector).unwrap();
        assert!(check_url(&url, Hop::Configured, &[]).is_ok(), "{vector}");
        if std::env::var_os(NETNS).is_none() {
            continue;
        }
        let public = Ipv4Addr::new(93, 184, 216, 34);
        let (client, _) = client_where_names_are(vec![vec![public.into()]]);
        let before = canaries.accepts().await;
        // The canary speaks no TLS: what counts is the connection.
        let _ = client
            .fetch(&upstream(url, &[]), &Validators::default())
            .await;
        assert_eq!(canaries.accepts().await, before + 1, "{vector}");
    }
    eprintln!("controls that behave: {}", controls.len());
}

/// One test for both lists: their canaries want the same ports.
#[tokio::test]
async fn no_socket_is_opened_to_a_forbidden_address() {
    let own: Vec<_> = vectors::VECTORS
        .iter()
        .map(|&vector| vector.to_owned())
        .collect();
    let further = match std::env::var_os("FEEDTEST_SSRF_VECTORS") {
        Some(path) => std::fs::read_to_string(path).expect("the file of addresses is readable"),
        None => String::new(),
    };
    let further: Vec<_> = further
        .lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    let named = own.iter().chain(&further);
    let ports = named.filter_map(|vector| Url::parse(vector).ok()?.port_or_known_default());
    let ports = ports
        .chain([80, 443, 8080, 8443])
        .filter(|&port| port != 0)
        .collect();
    let canaries = Canaries::on(ports).await;
    assert!(run(own, &canaries).await >= 60);
    run(further, &canaries).await;
}

/// On any machine and without privileges: every spelling of loopback, with the port of a canary, as
/// an upstream's own port, so that nothing but the rule on addresses and names stands in the way.
#[tokio::test]
async fn no_spelling_of_loopback_reaches_a_canary() {
    let canary = Origin::start(|_| Reply::ok("caught")).await;
    let port = canary.address().port();
    let (client, _) = client_where_names_are(vec![loopback()]);
    for host in vectors::LOOPBACK_HOSTS {
        let outcome = fetch(&client, &format!("http://{host}:{port}/"), &[]).await;
        assert_refused(host, outcome);
    }
    assert_eq!(canary.settled_accepts().await, 0);
    // The same, excepted by the configuration, arrives: the canary can sing.
    let excepted = canary.address().to_string();
    fetch(&client, &canary.url("/"), &[&excepted])
        .await
        .unwrap();
    assert_eq!(canary.settled_accepts().await, 1);
}

/// An exception holds for the host and port it names, not for where that leads, and its connections
/// are not shared.
#[tokio::test]
async fn an_exception_is_not_inherited() {
    let canary = Origin::start(|_| Reply::ok("caught")).await;
    let there = canary.url("/");
    let origin = Origin::start(move |_| Reply::redirect(302, &there)).await;
    let own = origin.address().to_string();
    let (client, _) = client_where_names_are(vec![loopback()]);
    assert_refused("redirect", fetch(&client, &origin.url("/"), &[&own]).await);
    assert_eq!(canary.settled_accepts().await, 0);
    let excepted = canary.address().to_string();
    fetch(&client, &origin.url("/"), &[&own, &excepted])
        .await
        .unwrap();
    assert_eq!(canary.settled_accepts().await, 1);
    // The connection to the canary is now pooled; a public fetch does not get it.
    assert_refused("pooled", fetch(&client, &canary.url("/"), &[]).await);
}

/// A name whose answer changes between the check and the connection: there is one answer.
#[tokio::test]
async fn rebinding_finds_no_gap() {
    let inside = vec![IpAddr::from([127, 0, 0, 1])];
    let canary = Origin::start(|_| Reply::ok("caught")).await;
    let port = canary.address().port();
    let url = format!("http://rebound.example:{port}/");
    let (client, lookups) = client_where_names_are(vec![inside.clone()]);
    assert_refused("inside", fetch(&client, &url, &[]).await);
    assert_eq!(lookups.load(Ordering::SeqCst), 1);
    assert_eq!(canary.settled_accepts().await, 0);
    if std::env::var_os(NETNS).is_none() {
        return;
    }
    // Public first, private ever after: one lookup per connection, and the second is refused.
    let public = vec![IpAddr::from([1, 1, 1, 1])];
    let everywhere = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
    let everywhere = Origin::bind(everywhere, |_| Reply::ok("caught").close())
        .await
        .unwrap();
    let url = format!("http://rebound.example:{}/", everywhere.address().port());
    let (client, lookups) = client_where_names_are(vec![public.clone(), inside.clone()]);
    fetch(&client, &url, &[]).await.unwrap();
    assert_eq!(lookups.load(Ordering::SeqCst), 1);
    assert_refused("rebound", fetch(&client, &url, &[]).await);
    assert_eq!(everywhere.settled_accepts().await, 1);
    // A mixed answer: only its public part is dialled.
    let mixed = [inside, public, loopback()].concat();
    let (client, _) = client_where_names_are(vec![mixed]);
    fetch(&client, &url, &[]).await.unwrap();
    assert_eq!(everywhere.settled_accepts().await, 2);
}

/// Without this the namespace could be blind: the canary must see connections to any address.
#[tokio::test]
async fn the_namespace_sees_every_address() {
    if std::env::var_os(NETNS).is_none() {
        return;
    }
    let everywhere = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
    let canary = Origin::bind(everywhere, |_| Reply::ok("caught"))
        .await
        .unwrap();
    let port = canary.address().port();
    let addresses = [
        "10.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "198.18.0.1",
        "64:ff9b::1",
        "fd00:ec2::254",
    ];
    for address in addresses {
        let address = SocketAddr::new(address.parse().unwrap(), port);
        TcpStream::connect(address).await.unwrap();
    }
    assert_eq!(canary.settled_accepts().await, addresses.len());
    let (client, _) = client_where_names_are(vec![loopback()]);
    let excepted = format!("10.0.0.1:{port}");
    fetch(&client, &format!("http://{excepted}/"), &[&excepted])
        .await
        .unwrap();
    assert_eq!(canary.settled_accepts().await, addresses.len() + 1);
}
