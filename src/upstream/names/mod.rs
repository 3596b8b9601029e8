//! Names to addresses, by the system's configuration and without its resolver's threads.
//!
//! Invariants. Lookups of one name at the same time are one. What is kept, what is under way and
//! what waits is bounded, and so is the time of each. A name that answered lately never waits behind
//! those that don't. Nothing here judges an address: [`super::resolver`] does, in each answer.

mod conf;
mod files;
mod hosts;
mod servers;
mod slots;
mod system;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Shared;
use rustix::process::{Resource, getrlimit};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::TaskTracker;

use super::Lookup;
use files::{Files, Setup};
use servers::Reply;
use slots::{LookupSlot, LookupSlots};

/// Names whose addresses are kept, and as many that are known to have had some.
const NAMES_MAX: u64 = 16_384;
/// Addresses that are kept of one name.
const ADDRESSES_MAX: usize = 32;
/// How long addresses are kept at least: a fetch is prepared by a lookup of its own.
const KEPT_MIN: Duration = Duration::from_secs(5);
/// How long at most.
const KEPT_MAX: Duration = Duration::from_secs(3_600);
/// How long it is remembered at least and at most that a name leads nowhere.
const NEGATIVE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(30));
/// How long it is remembered that nobody could say.
const FAILURE_KEPT: Duration = Duration::from_secs(10);
/// How long what the system's own resolver says is kept: it tells no times.
const SYSTEM_KEPT: Duration = Duration::from_secs(10);
/// How long a name that had addresses has slots of its own.
const PROVEN_FOR: Duration = Duration::from_secs(86_400);
/// The longest lookup, once it has a slot.
const LOOKUP_MAX: Duration = Duration::from_secs(10);
/// The longest wait for a slot.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// How long a lookup keeps its slot in any case, and how often it is then asked for it.
const GRACE: Duration = Duration::from_secs(1);
const CHECK_INTERVAL: Duration = Duration::from_millis(200);

/// Who resolves names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResolverKind {
    /// We do, by the system's `resolv.conf` and `hosts`.
    #[default]
    Dns,
    /// The C library, with whatever `nsswitch.conf` names, on threads of its own.
    System,
}

/// Lookups at the same time of names that nothing is known of, as far as there are files to open: two
/// sockets each, and two more for a server that is silent.
const PLACES: std::ops::RangeInclusive<u64> = 64..=1_024;
/// Open files that the process may have for each of them.
const FILES_PER_PLACE: u64 = 32;
/// Threads of the system's resolver: for names that answered lately, and for all others.
const THREADS: (usize, usize) = (8, 24);

impl ResolverKind {
    /// Lookups at the same time: of names that answered lately, and of all others.
    fn slots(self) -> (usize, usize) {
        if self == Self::System {
            return THREADS;
        }
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let slots = (files / FILES_PER_PLACE).clamp(*PLACES.start(), *PLACES.end());
        let slots = usize::try_from(slots).unwrap_or(usize::MAX);
        (slots / 4, slots)
    }
}

/// How names are resolved.
#[derive(Debug, Clone)]
pub struct NamesOptions {
    /// By whom.
    pub kind: ResolverKind,
    /// The system's configuration of its resolver.
    pub resolv_conf: PathBuf,
    /// Names that need no resolver.
    pub hosts: PathBuf,
    /// The port that name servers listen on.
    pub port: u16,
}

impl From<ResolverKind> for NamesOptions {
    /// By this system's files.
    fn from(kind: ResolverKind) -> Self {
        Self {
            kind,
            resolv_conf: "/etc/resolv.conf".into(),
            hosts: "/etc/hosts".into(),
            port: 53,
        }
    }
}

/// How names become addresses. It takes no time limit of its own: the connect timeout holds for the
/// lookup and the connection together.
#[must_use]
pub fn names(options: impl Into<NamesOptions>) -> Lookup {
    let names = Arc::new(Names::new(options.into()));
    Arc::new(move |name| {
        let names = Arc::clone(&names);
        Box::pin(async move { names.look_up(&name).await })
    })
}

/// What became of a lookup.
type Outcome = Result<Arc<[IpAddr]>, Failure>;

