//! Asking name servers: the messages and their checks are the library's; who is asked, in which
//! order and for how long is ours, as the system's file says.
//!
//! Invariants: each request has a socket, and so a port, of its own; of one name no more than
//! [`OVERLAP_MAX`] requests of a kind are in flight.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::stream::FuturesUnordered;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ProtocolConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::{
    RuntimeProvider, TokioHandle, TokioRuntimeProvider, TokioTime,
};
use hickory_resolver::net::udp::UdpClientStream;
use hickory_resolver::net::xfer::DnsExchange;
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::{ConnectionProvider, PoolContext, Resolver};
use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep, timeout};

use super::conf::Conf;

/// A server that is silent for so long is not alone any more: the next is asked besides.
const STAGGER: Duration = Duration::from_secs(1);
/// Servers that one name waits for at the same time.
const OVERLAP_MAX: usize = 2;
/// How long the addresses of one family wait for those of the other.
const OTHER_FAMILY_MAX: Duration = Duration::from_millis(500);
/// Requests in flight on one TCP connection to a server.
const TCP_REQUESTS_MAX: usize = 256;

/// What the servers say of an absolute name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// Its addresses, and how long they hold.
    Addresses(Vec<IpAddr>, Duration),
    /// It has none, for so long where they say so.
    Nothing(Option<Duration>),
    /// They answered that they can't say.
    Fails(String),
    /// They answered nothing.
    Silence,
}

/// The name servers.
#[derive(Debug)]
pub(super) struct Servers {
    resolvers: Vec<Resolver<Connections>>,
    timeout: Duration,
    attempts: usize,
    /// Where the next lookup begins; `None`: with the first.
    rotation: Option<AtomicUsize>,
    skips_ipv6: bool,
}

impl Servers {
    pub(super) fn new(conf: &Conf, port: u16) -> Self {
        let resolvers = conf.servers.iter().filter_map(|server| {
            let resolver = resolver(conf, SocketAddr::new(*server, port));
            let note = |error| tracing::error!(target: "feedwright::names", %server, %error, "name server not used");
            resolver.map_err(note).ok()
        });
        Self {
            resolvers: resolvers.collect(),
            timeout: conf.timeout,
            attempts: conf.attempts as usize,
            rotation: conf.rotates.then(AtomicUsize::default),
            skips_ipv6: conf.skips_ipv6,
        }
    }

    /// Asks for the addresses of an absolute name: one server after the other, the next besides when
    /// one is slow, until one knows.
    pub(super) async fn ask(&self, name: &str) -> Reply {
        let name = Name::from_ascii(name).map(|mut name| {
            name.set_fqdn(true);
            name
        });
        let Ok(name) = name else {
            return Reply::Nothing(None);
        };
        let count = self.resolvers.len();
        let first = self
            .rotation
            .as_ref()
            .map_or(0, |next| next.fetch_add(1, Ordering::Relaxed));
        let mut left = (0..count * self.attempts).map(|at| &self.resolvers[(first + at) % count]);
        let mut waiting = FuturesUnordered::new();
        let mut last = Reply::Silence;
        loop {
            let next = (waiting.len() < OVERLAP_MAX).then(|| left.next()).flatten();
            if let Some(resolver) = next {
                waiting.push(self.ask_one(resolver, &name));
            }
            let is_full = waiting.len() >= OVERLAP_MAX || left.len() == 0;
            tokio::select! {
                reply = waiting.next() => match reply {
                    Some(reply @ (Reply::Addresses(..) | Reply::Nothing(_))) => return reply,
                    Some(Reply::Silence) => {}
                    Some(failure) => last = failure,
                    None => return last,
                },
                () = sleep(STAGGER), if !is_full => {}
            }
        }
    }

    /// Asks one of them for both kinds of addresses.
    async fn ask_one(&self, resolver: &Resolver<Connections>, name: &Name) -> Reply {
        let of = |kind| Box::pin(self.ask_for(resolver, name, kind));
        if self.skips_ipv6 {
            return of(RecordType::A).await;
        }
        let (first, rest) = match select(of(RecordType::A), of(RecordType::AAAA)).await {
            Either::Left(pair) => pair,
            Either::Right(pair) => pair,
        };
        let patience = match &first {
            Reply::Addresses(..) => OTHER_FAMILY_MAX,
            _ => self.timeout,
        };
        let second = timeout(patience, rest).await.unwrap_or(Reply::Silence);
        merge(first, second)
    }

