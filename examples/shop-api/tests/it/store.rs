//! The store against a real SQLite file.

use std::convert::Infallible;

use shop_api::{
    domain::{
        Currency, Description, NewProduct, Price, Product, ProductChanges, ProductName, Stock,
    },
    store::{Direction, Outcome, ProductFilter, ProductKey, ProductQuery, Sort, Store, StoreError},
};
use tempfile::TempDir;
use uuid::Uuid;

async fn open() -> (TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&folder.path().join("shop.db"))
        .await
        .expect("opens");
    (folder, store)
}

fn new_product(name: &str, price: i64, stock: i64) -> NewProduct {
    NewProduct {
        name: ProductName::new(name.to_owned()).expect("a name"),
        description: Description::new("A thing.".to_owned()).expect("a description"),
        price: Price::new(price).expect("a price"),
        currency: Currency::new("EUR").expect("a currency"),
        stock: Stock::new(stock).expect("a stock"),
    }
}

async fn create(store: &Store, name: &str, price: i64, stock: i64) -> Product {
    store
        .create_product(new_product(name, price, stock))
        .await
        .expect("is created")
}

async fn names(
    store: &Store,
    filter: ProductFilter,
    sort: &[(ProductKey, Direction)],
) -> Vec<String> {
    let sort = sort
        .iter()
        .map(|&(key, direction)| Sort { key, direction })
        .collect();
    let query = ProductQuery {
        filter,
        sort,
        limit: 100,
        total: true,
    };
    let page = store.list_products(&query).await.expect("is listed");
    assert_eq!(page.total, Some(page.items.len() as i64));
    page.items
        .iter()
        .map(|product| product.name.as_str().to_owned())
        .collect()
}

fn restock(pieces: i64) -> ProductChanges {
    ProductChanges {
        stock: Some(Stock::new(pieces).expect("a stock")),
        ..Default::default()
    }
}

/// For writers who do not look.
fn whatever(_: &Product) -> Result<(), Infallible> {
    Ok(())
}

async fn change(store: &Store, id: Uuid, changes: ProductChanges) -> Option<Product> {
    let outcome = store.change_product(id, changes, whatever).await;
    match outcome.expect("writes") {
        Outcome::Done(product) => Some(product),
        Outcome::Missing => None,
    }
}

async fn delete(store: &Store, id: Uuid) -> bool {
    let outcome = store.delete_product(id, whatever).await;
    matches!(outcome.expect("writes"), Outcome::Done(()))
}

#[tokio::test]
async fn what_was_written_is_read_back_also_after_a_restart() {
    let (folder, store) = open().await;
    let lamp = create(&store, "Lampe „Größe ½“ 💡", 4900, 3).await;
    assert_eq!(lamp.version, 1);
    assert_eq!(lamp.id.get_version_num(), 7);
    assert_eq!(
        store.product(lamp.id).await.expect("reads"),
        Some(lamp.clone())
    );

    let changed = change(&store, lamp.id, restock(2)).await.expect("found");
    assert_eq!((changed.version, changed.stock.pieces()), (2, 2));
    store.close().await;

    let store = Store::open(&folder.path().join("shop.db"))
        .await
        .expect("opens again");
    assert_eq!(store.product(lamp.id).await.expect("reads"), Some(changed));
}

#[tokio::test]
async fn a_deleted_product_is_gone_for_readers_and_writers() {
    let (_folder, store) = open().await;
    let lamp = create(&store, "Lamp", 4900, 3).await;
    assert!(delete(&store, lamp.id).await);
    assert!(!delete(&store, lamp.id).await);
    assert_eq!(store.product(lamp.id).await.expect("reads"), None);
    assert_eq!(change(&store, lamp.id, restock(1)).await, None);
    assert!(
        names(&store, ProductFilter::default(), &[])
            .await
            .is_empty()
    );
    assert!(!delete(&store, Uuid::now_v7()).await);
}

#[tokio::test]
async fn a_refused_write_leaves_everything_as_it_is() {
    let (_folder, store) = open().await;
    let lamp = create(&store, "Lamp", 4900, 3).await;
    let refuse = |seen: &Product| Err::<(), _>((seen.version, seen.stock));
    let seen = (1, lamp.stock);
    // The check sees what is there, also when there is nothing to change.
    for changes in [restock(2), restock(3), ProductChanges::default()] {
        let outcome = store.change_product(lamp.id, changes, refuse).await;
        assert_eq!(outcome.expect("answers"), Outcome::Refused(seen));
    }
    let outcome = store.delete_product(lamp.id, refuse).await;
    assert_eq!(outcome.expect("answers"), Outcome::Refused(seen));
    let read = store.product(lamp.id).await.expect("reads");
    assert_eq!(read, Some(lamp.clone()));

    // Whoever refuses does not keep others from writing.
    assert!(change(&store, lamp.id, restock(1)).await.is_some());
}

#[tokio::test]
async fn nobody_is_asked_about_what_is_not_there() {
    let (_folder, store) = open().await;
    let lamp = create(&store, "Lamp", 4900, 3).await;
    assert!(delete(&store, lamp.id).await);
    let asked = |_: &Product| -> Result<(), Infallible> { panic!("is asked") };
    for id in [lamp.id, Uuid::now_v7()] {
        let changed = store.change_product(id, restock(1), asked).await;
        assert_eq!(changed.expect("answers"), Outcome::Missing);
        let deleted = store.delete_product(id, asked).await;
        assert_eq!(deleted.expect("answers"), Outcome::Missing);
    }
}