/// Why a name has no addresses for now.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Failure {
    kind: io::ErrorKind,
    text: String,
}

/// An outcome that is kept.
#[derive(Debug, Clone)]
struct Kept {
    outcome: Outcome,
    until: Instant,
    generation: u64,
}

/// The lookups in flight, by name.
type Lookups = HashMap<String, Shared<oneshot::Receiver<Outcome>>>;

#[derive(Debug)]
struct Names {
    kind: ResolverKind,
    files: Files,
    kept: moka::sync::Cache<String, Kept>,
    /// Names that had addresses.
    proven: moka::sync::Cache<String, ()>,
    lookups: Mutex<Lookups>,
    proven_slots: Arc<LookupSlots>,
    slots: Arc<LookupSlots>,
    /// A lookup goes on without waiters: its result serves the next request.
    tasks: TaskTracker,
}

impl Names {
    fn new(options: NamesOptions) -> Self {
        let (of_proven, of_others) = options.kind.slots();
        Self {
            kind: options.kind,
            files: Files::new(options.resolv_conf, options.hosts, options.port),
            kept: moka::sync::Cache::new(NAMES_MAX),
            proven: moka::sync::Cache::builder()
                .max_capacity(NAMES_MAX)
                .time_to_live(PROVEN_FOR)
                .build(),
            lookups: Mutex::default(),
            proven_slots: LookupSlots::new(of_proven),
            slots: LookupSlots::new(of_others),
            tasks: TaskTracker::new(),
        }
    }

    /// The addresses of a name. Those that need no lookup are ready at the first poll.
    async fn look_up(self: &Arc<Self>, name: &str) -> io::Result<Vec<IpAddr>> {
        let name = name.to_ascii_lowercase();
        let setup = self.files.setup();
        if let Some(addresses) = self.without_asking(&setup, &name) {
            return Ok(addresses);
        }
        let kept = self.kept.get(&name);
        let is_good =
            |kept: &Kept| kept.generation == setup.generation && Instant::now() < kept.until;
        let outcome = match kept.filter(is_good) {
            Some(kept) => kept.outcome,
            None => self
                .lookup(name, setup)
                .await
                .unwrap_or_else(|_| Err(failure(io::ErrorKind::Other, "the lookup was given up"))),
        };
        outcome
            .map(|addresses| addresses.to_vec())
            .map_err(|failure| io::Error::new(failure.kind, failure.text))
    }

