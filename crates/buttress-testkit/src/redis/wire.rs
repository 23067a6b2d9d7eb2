//! Just enough of the protocol to set a server up.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Sends one command, its words apart by spaces, and returns its answer: the elements of a list in
/// lines.
pub(super) fn ask(address: SocketAddr, command: &str) -> io::Result<String> {
    let timeout = Duration::from_secs(1);
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.write_all(format!("{command}\r\n").as_bytes())?;
    read(&mut BufReader::new(stream))
}

fn read(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    let (kind, rest) = line
        .trim_end()
        .split_at_checked(1)
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    match kind {
        "+" | ":" => Ok(rest.to_owned()),
        "$" => match rest.parse() {
            Ok(length) => {
                let mut text = vec![0; length];
                from.read_exact(&mut text)?;
                from.read_exact(&mut [0; 2])?;
                String::from_utf8(text).map_err(io::Error::other)
            }
            // A length of -1: nothing.
            Err(_) => Ok(String::new()),
        },
        "*" => {
            let elements = (0..rest.parse().unwrap_or(0)).map(|_| read(from));
            let elements = elements.collect::<io::Result<Vec<_>>>()?;
            Ok(elements.join("\n"))
        }
        _ => Err(io::Error::other(rest.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_become_lines() {
        for (answer, text) in [
            ("+OK\r\n", "OK"),
            (":-7\r\n", "-7"),
            ("$4\r\na\r\nb\r\n", "a\r\nb"),
            ("$-1\r\n", ""),
            ("*3\r\n$1\r\na\r\n:1\r\n*1\r\n+b\r\n", "a\n1\nb"),
            ("*-1\r\n", ""),
        ] {
            assert_eq!(read(&mut answer.as_bytes()).unwrap(), text);
        }
    }

    #[test]
    fn errors_are_errors() {
        let error = read(&mut "-ERR no\r\n".as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "ERR no");
        for cut in ["", "$4\r\na", "*2\r\n+a\r\n"] {
            assert!(read(&mut cut.as_bytes()).is_err(), "{cut:?}");
        }
    }
}
