//! `/v1/users`

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    people::{access_token, me, sign_up, sign_up_and_in},
    server::{Server, closed_shop, place, places},
};

const LIST: &str = "/v1/users";

/// A shop with an administrator, whose token it is, and these users, oldest first.
async fn shop_with(names: &[&str]) -> (Server, String, Vec<Value>) {
    let shop = closed_shop().await;
    let admin = shop.token_of_new("admin@shop.example", true).await;
    let mut users = Vec::new();
    for name in names {
        users.push(sign_up(&shop, &format!("{name}@shop.example")).await);
    }
    (shop, admin, users)
}

#[tokio::test]
async fn everybody_reads_themselves() {
    let shop = closed_shop().await;
    let pair = sign_up_and_in(&shop, "ada@shop.example").await;
    let own = me(&shop, &pair).await;
    assert_eq!(own.status, 200);
    assert_eq!(own.json()["email"], "ada@shop.example");
    // What a cache keeps of it is nobody else's.
    assert_eq!(own.header("cache-control"), Some("private, no-cache"));
    assert_eq!(own.header("vary"), Some("Authorization"));
    let path = format!("{LIST}/{}", own.json()["id"].as_str().expect("has one"));
    let by_id = shop.send_as(access_token(&pair), "GET", &path).await;
    assert_eq!((by_id.json(), by_id.etag()), (own.json(), own.etag()));
}

#[tokio::test]
async fn a_user_that_one_has_is_not_sent_again_and_never_taken_for_another() {
    let shop = closed_shop().await;
    let ada = sign_up_and_in(&shop, "ada@shop.example").await;
    let bob = sign_up_and_in(&shop, "bob@shop.example").await;
    let own = me(&shop, &ada).await;
    assert!(!own.etag().starts_with("W/"));
    for (pair, status) in [(&ada, 304), (&bob, 200)] {
        let bearer = format!("Bearer {}", access_token(pair));
        let headers = [
            ("authorization", bearer.as_str()),
            ("if-none-match", own.etag()),
        ];
        let answer = shop.send("GET", "/v1/users/me", &headers, "").await;
        assert_eq!(answer.status, status);
    }
}

#[tokio::test]
async fn nobody_else_is_there_unless_one_is_an_administrator() {
    let (shop, admin, users) = shop_with(&["bob"]).await;
    let ada = sign_up_and_in(&shop, "ada@shop.example").await;
    let there = format!("{LIST}/{}", users[0]["id"].as_str().expect("has one"));
    let nowhere = format!("{LIST}/{}", Uuid::now_v7());
    for path in [&there, &nowhere] {
        let answer = shop.send_as(access_token(&ada), "GET", path).await;
        let problem = answer.problem(404, "USER_NOT_FOUND", path);
        assert!(path.ends_with(problem["userId"].as_str().expect("names it")));
    }
    let read = shop.send_as(&admin, "GET", &there).await;
    assert_eq!(read.json(), users[0]);
    let answer = shop.send_as(&admin, "GET", &nowhere).await;
    answer.problem(404, "USER_NOT_FOUND", &nowhere);
    for id in ["1", "ME", "%00"] {
        let path = format!("{LIST}/{id}");
        let answer = shop.send_as(&admin, "GET", &path).await;
        answer.problem(400, "INVALID_PATH", &path);
    }
    let answer = shop
        .send_as(&admin, "GET", &format!("{there}?fields=id"))
        .await;
    answer.problem(400, "INVALID_QUERY", &there);
}

#[tokio::test]
async fn an_administrator_lists_users_in_the_shape_of_all_lists() {
    let (shop, admin, users) = shop_with(&["carl", "Bert", "anna"]).await;
    let list = async |query: &str| {
        let answer = shop.send_as(&admin, "GET", &format!("{LIST}{query}")).await;
        assert_eq!(answer.status, 200, "{query}");
        answer.json()
    };
    let emails = |list: &Value| {
        let data = list["data"].as_array().expect("is a list");
        let name = |user: &Value| {
            let email = user["email"].as_str().expect("has one");
            email.split('@').next().expect("has a name").to_owned()
        };
        data.iter().map(name).collect::<Vec<_>>()
    };
    let all = list("?total=true").await;
    // Newest first, as all lists.
    assert_eq!(emails(&all), ["anna", "Bert", "carl", "admin"]);
    assert_eq!(all["data"][0], users[2]);
    let pagination = json!({
        "limit": 20, "hasMore": false, "nextCursor": null, "prevCursor": null, "total": 4
    });
    assert_eq!(all["pagination"], pagination);
    for (query, expected) in [
        ("?sort=email", &["Bert", "admin", "anna", "carl"][..]),
        ("?sort=-email&limit=2", &["carl", "anna"]),
        ("?sort=createdAt&limit=1", &["admin"]),
        ("?sort=name,createdAt", &["carl", "Bert", "anna", "admin"]),
    ] {
        assert_eq!(emails(&list(query).await), expected, "{query}");
    }
    let first = list("?limit=1").await;
    assert_eq!(first["pagination"]["hasMore"], true);
    assert!(first["pagination"].get("total").is_none());
    let sparse = list("?sort=createdAt&limit=1&fields=roles,email").await;
    let expected = json!([{ "email": "admin@shop.example", "roles": ["user", "admin"] }]);
    assert_eq!(sparse["data"], expected);
    assert!(!all.to_string().contains("argon2"));
}

#[tokio::test]
async fn a_list_that_cannot_be_understood() {
    let (shop, admin, _) = shop_with(&[]).await;
    let query = "?limit=0&sort=passwordHash&fields=passwordHash&total=2";
    let answer = shop.send_as(&admin, "GET", &format!("{LIST}{query}")).await;
    let problem = answer.problem(400, "INVALID_QUERY", LIST);
    let expected = [
        place("limit", "OUT_OF_RANGE"),
        place("sort", "UNKNOWN_SORT"),
        place("fields", "UNKNOWN_FIELD"),
        place("total", "TYPE"),
    ];
    assert_eq!(places(&problem), expected);
    for query in ["?cursor=x", "?q=ada", "?limit=1&limit=2"] {
        let answer = shop.send_as(&admin, "GET", &format!("{LIST}{query}")).await;
        answer.problem(400, "INVALID_QUERY", LIST);
    }
    let ada = sign_up_and_in(&shop, "ada@shop.example").await;
    let answer = shop.send_as(access_token(&ada), "GET", LIST).await;
    answer.problem(403, "FORBIDDEN", LIST);
    assert_eq!(answer.header("www-authenticate"), None);
}
