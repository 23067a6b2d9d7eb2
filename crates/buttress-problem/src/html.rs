//! Pages for people: what stands behind the URI of a type (RFC 9457, section 3.1.1).

use std::fmt::{self, Write};

use fluent_uri::pct_enc::{EString, encoder::Data};

use crate::{Catalogue, Problem, ProblemType, status};

impl ProblemType {
    /// A page about this kind for people, to be served where [`type_uri`](Self::type_uri) points:
    /// a type should lead to its documentation (RFC 9457, section 3.1.1).
    ///
    /// It is a whole HTML document in English with the title, the description (blank lines
    /// separate paragraphs), the status, the code, the type and an example. All of it is escaped.
    /// There is no style, no script and nothing to load, so the strictest policy fits
    /// (`Content-Security-Policy: default-src 'none'`); the browser's own style is used, light or
    /// dark. Serve it as `text/html; charset=utf-8`.
    ///
    /// ```
    /// use buttress_problem::ProblemType;
    /// use http::StatusCode;
    ///
    /// const OUT_OF_STOCK: ProblemType = ProblemType::new(StatusCode::CONFLICT, "OUT_OF_STOCK")
    ///     .with_type("https://errors.example.com/out-of-stock")
    ///     .with_title("Out of stock")
    ///     .with_description("Somebody was faster. Order fewer, or wait.");
    ///
    /// let page = OUT_OF_STOCK.to_html();
    /// assert!(page.contains("<h1>Out of stock</h1>"));
    /// ```
    #[must_use]
    pub fn to_html(&self) -> String {
        let title = Escaped(self.title());
        let mut content = format!("<h1>{title}</h1>\n");
        for paragraph in self.description().map(paragraphs).unwrap_or_default() {
            push(
                &mut content,
                format_args!("<p>{}</p>\n", Escaped(&paragraph)),
            );
        }
        // A problem without extensions is always JSON.
        let example = serde_json::to_string_pretty(&Problem::of(*self)).unwrap_or_default();
        push(
            &mut content,
            format_args!(
                "<dl>\n\
                 <dt>Status</dt><dd>{status} {phrase}</dd>\n\
                 <dt>Code</dt><dd><code>{code}</code></dd>\n\
                 <dt>Type</dt><dd><code>{type_uri}</code></dd>\n\
                 </dl>\n\
                 <h2>Example</h2>\n\
                 <pre><code>{example}</code></pre>\n",
                status = self.status().as_u16(),
                phrase = Escaped(status::phrase(self.status())),
                code = Escaped(self.code()),
                type_uri = Escaped(self.type_uri().as_str()),
                example = Escaped(&example),
            ),
        );
        page(self.title(), &content)
    }
}

impl Catalogue {
    /// A page that lists all kinds by status and links to the page of each.
    ///
    /// The links are relative: serve this page under a path that ends in `/`, and each
    /// [`ProblemType::to_html`] under that path and its [`slug`](ProblemType::slug), which
    /// [`find`](Self::find) leads back from. What [`ProblemType::to_html`] says about escaping and
    /// policies holds here too.
    ///
    /// ```
    /// use buttress_problem::{Catalogue, ProblemType};
    /// use http::StatusCode;
    ///
    /// let catalogue = Catalogue::from_iter([
    ///     ProblemType::new(StatusCode::CONFLICT, "OUT_OF_STOCK")
    ///         .with_type("https://errors.example.com/out-of-stock"),
    /// ]);
    ///
    /// // `GET /{slug}` of errors.example.com:
    /// let page = |slug: &str| match slug {
    ///     "" => Some(catalogue.to_html()),
    ///     slug => Some(catalogue.find(slug)?.to_html()),
    /// };
    /// assert!(page("").unwrap().contains(r#"<a href="./out-of-stock">"#));
    /// assert!(page("out-of-stock").unwrap().contains("OUT_OF_STOCK"));
    /// ```
    #[must_use]
    pub fn to_html(&self) -> String {
        let mut content = String::from("<h1>Problem types</h1>\n");
        if self.is_empty() {
            content.push_str("<p>There are none.</p>\n");
        }
        let kinds: Vec<_> = self.iter().collect();
        for group in kinds.chunk_by(|one, other| one.status() == other.status()) {
            let status = group[0].status();
            push(
                &mut content,
                format_args!(
                    "<h2>{} {}</h2>\n<ul>\n",
                    status.as_u16(),
                    Escaped(status::phrase(status))
                ),
            );
            for kind in group {
                push(
                    &mut content,
                    format_args!(
                        "<li><a href=\"{}\">{}</a> <code>{}</code></li>\n",
                        Escaped(&link(&kind.slug())),
                        Escaped(kind.title()),
                        Escaped(kind.code())
                    ),
                );
            }
            content.push_str("</ul>\n");
        }
        page("Problem types", &content)
    }
}

fn page(title: &str, content: &str) -> String {
    format!(
        "<!DOCTYPE html>\n\
         <html lang=\"en\">\n\
         <head>\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{}</title>\n\
         </head>\n\
         <body>\n\
         <main>\n\
         {content}\
         </main>\n\
         </body>\n\
         </html>\n",
        Escaped(title)
    )
}

/// The `./` keeps a slug with a colon from being read as a URI with a scheme.
fn link(slug: &str) -> String {
    let mut link = EString::<Data>::new();
    link.encode_str::<Data>(slug);
    format!("./{}", link.as_str())
}

/// A doc comment's paragraphs: what blank lines separate.
fn paragraphs(text: &str) -> Vec<String> {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    lines
        .split(|line| line.is_empty())
        .filter(|paragraph| !paragraph.is_empty())
        .map(|paragraph| paragraph.join("\n"))
        .collect()
}

fn push(html: &mut String, text: fmt::Arguments<'_>) {
    // Writing into a `String` cannot fail.
    let _ = html.write_fmt(text);
}

/// Text that cannot become markup, neither in an element nor in a quoted attribute.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            match char {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_separated_by_blank_lines() {
        assert_eq!(paragraphs("\n a\n b \n\n \n c\n"), ["a\nb", "c"]);
        assert!(paragraphs(" \n").is_empty());
    }

    #[test]
    fn a_link_is_one_segment() {
        assert_eq!(link("a-b.c_d~1"), "./a-b.c_d~1");
        assert_eq!(link("a:b/c?d#e%20 ä"), "./a%3Ab%2Fc%3Fd%23e%2520%20%C3%A4");
    }
}
