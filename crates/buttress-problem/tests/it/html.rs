//! The pages about problem types.

use buttress_problem::{Catalogue, ProblemType};
use http::StatusCode;
use roxmltree::Document;

const MARKUP: &str = r#"</title><script>alert("1")</script>&amp;<img src=x onerror='a()'>"#;

const HOSTILE: ProblemType = ProblemType::new(StatusCode::CONFLICT, "HOSTILE")
    .with_type("https://e.example/x'y&z")
    .with_title(MARKUP)
    .with_description(MARKUP);

const PLAIN: ProblemType = ProblemType::new(StatusCode::NOT_FOUND, "ORDER_NOT_FOUND")
    .with_type("https://errors.example.com/order-not-found")
    .with_title("Order not found")
    .with_description("There is no such order.\n\nIt may have been\ndeleted.");

fn catalogue() -> Catalogue {
    Catalogue::from_iter([
        HOSTILE,
        PLAIN,
        ProblemType::new(StatusCode::NOT_FOUND, "NOT_FOUND"),
        ProblemType::new(StatusCode::CONFLICT, "DATE")
            .with_type("https://iana.org/assignments/http-problem-types#date"),
        ProblemType::new(StatusCode::CONFLICT, "COLON").with_type("/t#javascript:alert(1)"),
        ProblemType::new(StatusCode::CONFLICT, "SLASH").with_type("/t#a/b?c"),
        ProblemType::new(StatusCode::CONFLICT, "ENCODED").with_type("/t/k%C3%A4se%2F1%2525"),
        ProblemType::new(StatusCode::CONFLICT, "UP").with_type("/t/.."),
        ProblemType::new(StatusCode::BAD_GATEWAY, "URN").with_type("urn:problem-type:upstream"),
    ])
}

/// The pages close all elements but `<meta>`, so an XML parser can say what is in them.
fn parsed(page: &str, look: impl FnOnce(&Document<'_>)) {
    let xml = page
        .strip_prefix("<!DOCTYPE html>\n")
        .unwrap()
        .replace("<meta charset=\"utf-8\">", "")
        .replace("initial-scale=1\">", "initial-scale=1\"/>")
        .replace("content=\"light dark\">", "content=\"light dark\"/>");
    look(&Document::parse(&xml).unwrap());
}

fn texts(document: &Document<'_>, element: &str) -> Vec<String> {
    let found = document
        .descendants()
        .filter(|node| node.has_tag_name(element));
    found
        .map(|node| node.text().unwrap_or_default().to_owned())
        .collect()
}

/// What a router makes of a link: the decoded segment behind the page's own path.
fn decoded(link: &str) -> String {
    let segment = link.strip_prefix("./").unwrap();
    assert!(!segment.contains(['/', '?', '#', ':']), "{link}");
    let mut bytes = Vec::new();
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            let digits = std::str::from_utf8(&digits).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_kind_that_is_told_twice_is_in_the_catalogue_once() {
    const BARE: ProblemType = ProblemType::new(StatusCode::CONFLICT, "OUT_OF_STOCK");
    const TOLD: ProblemType = BARE.with_description("Order less.");
    const RETOLD: ProblemType = BARE.with_description("Come back later.");
    const OTHER: ProblemType = BARE.with_type("/out-of-stock");
    let catalogue = Catalogue::from_iter([BARE, TOLD, RETOLD, OTHER, BARE]);
    let kinds: Vec<_> = catalogue.iter().copied().collect();
    assert_eq!(kinds, [TOLD, OTHER]);
}

#[test]
fn every_link_leads_to_a_page() {
    let catalogue = catalogue();
    parsed(&catalogue.to_html(), |document| {
        let links: Vec<_> = document
            .descendants()
            .filter_map(|node| node.attribute("href"))
            .collect();
        assert_eq!(links.len(), catalogue.len());
        for (link, kind) in links.iter().zip(catalogue.iter()) {
            let found = catalogue.find(&decoded(link)).unwrap();
            assert_eq!(found.code(), kind.code());
            parsed(&found.to_html(), |page| {
                assert_eq!(texts(page, "h1"), [kind.title()]);
                assert!(texts(page, "code").contains(&kind.type_uri().to_string()));
            });
        }
    });
}

#[test]
fn the_index_is_grouped_by_status() {
    parsed(&catalogue().to_html(), |document| {
        let expected = ["404 Not Found", "409 Conflict", "502 Bad Gateway"];
        assert_eq!(texts(document, "h2"), expected);
    });
    parsed(&Catalogue::new().to_html(), |document| {
        assert_eq!(texts(document, "p"), ["There are none."]);
    });
}

#[test]
fn a_page_says_what_is_known() {
    parsed(&PLAIN.to_html(), |document| {
        assert_eq!(texts(document, "title"), ["Order not found"]);
        assert_eq!(texts(document, "h1"), ["Order not found"]);
        let paragraphs = ["There is no such order.", "It may have been\ndeleted."];
        assert_eq!(texts(document, "p"), paragraphs);
        assert_eq!(texts(document, "dd")[0], "404 Not Found");
        let [code, type_uri, example] = &texts(document, "code")[..] else {
            panic!("{document:?}");
        };
        assert_eq!(code, "ORDER_NOT_FOUND");
        assert_eq!(type_uri, "https://errors.example.com/order-not-found");
        let example: serde_json::Value = serde_json::from_str(example).unwrap();
        assert_eq!(example["code"], "ORDER_NOT_FOUND");
        assert_eq!(example["status"], 404);
    });
}

#[test]
fn markup_in_texts_stays_text() {
    parsed(&HOSTILE.to_html(), |document| {
        assert_eq!(texts(document, "title"), [MARKUP]);
        assert_eq!(texts(document, "h1"), [MARKUP]);
        assert_eq!(texts(document, "p"), [MARKUP]);
    });
    for page in [HOSTILE.to_html(), catalogue().to_html()] {
        assert!(page.contains("&lt;script&gt;"));
        assert!(!page.contains("<script") && !page.contains("<img"));
    }
}

/// What `default-src 'none'` would block, and what would load something.
#[test]
fn the_strictest_content_security_policy_fits() {
    for page in [PLAIN.to_html(), HOSTILE.to_html(), catalogue().to_html()] {
        parsed(&page, |document| {
            for node in document.descendants() {
                let name = node.tag_name().name();
                assert!(!["script", "style", "link", "img", "base", "form"].contains(&name));
                for attribute in node.attributes() {
                    let name = attribute.name();
                    assert!(
                        ["lang", "name", "content", "href"].contains(&name),
                        "{name}"
                    );
                }
            }
        });
        assert!(page.contains("<html lang=\"en\">"));
        assert!(page.contains("<meta charset=\"utf-8\">"));
        assert!(page.contains("name=\"color-scheme\" content=\"light dark\""));
        assert!(page.contains("name=\"viewport\" content=\"width=device-width"));
    }
}
