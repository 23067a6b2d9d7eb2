//! base64url as RFC 7515 wants it: no padding, no other alphabet, no bits left over.

use base64::{
    DecodeSliceError, Engine as _,
    engine::general_purpose::{GeneralPurpose, URL_SAFE_NO_PAD},
};

/// Of the two engines without padding, this one refuses padding and bits that no byte takes.
const ENGINE: GeneralPurpose = URL_SAFE_NO_PAD;

pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    ENGINE.decode(text).ok()
}

/// Decodes into the buffer and returns the part that was filled.
pub(crate) fn decode_into<'a>(text: &str, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    match ENGINE.decode_slice(text, buffer) {
        Ok(length) => Some(&buffer[..length]),
        Err(DecodeSliceError::DecodeError(_) | DecodeSliceError::OutputSliceTooSmall) => None,
    }
}

/// Appends the bytes in base64url.
pub(crate) fn encode_to(bytes: &[u8], text: &mut String) {
    ENGINE.encode_string(bytes, text);
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    ENGINE.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_way_to_write_bytes() {
        assert_eq!(decode("TWE"), Some(b"Ma".to_vec()));
        assert_eq!(decode("-_8"), Some(vec![0xfb, 0xff]));
        for other in [
            "TWE=", "TWF", "TW", "T", "TWE\n", " TWE", "T WE", "+/8", "TWE?", "TWE\0", "TWEä",
            "TWE==",
        ] {
            assert_eq!(decode(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_buffer_is_not_overrun() {
        let mut buffer = [0; 2];
        assert_eq!(decode_into("TWE", &mut buffer), Some(b"Ma" as &[u8]));
        assert_eq!(decode_into("TWFu", &mut buffer), None);
    }
}
