//! SQLite files come alone and go together.

use buttress_testkit::SqliteFile;

#[test]
fn a_file_has_a_place_of_its_own_until_it_is_dropped() {
    let (one, other) = (SqliteFile::new(), SqliteFile::new());
    assert_ne!(one.path(), other.path());
    assert!(!one.path().exists(), "whoever opens it creates it");
    assert_eq!(
        one.url(),
        format!("sqlite://{}?mode=rwc", one.path().display())
    );
    for name in ["test.db", "test.db-wal", "test.db-shm"] {
        std::fs::write(one.folder().join(name), "").unwrap();
    }
    assert!(one.path().exists());
    let folder = one.folder().to_owned();
    drop(one);
    assert!(!folder.exists());
    assert!(other.folder().exists());
}
