use std::fmt::Debug;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::within_deadline;

/// A connection on which a test says exactly the bytes that it wants to say.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    /// Read from the socket, not yet handed out.
    unread: Vec<u8>,
}

/// Sends `bytes` on a connection of their own and returns all that comes back until the peer closes
/// it, so the last request in `bytes` should say `Connection: close`.
///
/// # Panics
///
/// Panics when there is no connection, when it breaks, or when the peer leaves it open in silence
/// for 30 seconds.
pub async fn send_raw(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut wire = Wire::connect(address).await;
    wire.write(bytes).await;
    wire.read_to_end().await
}

impl Wire {
    /// Connects.
    ///
    /// # Panics
    ///
    /// Panics when nobody accepts.
    pub async fn connect(address: SocketAddr) -> Self {
        match within_deadline(
            format!("connecting to {address}"),
            TcpStream::connect(address),
        )
        .await
        {
            Ok(stream) => Self {
                stream,
                unread: Vec::new(),
            },
            Err(error) => panic!("no connection to {address}: {error}"),
        }
    }

    /// Sends these bytes at once.
    ///
    /// # Panics
    ///
    /// Panics when the connection breaks.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        let written = within_deadline("writing", self.stream.write_all(bytes.as_ref())).await;
        if let Err(error) = written {
            panic!(
                "the connection broke while writing: {error}; read so far: {}",
                self.show()
            );
        }
    }

    /// Closes the sending side, as a client does that has nothing more to say.
    ///
    /// # Panics
    ///
    /// Panics when the connection is already broken.
    pub async fn finish(&mut self) {
        if let Err(error) = self.stream.shutdown().await {
            panic!("the connection broke before its end: {error}");
        }
    }

    /// Reads up to and including `end`, for instance `"\r\n\r\n"` for the head of a response.
    ///
    /// # Panics
    ///
    /// Panics when the peer closes before that, when the connection breaks, or after 30 seconds of
    /// silence.
    pub async fn read_until(&mut self, end: impl AsRef<[u8]> + Debug) -> Vec<u8> {
        let needle = end.as_ref();
        loop {
            let found = self
                .unread
                .windows(needle.len().max(1))
                .position(|window| window == needle);
            if let Some(start) = found {
                let rest = self.unread.split_off(start + needle.len());
                return std::mem::replace(&mut self.unread, rest);
            }
            let more = self.read_some().await;
            assert!(more, "closed before {end:?}; read: {}", self.show());
        }
    }

    /// Reads until the peer closes.
    ///
    /// # Panics
    ///
    /// Panics when the connection breaks, or after 30 seconds of silence.
    pub async fn read_to_end(&mut self) -> Vec<u8> {
        while self.read_some().await {}
        std::mem::take(&mut self.unread)
    }

    /// Whether there was more before the peer's end.
    async fn read_some(&mut self) -> bool {
        let so_far = format!("reading; read so far: {}", self.show());
        let before = self.unread.len();
        match within_deadline(so_far, self.stream.read_buf(&mut self.unread)).await {
            Ok(_) => self.unread.len() > before,
            Err(error) => panic!(
                "the connection broke while reading: {error}; read so far: {}",
                self.show()
            ),
        }
    }

    fn show(&self) -> String {
        format!("\"{}\"", self.unread.escape_ascii())
    }
}
