//! What clients send to sign in. Nothing here is `Debug`: it would show passwords and tokens.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    domain::{BrokenRule, DeviceName, Email, Password, UserName, without_nul},
    http::{
        check::{Checker, Member, Unknown},
        error::Invalid,
    },
};

/// Somebody who wants to have an account.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Register {
    /// No two users have the same address. The case of ASCII letters does not count.
    #[serde(default)]
    #[schema(value_type = String, required, format = Email, max_length = 254, example = "ada@shop.example")]
    email: Member<String>,
    /// Counted in characters, and taken as it comes.
    #[serde(default)]
    #[schema(value_type = String, required, format = Password, min_length = 8, max_length = 128, example = "correct horse")]
    password: Member<String>,
    #[serde(default)]
    #[schema(value_type = String, required, min_length = 1, max_length = 100, example = "Ada")]
    name: Member<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// Somebody who wants to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Login {
    #[serde(default)]
    #[schema(value_type = String, required, example = "ada@shop.example")]
    email: Member<String>,
    #[serde(default)]
    #[schema(value_type = String, required, format = Password, example = "correct horse")]
    password: Member<String>,
    /// What the list of sessions calls this one.
    #[serde(default)]
    #[schema(value_type = String, min_length = 1, max_length = 64, example = "Firefox on Linux")]
    device: Member<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// A refresh token, as the last token pair of the session has it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct PresentToken {
    #[serde(default)]
    #[schema(value_type = String, required)]
    refresh_token: Member<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// A [`Register`] that keeps the rules.
pub(super) struct Registration {
    pub(super) email: Email,
    pub(super) password: Password,
    pub(super) name: UserName,
}

/// A [`Login`] that may be right or wrong.
pub(super) struct Presented {
    /// `None` for what cannot be anybody's address.
    pub(super) email: Option<Email>,
    pub(super) password: Password,
    pub(super) device: Option<DeviceName>,
}

impl Register {
    /// The account, or everything that is wrong with it.
    pub(super) fn check(self) -> Result<Registration, Invalid> {
        let mut checker = Checker::default();
        let email = checker.required("email", self.email, Email::new);
        let password = checker.required("password", self.password, Password::new);
        let name = checker.required("name", self.name, UserName::new);
        checker.unknown(&self.unknown);
        let build = || {
            let (email, password, name) = (email?, password?, name?);
            Some(Registration {
                email,
                password,
                name,
            })
        };
        checker.finish(build())
    }
}

impl Login {
    /// What is to be tried, or everything that is wrong with its form. The rules for new accounts
    /// are not asked: whoever breaks them has no account, and learns only that.
    pub(super) fn check(self) -> Result<Presented, Invalid> {
        let mut checker = Checker::default();
        let email = checker.required("email", self.email, address);
        let password = checker.required("password", self.password, Password::presented);
        let device = checker.optional("device", self.device, DeviceName::new);
        checker.unknown(&self.unknown);
        let build = || {
            let (email, password) = (email?, password?);
            Some(Presented {
                email,
                password,
                device,
            })
        };
        checker.finish(build())
    }
}

impl PresentToken {
    /// The token, or everything that is wrong with the body around it.
    pub(super) fn check(self) -> Result<String, Invalid> {
        let mut checker = Checker::default();
        let token = checker.required("refreshToken", self.refresh_token, without_nul);
        checker.unknown(&self.unknown);
        checker.finish(token)
    }
}

fn address(text: String) -> Result<Option<Email>, BrokenRule> {
    let text = without_nul(text)?;
    Ok(Email::new(text).ok())
}
