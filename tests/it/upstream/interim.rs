//! Answers that announce others for ever: 100, 102, 103.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::Duration;

use feedwright::upstream::FetchOptions;

use super::{at, client, get, reason, upstream};
use crate::origin::{Origin, Reply};

const HINT: &str = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n";

/// A server on a thread of its own that says nothing but interim answers, with a pause between them,
/// until nobody listens any more; then it says so. With no pause at all the socket's buffers fill, and a
/// build without optimisation reads on in them long after the fetch is over.
fn server(pause: Duration) -> (SocketAddr, mpsc::Receiver<()>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 16]).unwrap();
        while stream.write_all(HINT.as_bytes()).is_ok() {
            std::thread::sleep(pause);
        }
        tell.send(()).ok();
    });
    (address, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn u25_endless_interim_answers_end_in_time_and_delay_no_other() {
    let other = Origin::start(|_| Reply::ok("<rss/>")).await;
    for pause in [Duration::from_millis(20), Duration::from_micros(50)] {
        let (address, is_over) = server(pause);
        let client = client(FetchOptions {
            connect_timeout: Duration::from_millis(300),
            first_byte_timeout: Duration::from_millis(700),
            ..FetchOptions::default()
        });
        // The others have the time that a service gives: a busy machine is not what is judged here.
        let of_others = super::client(FetchOptions::default());
        let endless = upstream(&format!("http://{address}/"), &[address.to_string()]);
        let asking = async {
            let mut answers = 0;
            while answers < 20 {
                get(&of_others, &at(&other, "/")).await.unwrap();
                answers += 1;
            }
        };
        let (outcome, ()) = tokio::join!(reason(&client, &endless), asking);
        assert_eq!(outcome, "timeout: FirstByte");
        // Nothing is read of it any more, so that it can't keep us busy.
        let over =
            tokio::task::spawn_blocking(move || is_over.recv_timeout(Duration::from_secs(20)));
        assert!(over.await.unwrap().is_ok(), "{pause:?}");
    }
}
