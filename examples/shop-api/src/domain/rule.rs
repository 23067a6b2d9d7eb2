//! What a value is told when it is not allowed, and the rules that all texts have.

use std::borrow::Cow;

/// A rule that a value breaks: what clients branch on, and what people read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct BrokenRule {
    /// Stable, in SCREAMING_SNAKE.
    pub code: &'static str,
    /// A clause about the value, like "must not be negative". It does not repeat the value.
    pub detail: Cow<'static, str>,
}

impl BrokenRule {
    /// A rule by its code and text.
    pub fn new(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }
}

/// A text without U+0000 and of so many characters, not bytes.
pub(super) fn checked_text(text: String, min: usize, max: usize) -> Result<String, BrokenRule> {
    let text = without_nul(text)?;
    let chars = text.chars().count();
    if chars < min {
        return Err(match min {
            1 => BrokenRule::new("TOO_SHORT", "must not be empty"),
            _ => BrokenRule::new("TOO_SHORT", format!("must have at least {min} characters")),
        });
    }
    if chars > max {
        let detail = format!("must have at most {max} characters");
        return Err(BrokenRule::new("TOO_LONG", detail));
    }
    Ok(text)
}

/// A text without U+0000: PostgreSQL cannot store it and C code stops at it, so it is refused at the
/// door.
///
/// # Errors
///
/// The rule, when it has one.
pub fn without_nul(text: String) -> Result<String, BrokenRule> {
    if text.contains('\0') {
        return Err(BrokenRule::new("NUL_CHARACTER", "must not contain U+0000"));
    }
    Ok(text)
}