#[tokio::test]
async fn filters_hold_together_and_wildcards_are_letters() {
    let (_folder, store) = open().await;
    for (name, price, stock) in [
        ("100% wool", 10, 0),
        ("100 % WOOL", 20, 5),
        ("a_b", 30, 5),
        ("axb", 40, 0),
        (r"a\b", 50, 1),
    ] {
        create(&store, name, price, stock).await;
    }
    let by_price = &[(ProductKey::Price, Direction::Ascending)];
    let found = async |filter| names(&store, filter, by_price).await;
    let q = |text: &str| ProductFilter {
        name_contains: Some(text.to_owned()),
        ..Default::default()
    };

    assert_eq!(found(q("wool")).await, ["100% wool", "100 % WOOL"]);
    assert_eq!(found(q("0%")).await, ["100% wool"]);
    assert_eq!(found(q("a_b")).await, ["a_b"]);
    assert_eq!(found(q(r"\")).await, [r"a\b"]);
    assert_eq!(found(q("'; DROP TABLE products; --")).await, [""; 0]);
    let price = ProductFilter {
        min_price: Some(20),
        max_price: Some(40),
        ..Default::default()
    };
    assert_eq!(found(price.clone()).await, ["100 % WOOL", "a_b", "axb"]);
    assert_eq!(
        found(ProductFilter {
            in_stock: Some(true),
            ..price.clone()
        })
        .await,
        ["100 % WOOL", "a_b"]
    );
    assert_eq!(
        found(ProductFilter {
            in_stock: Some(false),
            ..price
        })
        .await,
        ["axb"]
    );
}

#[tokio::test]
async fn sorts_by_code_point_and_by_several_terms() {
    let (_folder, store) = open().await;
    for (name, price) in [
        ("b", 1),
        ("é", 1),
        ("B", 2),
        ("a", 2),
        ("💡", 1),
        ("\u{ff5e}", 2),
    ] {
        create(&store, name, price, 1).await;
    }
    let sorted = async |sort: &[_]| names(&store, ProductFilter::default(), sort).await;
    // UTF-16 would put the lamp, a surrogate pair, before U+FF5E.
    let by_name = ["B", "a", "b", "é", "\u{ff5e}", "💡"];
    assert_eq!(
        sorted(&[(ProductKey::Name, Direction::Ascending)]).await,
        by_name
    );
    let price_then_name = [
        (ProductKey::Price, Direction::Descending),
        (ProductKey::Name, Direction::Ascending),
    ];
    assert_eq!(
        sorted(&price_then_name).await,
        ["B", "a", "\u{ff5e}", "b", "é", "💡"]
    );
    let by_creation = ["b", "é", "B", "a", "💡", "\u{ff5e}"];
    assert_eq!(
        sorted(&[(ProductKey::CreatedAt, Direction::Ascending)]).await,
        by_creation
    );
}

#[tokio::test]
async fn a_page_knows_whether_there_is_more() {
    let (_folder, store) = open().await;
    for number in 0..3 {
        create(&store, &number.to_string(), number, 1).await;
    }
    for (limit, length, has_more) in [(1, 1, true), (2, 2, true), (3, 3, false), (4, 3, false)] {
        let query = ProductQuery {
            limit,
            ..Default::default()
        };
        let page = store.list_products(&query).await.expect("is listed");
        assert_eq!(
            (page.items.len(), page.has_more, page.total),
            (length, has_more, None)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_changes_wait_for_each_other_and_none_is_lost() {
    let (_folder, store) = open().await;
    let lamp = create(&store, "Lamp", 4900, 0).await;
    let writers: Vec<_> = (1..=50)
        .map(|pieces| {
            let store = store.clone();
            tokio::spawn(async move { change(&store, lamp.id, restock(pieces)).await })
        })
        .collect();
    let mut versions = Vec::new();
    for writer in writers {
        let changed = writer.await.expect("no busy error").expect("found");
        versions.push(changed.version);
    }
    versions.sort_unstable();
    assert_eq!(versions, (2..=51).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_demo_is_made_once_and_never_into_a_catalogue() {
    let (_folder, store) = open().await;
    assert_eq!(store.create_demo_products().await.expect("is made"), 200);
    assert_eq!(store.create_demo_products().await.expect("answers"), 0);
    let query = ProductQuery {
        limit: 1,
        total: true,
        ..Default::default()
    };
    assert_eq!(
        store.list_products(&query).await.expect("is listed").total,
        Some(200)
    );

    // A shop whose only product was deleted has still been used.
    let (_folder, store) = open().await;
    let lamp = create(&store, "Lamp", 4900, 0).await;
    assert!(delete(&store, lamp.id).await);
    assert_eq!(store.create_demo_products().await.expect("answers"), 0);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_an_error_and_stays_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("letter.txt");
    let letter = "Dear Sir or Madam, ".repeat(300);
    std::fs::write(&path, &letter).expect("is written");
    assert!(Store::open(&path).await.is_err());
    assert_eq!(std::fs::read_to_string(&path).expect("is read"), letter);
}

#[tokio::test]
async fn a_closed_store_is_unavailable() {
    let (_folder, store) = open().await;
    store.ping().await.expect("answers");
    store.close().await;
    assert!(matches!(
        store.ping().await,
        Err(StoreError::Unavailable(_))
    ));
}
