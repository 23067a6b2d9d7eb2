//! The pages.

use crate::server::empty_shop;

#[tokio::test]
async fn the_reference_and_its_parts_come_from_this_server_only() {
    let shop = empty_shop().await;
    let page = shop.get("/docs").await;
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = page
        .header("content-security-policy")
        .expect("has a policy");
    for needed in [
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
    ] {
        assert!(policy.contains(needed), "{policy}");
    }

    let html = page.text();
    let references: Vec<_> = ["src=\"", "href=\""]
        .into_iter()
        .flat_map(|attribute| html.split(attribute).skip(1))
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(references.contains(&"/docs/docs.js") && references.contains(&"/docs/docs.css"));
    for reference in references {
        if reference.starts_with('/') {
            assert_eq!(shop.get(reference).await.status, 200, "{reference}");
        } else {
            assert!(
                reference.starts_with('#') || reference == "data:,",
                "{reference}"
            );
        }
    }
    // The policy forbids both, so they would not work.
    assert!(!html.contains("<style") && !html.contains(" style=") && !html.contains("<script>"));
    assert!(!html.contains(" onclick=") && html.contains("lang=\"en\""));
}

#[tokio::test]
async fn the_parts_have_their_types_and_load_nothing_from_elsewhere() {
    let shop = empty_shop().await;
    for (path, content_type) in [
        ("/docs/docs.js", "text/javascript; charset=utf-8"),
        ("/docs/docs.css", "text/css; charset=utf-8"),
    ] {
        let part = shop.get(path).await;
        assert_eq!(part.header("content-type"), Some(content_type));
        assert!(
            !part.text().contains("//cdn") && !part.text().contains("https://"),
            "{path}"
        );
    }
    assert!(!shop.get("/docs/docs.js").await.text().contains("innerHTML"));
}

#[tokio::test]
async fn the_reference_signs_in_and_keeps_no_token() {
    let shop = empty_shop().await;
    let page = shop.get("/docs").await;
    for part in ["id=\"sign-in\"", "id=\"token\"", "type=\"password\""] {
        assert!(page.text().contains(part), "{part}");
    }
    let script = shop.get("/docs/docs.js").await;
    assert!(
        script
            .text()
            .contains("headers.authorization = `Bearer ${accessToken}`")
    );
    for storage in ["localStorage", "sessionStorage", "cookie", "indexedDB"] {
        assert!(!script.text().contains(storage), "{storage}");
    }
}

#[tokio::test]
async fn the_type_of_a_problem_has_a_page() {
    let shop = empty_shop().await;
    let path = format!("/v1/products/{}", uuid::Uuid::now_v7());
    let problem = shop
        .get(&path)
        .await
        .problem(404, "PRODUCT_NOT_FOUND", &path);
    let kind = problem["type"].as_str().expect("has a type");
    let page_path = kind
        .strip_prefix("https://shop.example.com")
        .expect("is one of ours");

    let page = shop.get(page_path).await;
    assert_eq!(page.status, 200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(page.text().contains("PRODUCT_NOT_FOUND") && page.text().contains("Product not found"));
    let index = shop.get("/problems/").await;
    for code in [
        "INVALID_QUERY",
        "VALIDATION_ERROR",
        "PRODUCT_NOT_FOUND",
        "INVALID_PRECONDITION",
        "PRECONDITION_FAILED",
        "PRECONDITION_REQUIRED",
        "NOT_READY",
        "AUTHENTICATION_REQUIRED",
        "INVALID_TOKEN",
        "INVALID_CREDENTIALS",
        "EMAIL_TAKEN",
        "USER_NOT_FOUND",
        "SESSION_NOT_FOUND",
        "INVALID_IDEMPOTENCY_KEY",
        "REFRESH_TOKEN_INVALID",
        "REFRESH_TOKEN_EXPIRED",
        "REFRESH_TOKEN_REUSED",
    ] {
        assert!(index.text().contains(code), "{code}");
    }
    let moved = shop.get("/problems").await;
    assert_eq!(
        (moved.status.as_u16(), moved.header("location")),
        (308, Some("/problems/"))
    );
    let unknown = "/problems/%3Cscript%3E";
    shop.get(unknown).await.problem(404, "NOT_FOUND", unknown);
}

#[tokio::test]
async fn the_index_of_problems_leads_to_every_page() {
    let shop = empty_shop().await;
    let index = shop.get("/problems/").await;
    let links: Vec<_> = index
        .text()
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(!links.is_empty());
    for link in links {
        let slug = link.strip_prefix("./").expect("is relative");
        assert_eq!(
            shop.get(&format!("/problems/{slug}")).await.status,
            200,
            "{link}"
        );
    }
}
