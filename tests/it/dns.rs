//! A scripted name server on loopback, over UDP and TCP.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio_util::task::TaskTracker;

/// What the server does with a question.
#[derive(Debug, Clone)]
pub(crate) enum Says {
    /// Addresses of the kind that is asked for, good for so many seconds.
    Addresses(u32, Vec<IpAddr>),
    /// The name is another's, whose addresses these are.
    Alias(&'static str, Vec<IpAddr>),
    /// Nothing but this code.
    Code(ResponseCode),
    /// Too much for UDP.
    Truncated,
    /// Nothing at all.
    Silence,
}

/// A question that arrived: the name without a dot at its end, `A` or `AAAA`, and whether over TCP.
pub(crate) type Question = (String, RecordType, bool);

type Script = dyn Fn(&Question) -> Says + Send + Sync;

/// A running name server. Dropped, it stops.
pub(crate) struct NameServer {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Question>>>,
    tasks: tokio::task::JoinSet<()>,
}

impl NameServer {
    /// Starts one at a free port of this address.
    pub(crate) async fn start(script: impl Fn(&Question) -> Says + Send + Sync + 'static) -> Self {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), script).await
    }

    pub(crate) async fn start_at(
        address: SocketAddr,
        script: impl Fn(&Question) -> Says + Send + Sync + 'static,
    ) -> Self {
        let script: Arc<Script> = Arc::new(script);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (udp, tcp) = bind(address).await;
        let address = udp.local_addr().unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(serve_udp(udp, Arc::clone(&script), Arc::clone(&asked)));
        tasks.spawn(serve_tcp(tcp, script, Arc::clone(&asked)));
        Self {
            address,
            asked,
            tasks,
        }
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Question> {
        self.asked.lock().unwrap().clone()
    }

    /// The names that were asked for, in this order, each once per row.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.asked().into_iter().map(|(name, _, _)| name).collect();
        names.dedup();
        names
    }

    pub(crate) fn stop(mut self) {
        self.tasks.abort_all();
    }
}

/// A port that is free for both; another test may take that of UDP for TCP just then.
async fn bind(address: SocketAddr) -> (UdpSocket, TcpListener) {
    for _ in 0..100 {
        let udp = UdpSocket::bind(address).await.unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            return (udp, tcp);
        }
    }
    panic!("no port is free for both");
}

async fn serve_udp(socket: UdpSocket, script: Arc<Script>, asked: Arc<Mutex<Vec<Question>>>) {
    let mut buffer = [0; 4096];
    // A client that has closed its socket is told of by the kernel as an error of ours.
    loop {
        let Ok((length, client)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        if let Some(answer) = answer(&buffer[..length], false, &*script, &asked) {
            socket.send_to(&answer, client).await.ok();
        }
    }
}

async fn serve_tcp(listener: TcpListener, script: Arc<Script>, asked: Arc<Mutex<Vec<Question>>>) {
    let tasks = TaskTracker::new();
    while let Ok((mut stream, _)) = listener.accept().await {
        let (script, asked) = (Arc::clone(&script), Arc::clone(&asked));
        tasks.spawn(async move {
            while let Ok(length) = stream.read_u16().await {
                let mut bytes = vec![0; length.into()];
                if stream.read_exact(&mut bytes).await.is_err() {
                    return;
                }
                let Some(answer) = answer(&bytes, true, &*script, &asked) else {
                    continue;
                };
                let length = u16::try_from(answer.len()).unwrap();
                stream.write_u16(length).await.ok();
                stream.write_all(&answer).await.ok();
            }
        });
    }
}

fn answer(
    bytes: &[u8],
    is_tcp: bool,
    script: &Script,
    asked: &Mutex<Vec<Question>>,
) -> Option<Vec<u8>> {
    let request = Message::from_vec(bytes).unwrap();
    let query = request.queries[0].clone();
    let name = query.name().to_ascii().trim_end_matches('.').to_owned();
    let question = (name, query.query_type(), is_tcp);
    let says = script(&question);
    asked.lock().unwrap().push(question);
    let mut response = Message::response(request.id, request.op_code);
    response.metadata.recursion_desired = true;
    response.metadata.recursion_available = true;
    response.queries.push(query.clone());
    let mut add = |name: &Name, ttl: u32, addresses: Vec<IpAddr>| {
        for address in addresses {
            let data = match address {
                IpAddr::V4(v4) => RData::A(A(v4)),
                IpAddr::V6(v6) => RData::AAAA(AAAA(v6)),
            };
            if data.record_type() == query.query_type() {
                response
                    .answers
                    .push(Record::from_rdata(name.clone(), ttl, data));
            }
        }
    };
    match says {
        Says::Silence => return None,
        Says::Addresses(ttl, addresses) => add(query.name(), ttl, addresses),
        Says::Alias(target, addresses) => {
            let target = Name::from_ascii(target).unwrap();
            add(&target, 60, addresses);
            let alias = RData::CNAME(CNAME(target));
            response
                .answers
                .insert(0, Record::from_rdata(query.name().clone(), 60, alias));
        }
        Says::Code(code) => response.metadata.response_code = code,
        Says::Truncated => response.metadata.truncation = true,
    }
    Some(response.to_vec().unwrap())
}
