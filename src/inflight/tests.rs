//! The budget under contention.

use super::*;
use std::net::Ipv4Addr;
use tokio::task::JoinSet;

const MIB: u64 = 1 << 20;

fn client(n: u8) -> Holder {
    Some(Client::at(Ipv4Addr::new(192, 0, 2, n).into()))
}

#[tokio::test(start_paused = true)]
async fn what_is_not_free_is_waited_for_and_then_denied() {
    let budget = Inflight::new(64 * MIB);
    let first = budget.begin(Some(31 * MIB), None).await.unwrap();
    let second = budget.begin(Some(31 * MIB), None).await.unwrap();
    let begun = Instant::now();
    let third = budget.begin(Some(31 * MIB), None).await;
    assert_eq!(third.unwrap_err(), Denied::Busy);
    assert_eq!(begun.elapsed().as_secs(), WAIT_MAX.as_secs());
    let (fourth, ()) = tokio::join!(budget.begin(Some(31 * MIB), None), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(second);
    });
    assert_eq!(budget.held_bytes(), 62 * MIB);
    drop((first, fourth));
    assert_eq!(budget.held_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn bodies_of_unknown_length_never_wait_for_each_other_for_ever() {
    let budget = Inflight::new(64 * MIB);
    let mut bodies = JoinSet::new();
    for _ in 0..50 {
        let budget = budget.clone();
        bodies.spawn(async move {
            let patience = Duration::from_secs(3600);
            let mut grant = loop {
                if let Ok(grant) = budget.begin(None, None).await {
                    break grant;
                }
            };
            for mib in 1..=30 {
                grant.cover(mib * MIB, patience).await.unwrap();
                assert!(budget.held_bytes() <= 64 * MIB, "the budget is exceeded");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
    }
    let all = tokio::time::timeout(Duration::from_secs(600), bodies.join_all()).await;
    assert_eq!(all.map(|ended| ended.len()), Ok(50));
    assert_eq!(budget.held_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_oldest_always_grows_up_to_half() {
    let budget = Inflight::new(8 * MIB);
    let mut oldest = budget.begin(None, None).await.unwrap();
    let mut others = Vec::new();
    while let Ok(other) = budget.begin(None, None).await {
        others.push(other);
    }
    assert_eq!(others.len(), 4, "half is left to the oldest");
    oldest.cover(4 * MIB, Duration::ZERO).await.unwrap();
    assert_eq!(budget.held_bytes(), 8 * MIB);
    let beyond = oldest.cover(4 * MIB + 1, Duration::ZERO).await;
    assert_eq!(beyond, Err(Denied::TooLarge(4 * MIB)));
    let younger = others[0].cover(2 * MIB, WAIT_MAX).await;
    assert_eq!(younger, Err(Denied::Busy));
    drop(oldest);
    others[0].cover(4 * MIB, Duration::ZERO).await.unwrap();
    assert_eq!(budget.held_bytes(), 7 * MIB);
}

#[tokio::test(start_paused = true)]
async fn a_client_holds_a_quarter_or_one_body() {
    let budget = Inflight::new(64 * MIB);
    let own = budget.begin(Some(31 * MIB), client(1)).await.unwrap();
    let more = budget.begin(Some(MIB), client(1)).await;
    assert_eq!(more.unwrap_err(), Denied::Busy);
    let _other = budget.begin(Some(15 * MIB), client(2)).await.unwrap();
    let _small = budget.begin(Some(MIB), client(2)).await.unwrap();
    assert!(budget.begin(Some(1), client(2)).await.is_err());
    // Who waits for bytes of its own keeps nobody else waiting.
    let waiting = budget.begin(Some(MIB), client(1));
    let (waited, third) = tokio::join!(waiting, async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let third = budget.reserve(MIB, client(3)).await;
        drop(own);
        third
    });
    assert!(waited.is_ok() && third.is_ok());
}

#[test]
fn those_that_waited_are_no_older_than_what_is_held() {
    let mut accounts = Accounts::default();
    let claims = [None, None, client(1), client(1)].map(|holder| accounts.claim(true, holder));
    // They are woken in any order.
    let outcomes = [3, 2, 1, 0].map(|i| accounts.try_take(claims[i], 20 * MIB, 64 * MIB));
    assert!(matches!(outcomes[0], ClaimOutcome::Granted(_)));
    assert_eq!(outcomes[1], ClaimOutcome::OverShare);
    assert!(matches!(outcomes[2], ClaimOutcome::Granted(_)));
    assert_eq!(outcomes[3], ClaimOutcome::Queued, "the budget is exceeded");
}

#[test]
fn one_client_waits_once_and_keeps_nobody_else_waiting() {
    let mut accounts = Accounts::default();
    let claims =
        [None, client(1), client(1), client(2)].map(|holder| accounts.claim(false, holder));
    let outcomes = claims.map(|claim| accounts.try_take(claim, 20 * MIB, 64 * MIB));
    assert!(matches!(outcomes[0], ClaimOutcome::Granted(_)));
    let rest = [
        ClaimOutcome::Queued,
        ClaimOutcome::OverShare,
        ClaimOutcome::Queued,
    ];
    assert_eq!(outcomes[1..], rest);
}

#[tokio::test(start_paused = true)]
async fn the_elder_goes_first() {
    let budget = Inflight::new(8 * MIB);
    let _oldest = budget.begin(None, None).await.unwrap();
    let held = budget.reserve(3 * MIB, None).await.unwrap();
    let large = budget.reserve(2 * MIB, None);
    let small = async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let begun = Instant::now();
        (budget.reserve(MIB, None).await, begun.elapsed())
    };
    let (large, (small, waited), ()) = tokio::join!(large, small, async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(held);
    });
    assert!(large.is_ok() && small.is_ok());
    assert!(waited > Duration::from_millis(900), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn one_who_leaves_lets_those_behind_go_on() {
    let budget = Inflight::new(8 * MIB);
    let _oldest = budget.begin(None, None).await.unwrap();
    let _held = budget.reserve(3 * MIB, None).await.unwrap();
    let impatient = tokio::time::timeout(Duration::from_secs(1), budget.reserve(4 * MIB, None));
    let patient = async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        budget.reserve(MIB, None).await
    };
    let (impatient, patient) = tokio::join!(impatient, patient);
    assert!(impatient.is_err() && patient.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_is_forced_or_settled_is_counted() {
    let budget = Inflight::new(8 * MIB);
    let mut grant = budget.begin(None, None).await.unwrap();
    let forced = budget.force(20 * MIB);
    assert_eq!(budget.held_bytes(), 21 * MIB);
    grant.cover(4 * MIB, Duration::ZERO).await.unwrap();
    drop(forced);
    grant.settle(2 * MIB);
    grant.force(3 * MIB);
    assert_eq!((grant.bytes(), budget.held_bytes()), (3 * MIB, 3 * MIB));
    drop(grant);
    assert_eq!(budget.held_bytes(), 0);
}
