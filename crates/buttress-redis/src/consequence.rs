use redis::{ErrorKind, RedisError, ServerErrorKind};

/// What follows from an error for the connection that it came on, and for the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consequence {
    /// The connection is good. What the server says is not wrong with the connection: it loads its contents
    /// (`LOADING`), the cluster has lost a master or moves a slot (`CLUSTERDOWN`, `TRYAGAIN`), too few replicas
    /// or too little room is left, a script takes too long (`BUSY`). Nothing was done, and to repeat it at once
    /// would find the same: that is for later, and for the caller. The client of a cluster waits and repeats by
    /// itself, as long as it has time.
    Keep,
    /// The connection is broken, or has not answered in time, so that what comes next would wait behind. What was
    /// asked may have been done, so that it is not repeated. The client of a cluster does so all the same.
    Replace,
    /// The server is a replica: another one is the master by now, and a new connection may lead there. What a
    /// script writes first is what a replica refuses, so that it has done nothing and the call is repeated.
    ReplaceAndRepeat,
}

impl Consequence {
    pub(crate) fn of(error: &RedisError) -> Self {
        match error.kind() {
            ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown) => {
                Self::ReplaceAndRepeat
            }
            // Before Redis 7, what stops a script is only in the text.
            ErrorKind::Server(ServerErrorKind::ResponseError)
                if error.detail().is_some_and(|detail| {
                    detail.contains("-READONLY ") || detail.contains("-MASTERDOWN ")
                }) =>
            {
                Self::ReplaceAndRepeat
            }
            _ if error.is_unrecoverable_error() || error.is_io_error() => Self::Replace,
            _ => Self::Keep,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn answered(text: &str) -> Consequence {
        let answer = redis::parse_redis_value(format!("-{text}\r\n").as_bytes()).unwrap();
        Consequence::of(&answer.extract_error().unwrap_err())
    }

    #[test]
    fn a_replica_is_left_and_the_call_repeated() {
        for text in [
            "READONLY You can't write against a read only replica. script: 00, on @user_script:3.",
            "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
            "ERR Error running script (call to f_00): @user_script:3: @user_script: 3: -READONLY You can't write \
             against a read only replica.",
        ] {
            assert_eq!(answered(text), Consequence::ReplaceAndRepeat, "{text}");
        }
    }

    #[test]
    fn what_is_for_later_leaves_the_connection() {
        for text in [
            "LOADING Redis is loading the dataset in memory",
            "CLUSTERDOWN The cluster is down",
            "TRYAGAIN Multiple keys request during rehashing of slot",
            "BUSY Redis is busy running a script.",
            "NOREPLICAS Not enough good replicas to write.",
            "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
            "OOM command not allowed when used memory > 'maxmemory'.",
            "MOVED 1 127.0.0.1:7000",
            "ERR unknown command",
        ] {
            assert_eq!(answered(text), Consequence::Keep, "{text}");
        }
    }

    #[test]
    fn what_is_broken_or_slow_is_replaced_and_nothing_repeated() {
        for kind in [
            io::ErrorKind::BrokenPipe,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::TimedOut,
            io::ErrorKind::UnexpectedEof,
        ] {
            let error = RedisError::from(io::Error::from(kind));
            assert_eq!(Consequence::of(&error), Consequence::Replace, "{kind}");
        }
    }
}
