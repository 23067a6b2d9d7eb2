//! Each fault of the proxy, as a client and a server see it.

use std::io::ErrorKind;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use buttress_testkit::{Direction, Passage, Proxy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

/// Long enough that nothing which is on its way would still be missing, short enough to wait for.
const SILENCE: Duration = Duration::from_millis(100);

/// For what must come, however loaded the machine is.
const PATIENCE: Duration = Duration::from_secs(30);

/// A proxy with one connection through it: the client's end and the server's.
struct Through {
    proxy: Proxy,
    listener: TcpListener,
    client: TcpStream,
    server: TcpStream,
}

impl Through {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::to(listener.local_addr().unwrap()).await;
        let client = TcpStream::connect(proxy.address()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        Self {
            proxy,
            listener,
            client,
            server,
        }
    }
}

async fn passes(from: &mut TcpStream, to: &mut TcpStream) {
    from.write_all(b"tea").await.unwrap();
    arrives(to).await;
}

async fn arrives(to: &mut TcpStream) {
    let mut read = [0; 3];
    timeout(PATIENCE, to.read_exact(&mut read))
        .await
        .expect("nothing arrives")
        .unwrap();
    assert_eq!(&read, b"tea");
}

async fn stays_silent(stream: &mut TcpStream) {
    let read = timeout(SILENCE, stream.read(&mut [0; 3])).await;
    assert!(read.is_err(), "expected silence, read {read:?}");
}

async fn ends(stream: &mut TcpStream) -> Result<(), ErrorKind> {
    let read = timeout(PATIENCE, stream.read(&mut [0; 3]))
        .await
        .expect("the connection does not end");
    read.map(|length| assert_eq!(length, 0))
        .map_err(|error| error.kind())
}

#[tokio::test]
async fn everything_passes_both_ways_and_ends_when_both_sides_have_closed() {
    let Through {
        proxy,
        listener: _,
        mut client,
        mut server,
    } = Through::new().await;
    passes(&mut client, &mut server).await;
    passes(&mut server, &mut client).await;
    assert_eq!((proxy.accepted(), proxy.open()), (1, 1));

    client.shutdown().await.unwrap();
    assert_eq!(ends(&mut server).await, Ok(()));
    passes(&mut server, &mut client).await;
    drop(server);
    assert_eq!(ends(&mut client).await, Ok(()));
    timeout(PATIENCE, async {
        while proxy.open() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the connection is still counted");
    assert_eq!(proxy.accepted(), 1);
}

#[tokio::test]
async fn more_than_one_chunk_passes_in_order() {
    let Through {
        proxy: _proxy,
        listener: _,
        mut client,
        mut server,
    } = Through::new().await;
    let sent: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    let expected = sent.clone();
    let write = async {
        client.write_all(&sent).await.unwrap();
        client.shutdown().await.unwrap();
    };
    let mut read = Vec::new();
    let ((), read_bytes) = tokio::join!(write, server.read_to_end(&mut read));
    assert_eq!(read_bytes.unwrap(), expected.len());
    assert!(read == expected);
}

#[tokio::test]
async fn a_delay_holds_back_one_direction() {
    let Through {
        proxy,
        listener: _,
        mut client,
        mut server,
    } = Through::new().await;
    proxy.delay_only(Direction::ToClient, Duration::from_millis(50));
    let start = Instant::now();
    passes(&mut server, &mut client).await;
    assert!(
        start.elapsed() >= Duration::from_millis(50),
        "{:?}",
        start.elapsed()
    );

    proxy.resume();
    proxy.delay_only(Direction::ToClient, Duration::from_secs(3600));
    passes(&mut client, &mut server).await;
}

#[tokio::test]
async fn a_delay_both_ways_counts_twice_and_can_be_lifted() {
    let Through {
        proxy,
        listener: _,
        mut client,
        mut server,
    } = Through::new().await;
    proxy.delay(Duration::from_millis(40));
    let start = Instant::now();
    passes(&mut client, &mut server).await;
    passes(&mut server, &mut client).await;
    assert!(
        start.elapsed() >= Duration::from_millis(80),
        "{:?}",
        start.elapsed()
    );

    proxy.delay(Duration::from_secs(3600));
    client.write_all(b"tea").await.unwrap();
    stays_silent(&mut server).await;
    proxy.resume();
    arrives(&mut server).await;
}

#[tokio::test]
async fn a_stall_keeps_what_comes_until_it_is_over() {
    let Through {
        proxy,
        listener: _,
        mut client,
        mut server,
    } = Through::new().await;
    proxy.stall_only(Direction::ToClient);
    passes(&mut client, &mut server).await;
    server.write_all(b"tea").await.unwrap();
    stays_silent(&mut client).await;
    proxy.resume();
    arrives(&mut client).await;

    proxy.stall();
    client.write_all(b"tea").await.unwrap();
    stays_silent(&mut server).await;
    client.shutdown().await.unwrap();
    stays_silent(&mut server).await;
    proxy.resume();
    arrives(&mut server).await;
    assert_eq!(ends(&mut server).await, Ok(()));
}

#[tokio::test]
async fn a_cut_is_an_orderly_end_even_with_bytes_held_back() {
    let Through {
        proxy,
        listener,
        mut client,
        mut server,
    } = Through::new().await;
    proxy.stall();
    client.write_all(b"tea").await.unwrap();
    client.write_all(&[0; 100_000]).await.unwrap();
    proxy.cut();
    assert_eq!(ends(&mut client).await, Ok(()));
    assert_eq!(ends(&mut server).await, Ok(()));

    proxy.resume();
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    passes(&mut client, &mut server).await;
    assert_eq!(proxy.accepted(), 2);
}

#[tokio::test]
async fn a_reset_is_a_broken_connection_on_both_sides() {
    let Through {
        proxy,
        listener,
        mut client,
        mut server,
    } = Through::new().await;
    proxy.reset();
    assert_eq!(ends(&mut client).await, Err(ErrorKind::ConnectionReset));
    assert_eq!(ends(&mut server).await, Err(ErrorKind::ConnectionReset));

    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    passes(&mut client, &mut server).await;
}

#[tokio::test]
async fn a_refusal_turns_away_new_connections_alone() {
    let Through {
        proxy,
        listener,
        mut client,
        mut server,
    } = Through::new().await;
    for _ in 0..3 {
        proxy.refuse();
        let refused = TcpStream::connect(proxy.address()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        passes(&mut client, &mut server).await;

        proxy.resume();
        let mut another = TcpStream::connect(proxy.address()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        passes(&mut another, &mut server).await;
    }
    assert_eq!(proxy.accepted(), 4);
}

#[tokio::test]
async fn a_server_that_is_not_there_looks_like_a_reset() {
    let Through {
        proxy,
        listener,
        client: _client,
        server: _server,
    } = Through::new().await;
    drop(listener);
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(ends(&mut client).await, Err(ErrorKind::ConnectionReset));
    assert_eq!(proxy.accepted(), 2);
}

#[tokio::test]
async fn a_dropped_proxy_closes_its_port_and_its_connections() {
    let Through {
        proxy,
        listener: _,
        mut client,
        mut server,
    } = Through::new().await;
    let address = proxy.address();
    drop(proxy);
    let refused = TcpStream::connect(address).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    assert_eq!(ends(&mut client).await, Ok(()));
    assert_eq!(ends(&mut server).await, Ok(()));
}

#[tokio::test]
async fn a_lost_connection_is_silent_for_ever_and_the_next_one_works() {
    let mut lost = Through::new().await;
    lost.proxy.lose();
    lost.client.write_all(b"tea").await.unwrap();
    stays_silent(&mut lost.server).await;
    lost.server.write_all(b"tea").await.unwrap();
    stays_silent(&mut lost.client).await;
    lost.proxy.resume();
    stays_silent(&mut lost.client).await;

    let mut client = TcpStream::connect(lost.proxy.address()).await.unwrap();
    let (mut server, _) = lost.listener.accept().await.unwrap();
    passes(&mut client, &mut server).await;
    passes(&mut server, &mut client).await;
}

#[tokio::test]
async fn those_that_come_are_led_elsewhere() {
    let mut through = Through::new().await;
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    through.proxy.lead_to(elsewhere.local_addr().unwrap());
    passes(&mut through.client, &mut through.server).await;
    let mut client = TcpStream::connect(through.proxy.address()).await.unwrap();
    let (mut server, _) = elsewhere.accept().await.unwrap();
    passes(&mut client, &mut server).await;
}

#[tokio::test]
async fn an_inspector_sees_everything_and_ends_the_connection_that_it_means() {
    for (passage, end) in [
        (Passage::Cut, Ok(())),
        (Passage::Reset, Err(ErrorKind::ConnectionReset)),
    ] {
        let mut through = Through::new().await;
        let mut other = TcpStream::connect(through.proxy.address()).await.unwrap();
        let (mut other_server, _) = through.listener.accept().await.unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let shown = Arc::clone(&seen);
        through.proxy.inspect(move |direction, bytes| {
            shown.lock().unwrap().push((direction, bytes.to_vec()));
            match bytes {
                b"end" => passage,
                _ => Passage::Pass,
            }
        });
        passes(&mut through.client, &mut through.server).await;
        through.server.write_all(b"end").await.unwrap();
        // Not one byte of it arrives.
        assert_eq!(ends(&mut through.client).await, end);
        assert_eq!(ends(&mut through.server).await, end);
        passes(&mut other, &mut other_server).await;
        let expected = [
            (Direction::ToServer, b"tea".to_vec()),
            (Direction::ToClient, b"end".to_vec()),
            (Direction::ToServer, b"tea".to_vec()),
        ];
        assert_eq!(*seen.lock().unwrap(), expected);

        through.proxy.resume();
        other.write_all(b"end").await.unwrap();
        other_server.read_exact(&mut [0; 3]).await.unwrap();
        assert_eq!(seen.lock().unwrap().len(), expected.len());
    }
}

#[tokio::test]
async fn what_an_inspector_holds_passes_when_the_proxy_resumes() {
    let mut through = Through::new().await;
    through.proxy.inspect(|direction, _| match direction {
        Direction::ToServer => Passage::Hold,
        _ => Passage::Pass,
    });
    through.client.write_all(b"tea").await.unwrap();
    stays_silent(&mut through.server).await;
    passes(&mut through.server, &mut through.client).await;
    through.proxy.resume();
    arrives(&mut through.server).await;
    passes(&mut through.client, &mut through.server).await;
}