    async fn ask_for(
        &self,
        resolver: &Resolver<Connections>,
        name: &Name,
        kind: RecordType,
    ) -> Reply {
        let asked_at = Instant::now();
        let Ok(outcome) = timeout(self.timeout, resolver.lookup(name.clone(), kind)).await else {
            return Reply::Silence;
        };
        match outcome {
            Ok(lookup) => {
                let answers = lookup.answers().iter();
                let addresses: Vec<_> =
                    answers.filter_map(|record| record.data.ip_addr()).collect();
                let until = Instant::from_std(lookup.valid_until());
                match addresses.is_empty() {
                    true => Reply::Nothing(None),
                    false => Reply::Addresses(addresses, until.saturating_duration_since(asked_at)),
                }
            }
            Err(NetError::Dns(DnsError::NoRecordsFound(NoRecords { negative_ttl, .. }))) => {
                let ttl = negative_ttl.map(|seconds| Duration::from_secs(seconds.into()));
                Reply::Nothing(ttl)
            }
            Err(NetError::Timeout) => Reply::Silence,
            Err(error) => Reply::Fails(error.to_string()),
        }
    }
}

/// One reply of what was asked for two kinds of addresses.
fn merge(one: Reply, other: Reply) -> Reply {
    match (one, other) {
        (Reply::Addresses(mut one, ttl), Reply::Addresses(other, other_ttl)) => {
            one.extend(other);
            Reply::Addresses(one, ttl.min(other_ttl))
        }
        (found @ Reply::Addresses(..), _) | (_, found @ Reply::Addresses(..)) => found,
        // Half an answer is none: the other server may have the rest.
        (failure @ Reply::Fails(_), _) | (_, failure @ Reply::Fails(_)) => failure,
        (Reply::Silence, _) | (_, Reply::Silence) => Reply::Silence,
        (Reply::Nothing(ttl), Reply::Nothing(other)) => {
            Reply::Nothing(ttl.into_iter().chain(other).min())
        }
    }
}

/// What asks one server, and nothing else.
fn resolver(conf: &Conf, server: SocketAddr) -> Result<Resolver<Connections>, NetError> {
    let connection = |protocol| {
        let mut connection = ConnectionConfig::new(protocol);
        connection.port = server.port();
        connection
    };
    let mut connections = vec![connection(ProtocolConfig::Tcp)];
    if !conf.uses_tcp {
        connections.insert(0, connection(ProtocolConfig::Udp));
    }
    let server = NameServerConfig::new(server.ip(), true, connections);
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    let mut options = ResolverOpts::default();
    options.timeout = conf.timeout;
    // Repeated, cached and looked up in files it is by us.
    options.attempts = 0;
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.edns0 = conf.uses_edns;
    options.num_concurrent_reqs = 1;
    options.max_active_requests = TCP_REQUESTS_MAX;
    Resolver::builder_with_config(config, Connections::default())
        .with_options(options)
        .build()
}

/// Connections to a server. Over UDP nothing is sent twice: a silent server is asked again, or
/// another one, by [`Servers::ask`].
#[derive(Clone, Default)]
struct Connections(Sockets);

impl ConnectionProvider for Connections {
    type Conn = DnsExchange<Sockets>;
    type FutureConn = Pin<Box<dyn Future<Output = Result<Self::Conn, NetError>> + Send>>;
    type RuntimeProvider = Sockets;

    fn new_connection(
        &self,
        ip: IpAddr,
        config: &ConnectionConfig,
        cx: &PoolContext,
    ) -> Result<Self::FutureConn, NetError> {
        if config.protocol != ProtocolConfig::Udp {
            return self.0.new_connection(ip, config, cx);
        }
        let stream = UdpClientStream::builder(SocketAddr::new(ip, config.port), self.0.clone())
            .with_timeout(Some(cx.options.timeout))
            .with_max_retries(0);
        Ok(Box::pin(async move { Ok(stream.exchange()) }))
    }

    fn runtime_provider(&self) -> &Self::RuntimeProvider {
        &self.0
    }
}

/// Sockets that hear of it at once when nobody listens at the server's port.
#[derive(Clone, Default)]
struct Sockets(TokioRuntimeProvider);

impl RuntimeProvider for Sockets {
    type Handle = TokioHandle;
    type Timer = TokioTime;
    type Udp = UdpSocket;
    type Tcp = <TokioRuntimeProvider as RuntimeProvider>::Tcp;

    fn create_handle(&self) -> Self::Handle {
        self.0.create_handle()
    }

    fn connect_tcp(
        &self,
        server: SocketAddr,
        local: Option<SocketAddr>,
        wait_for: Option<Duration>,
    ) -> Pin<Box<dyn Send + Future<Output = io::Result<Self::Tcp>>>> {
        self.0.connect_tcp(server, local, wait_for)
    }

    fn bind_udp(
        &self,
        local: SocketAddr,
        server: SocketAddr,
    ) -> Pin<Box<dyn Send + Future<Output = io::Result<Self::Udp>>>> {
        Box::pin(async move {
            let socket = UdpSocket::bind(local).await?;
            socket.connect(server).await?;
            Ok(socket)
        })
    }
}
