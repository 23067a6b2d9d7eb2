//! One key in PEM (RFC 7468).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::{Error, ErrorKind};

/// The document of the first block with this label.
///
/// What stands before and after blocks is explanation, and blocks with other labels are other documents: a
/// certificate beside its key, say. Two blocks of this label are a question that only the caller can answer.
pub(super) fn read(text: &[u8], label: &'static str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let text = std::str::from_utf8(text).map_err(|_| {
        malformed("this is no PEM: it is not text. A key in DER is converted by `openssl pkey -inform DER`")
    })?;
    let mut found = None;
    let mut other = None;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(name) = boundary(line, "-----BEGIN ") else {
            continue;
        };
        let mut content = Zeroizing::new(String::with_capacity(text.len()));
        loop {
            let Some(line) = lines.next() else {
                return Err(malformed("a PEM block has no end"));
            };
            match boundary(line, "-----END ") {
                Some(end) if end == name => break,
                Some(_) => return Err(malformed("a PEM block ends as another than it began")),
                None => content.push_str(line.trim()),
            }
        }
        if name != label {
            other = other.or(Some(name));
        } else if found.replace(content).is_some() {
            return Err(malformed("there are several keys: give one"));
        }
    }
    let Some(content) = found else {
        return Err(missing(label, other));
    };
    let mut document = Zeroizing::new(vec![0; content.len() / 4 * 3 + 3]);
    let length = STANDARD
        .decode_slice(content.as_bytes(), &mut document)
        .map_err(|_| malformed("what stands in the PEM block is no base64"))?;
    document.truncate(length);
    Ok(document)
}

/// One block, in lines of 64 characters.
pub(super) fn write(document: &[u8], label: &str) -> String {
    let content = Zeroizing::new(STANDARD.encode(document));
    let mut text = String::with_capacity(content.len() * 66 / 64 + 80);
    text.push_str("-----BEGIN ");
    text.push_str(label);
    text.push_str("-----\n");
    for (at, character) in content.char_indices() {
        if at > 0 && at % 64 == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str("\n-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}

/// The label between the mark and the dashes.
fn boundary<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    line.trim_end().strip_prefix(mark)?.strip_suffix("-----")
}

fn missing(label: &'static str, other: Option<&str>) -> Error {
    let found = match other {
        // Labels that are known are named: another one may be anything, a secret included.
        Some("ENCRYPTED PRIVATE KEY") => {
            "an encrypted private key: decrypt it with `openssl pkey -in …`"
        }
        Some("RSA PRIVATE KEY" | "EC PRIVATE KEY" | "DSA PRIVATE KEY") => {
            "a private key in an older form: convert it with `openssl pkcs8 -topk8 -nocrypt -in …`"
        }
        Some("RSA PUBLIC KEY") => {
            "a public key in an older form: convert it with `openssl rsa -RSAPublicKey_in -in … -pubout`"
        }
        Some("OPENSSH PRIVATE KEY") => "a key of OpenSSH",
        Some("PRIVATE KEY") => "a private key",
        Some("PUBLIC KEY") => "a public key",
        Some("CERTIFICATE") => {
            "a certificate: take its key with `openssl x509 -pubkey -noout -in …`"
        }
        Some(_) => "another PEM block",
        None => "no PEM block",
    };
    malformed(format!(
        "a `-----BEGIN {label}-----` is needed, and this is {found}"
    ))
}

fn malformed(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::MalformedKey, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABEL: &str = "PRIVATE KEY";

    fn refused(text: &str) -> String {
        let error = read(text.as_bytes(), LABEL).expect_err(text);
        assert_eq!(error.kind(), ErrorKind::MalformedKey);
        error.to_string()
    }

    #[test]
    fn what_is_written_is_read() {
        for length in [0, 1, 47, 48, 49, 200] {
            let document = vec![7; length];
            let text = write(&document, LABEL);
            assert!(text.lines().all(|line| line.len() <= 64));
            assert_eq!(*read(text.as_bytes(), LABEL).expect("PEM"), document);
            let windows = format!("Bag Attributes\r\n{}", text.replace('\n', "\r\n"));
            assert_eq!(*read(windows.as_bytes(), LABEL).expect("PEM"), document);
        }
    }

    #[test]
    fn other_blocks_are_passed_over() {
        let text = format!("{}{}", write(b"a", "EC PARAMETERS"), write(b"b", LABEL));
        assert_eq!(**read(text.as_bytes(), LABEL).expect("PEM"), *b"b");
    }

    #[test]
    fn errors_say_what_is_there_and_what_to_do() {
        for (label, says) in [
            ("ENCRYPTED PRIVATE KEY", "openssl pkey"),
            ("RSA PRIVATE KEY", "openssl pkcs8 -topk8"),
            ("EC PRIVATE KEY", "openssl pkcs8 -topk8"),
            ("PUBLIC KEY", "a public key"),
            ("CERTIFICATE", "openssl x509"),
        ] {
            let error = refused(&write(b"a", label));
            assert!(error.contains(says), "{error}");
        }
        assert!(refused("hunter2").contains("no PEM block"));
        assert!(!refused("-----BEGIN hunter2-----\n-----END hunter2-----").contains("hunter2"));
        assert!(refused("-----BEGIN PRIVATE KEY-----\nYQ==").contains("no end"));
        assert!(
            refused("-----BEGIN PRIVATE KEY-----\nYQ==\n-----END PUBLIC KEY-----")
                .contains("another")
        );
        assert!(
            refused("-----BEGIN PRIVATE KEY-----\nY!==\n-----END PRIVATE KEY-----")
                .contains("base64")
        );
        let twice = [write(b"a", LABEL), write(b"b", LABEL)];
        assert!(refused(&twice.concat()).contains("several"));
        assert!(read(&[0xff], LABEL).is_err());
    }
}
