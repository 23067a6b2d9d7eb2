//! Scripts, and the calls of them.

use std::fmt;

use redis::{Arg, Cmd, ErrorKind, RedisResult, ServerErrorKind, ToRedisArgs, Value};

use crate::client::Connection;

/// A script that servers remember by its hash.
#[derive(Debug)]
pub struct Script {
    text: String,
    hash: String,
}

impl Script {
    /// A script with this text, which is hashed here once.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let hash = redis::Script::new(&text).get_hash().to_owned();
        Self { text, hash }
    }

    /// A call of it on these keys, which are in one slot.
    #[must_use]
    pub fn call(&self, keys: &[impl AsRef<[u8]>]) -> Call<'_> {
        // Most calls have no more arguments than this, and no longer ones.
        let mut command = Cmd::with_capacity(keys.len() + 12, 256);
        command.arg("EVALSHA").arg(&self.hash).arg(keys.len());
        for key in keys {
            command.arg(key.as_ref());
        }
        Call {
            script: self,
            command,
        }
    }
}

/// A call of a [`Script`], with its keys and arguments, in one buffer.
pub struct Call<'a> {
    script: &'a Script,
    command: Cmd,
}

impl Call<'_> {
    /// One more argument.
    pub fn arg(&mut self, argument: impl ToRedisArgs) -> &mut Self {
        self.command.arg(argument);
        self
    }

    /// One round trip, and another one for the script itself if this server does not know it. `SCRIPT LOAD` would
    /// be one more, and in a cluster one to every master, also to those that have nothing to do with the keys.
    pub(crate) async fn send(&self, connection: &mut Connection) -> RedisResult<Value> {
        match connection.ask(&self.command).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                connection.ask(&self.with_text()).await
            }
            answer => answer,
        }
    }

    fn with_text(&self) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(&self.script.text);
        for argument in self.command.args_iter().skip(2) {
            if let Arg::Simple(argument) = argument {
                command.arg(argument);
            }
        }
        command
    }
}

/// Keys and arguments may be secrets.
impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("script", &self.script.hash)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_with_the_text_is_the_same_call() {
        let script = Script::new("return 1");
        let mut call = script.call(&["a", "b"]);
        call.arg(7).arg(&b"\0\r\n"[..]).arg("");
        let expected = |name: &str, script: &str| {
            let mut command = redis::cmd(name);
            command.arg(script).arg(2).arg("a").arg("b").arg(7);
            command.arg(&b"\0\r\n"[..]).arg("");
            command.get_packed_command()
        };
        assert_eq!(
            call.command.get_packed_command(),
            expected("EVALSHA", &script.hash)
        );
        assert_eq!(
            call.with_text().get_packed_command(),
            expected("EVAL", "return 1")
        );
        assert!(!format!("{:?}", script.call(&["secret"])).contains("secret"));
    }
}