    /// What the hosts file says, and what `localhost` is in any case (RFC 6761 §6.3). The system's
    /// resolver reads the file itself.
    fn without_asking(&self, setup: &Setup, name: &str) -> Option<Vec<IpAddr>> {
        let bare = name.strip_suffix('.').unwrap_or(name);
        if self.kind == ResolverKind::System {
            return None;
        }
        if let Some(addresses) = setup.hosts.addresses(bare) {
            return Some(addresses.to_vec());
        }
        let is_localhost = bare == "localhost" || bare.ends_with(".localhost");
        is_localhost.then(|| vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()])
    }

    /// The lookup of a name that is in flight, or a new one.
    fn lookup(
        self: &Arc<Self>,
        name: String,
        setup: Arc<Setup>,
    ) -> Shared<oneshot::Receiver<Outcome>> {
        let mut lookups = self.lookups();
        if let Some(lookup) = lookups.get(&name) {
            return lookup.clone();
        }
        let (tell, told) = oneshot::channel();
        let told = told.shared();
        lookups.insert(name.clone(), told.clone());
        let guard = LookupGuard {
            names: Arc::clone(self),
            name,
        };
        self.tasks.spawn(async move {
            let kept = guard.names.resolve(&guard.name, &setup).await;
            guard.names.keep(&guard.name, kept.clone());
            drop(guard);
            tell.send(kept.outcome).ok();
        });
        told
    }

    fn keep(&self, name: &str, kept: Kept) {
        match &kept.outcome {
            Ok(_) => self.proven.insert(name.to_owned(), ()),
            Err(_) => self.proven.invalidate(name),
        }
        self.kept.insert(name.to_owned(), kept);
    }

    async fn resolve(&self, name: &str, setup: &Arc<Setup>) -> Kept {
        let slots = match self.proven.contains_key(name) {
            true => &self.proven_slots,
            false => &self.slots,
        };
        let slot = timeout(WAIT_MAX, slots.enter()).await.ok().flatten();
        let (outcome, kept_for) = match slot {
            Some(slot) => self.ask(name, setup, (slots, slot)).await,
            None => (
                Err(failure(
                    io::ErrorKind::WouldBlock,
                    "too many names are being looked up",
                )),
                NEGATIVE.0,
            ),
        };
        Kept {
            outcome,
            until: Instant::now() + kept_for,
            generation: setup.generation,
        }
    }

    /// Asks for a name as long as it may: in a crowd, no longer than [`GRACE`].
    async fn ask(
        &self,
        name: &str,
        setup: &Arc<Setup>,
        (slots, slot): (&Arc<LookupSlots>, LookupSlot),
    ) -> (Outcome, Duration) {
        let began = Instant::now();
        let asking = async {
            match self.kind {
                ResolverKind::Dns => search(name, setup).await,
                ResolverKind::System => (system::ask(name, slot).await, SYSTEM_KEPT),
            }
        };
        tokio::pin!(asking);
        loop {
            tokio::select! {
                answer = &mut asking => return answer,
                () = sleep(CHECK_INTERVAL) => {}
            }
            let past = began.elapsed();
            let is_over = past >= LOOKUP_MAX;
            if is_over || past >= GRACE && slots.has_waiting() {
                let silent = failure(io::ErrorKind::TimedOut, "no name server answered in time");
                let kept_for = if is_over { FAILURE_KEPT } else { NEGATIVE.0 };
                return (Err(silent), kept_for);
            }
        }
    }

    fn lookups(&self) -> MutexGuard<'_, Lookups> {
        self.lookups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a lookup off the list, whatever became of it.
struct LookupGuard {
    names: Arc<Names>,
    name: String,
}

impl Drop for LookupGuard {
    fn drop(&mut self) {
        self.names.lookups().remove(&self.name);
    }
}

/// Asks the name servers for one after the other of the names that `name` may stand for.
async fn search(name: &str, setup: &Setup) -> (Outcome, Duration) {
    let mut negative_for = NEGATIVE.1;
    let mut failed = None;
    for candidate in setup.conf.candidates(name) {
        match setup.servers.ask(&candidate).await {
            Reply::Addresses(mut addresses, ttl) => {
                addresses.truncate(ADDRESSES_MAX);
                sort(&mut addresses);
                return (Ok(addresses.into()), ttl.clamp(KEPT_MIN, KEPT_MAX));
            }
            Reply::Nothing(ttl) => negative_for = negative_for.min(ttl.unwrap_or(negative_for)),
            Reply::Fails(text) => failed = Some(failure(io::ErrorKind::Other, &text)),
            // Whoever is silent about one name would be about the next.
            Reply::Silence => {
                let text = "no name server answered";
                failed = Some(failure(io::ErrorKind::TimedOut, text));
                break;
            }
        }
    }
    match failed {
        Some(failed) => (Err(failed), FAILURE_KEPT),
        None => {
            let nowhere = failure(io::ErrorKind::NotFound, "the name has no address");
            (Err(nowhere), negative_for.max(NEGATIVE.0))
        }
    }
}

/// IPv6 first where there is a way to it: RFC 6724 as far as it matters here.
fn sort(addresses: &mut [IpAddr]) {
    let v6 = addresses.iter().find(|address| address.is_ipv6());
    let is_v6_first = v6.is_some_and(|address| has_route(*address));
    addresses.sort_by_key(|address| address.is_ipv6() != is_v6_first);
}

/// Whether the kernel knows a way there. Nothing is sent.
fn has_route(address: IpAddr) -> bool {
    let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
    let socket = UdpSocket::bind(any);
    socket.is_ok_and(|socket| socket.connect((address, 53)).is_ok())
}

fn failure(kind: io::ErrorKind, text: &str) -> Failure {
    Failure {
        kind,
        text: text.to_owned(),
    }
}
