use redis::{FromRedisValue, ParsingError, Value};

/// One element of the answer of a script.
#[derive(Clone, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "scripts answer nothing else than what this is"
)]
pub enum Reply {
    /// A table.
    Row(Vec<Self>),
    /// A text, or other bytes.
    Bytes(Vec<u8>),
    /// A number, which scripts answer without its fraction.
    Number(i64),
    /// `nil`, or `false`.
    Nothing,
}

impl FromRedisValue for Reply {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        Ok(match value {
            Value::Array(values) => Self::Row(
                values
                    .into_iter()
                    .map(Self::from_redis_value)
                    .collect::<Result<_, _>>()?,
            ),
            Value::Int(number) => Self::Number(number),
            Value::Nil => Self::Nothing,
            other => Self::Bytes(Vec::from_redis_value(other)?),
        })
    }
}

impl Reply {
    /// Its bytes, if it has any.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Row(_) | Self::Number(_) | Self::Nothing => None,
        }
    }

    /// Its text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        str::from_utf8(self.bytes()?).ok()
    }

    /// The number that it is, or that is written there.
    #[must_use]
    pub fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => self.text()?.parse().ok(),
        }
    }
}

/// What stores keep may be a secret.
impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Row(row) => f.debug_list().entries(row).finish(),
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Number(_) => f.write_str("a number"),
            Self::Nothing => f.write_str("nothing"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_rows_of_bytes() {
        let value =
            redis::parse_redis_value(b"*4\r\n$2\r\n42\r\n$-1\r\n*1\r\n$1\r\nx\r\n:42\r\n").unwrap();
        let reply = Reply::from_redis_value(value).unwrap();
        let Reply::Row(row) = &reply else {
            panic!("{reply:?}");
        };
        assert_eq!((row[0].number(), row[0].text()), (Some(42), Some("42")));
        assert_eq!((&row[1], row[1].bytes()), (&Reply::Nothing, None));
        assert_eq!(row[2], Reply::Row(vec![Reply::Bytes(b"x".to_vec())]));
        assert_eq!(row[2].number(), None);
        assert_eq!((row[3].number(), row[3].text()), (Some(42), None));
        assert!(!format!("{reply:?}").contains("42"));
    }
}
