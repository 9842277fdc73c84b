//! The S3 server keeps files and knows who may.

#![allow(clippy::unwrap_used)]

use norgay_testbed::S3Server;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

fn client(server: &S3Server, secret: &str) -> AmazonS3 {
    let _ = rustls::crypto::ring::default_provider().install_default();
    AmazonS3Builder::new()
        .with_endpoint(server.url())
        .with_allow_http(true)
        .with_region("us-east-1")
        .with_bucket_name("files")
        .with_access_key_id("key")
        .with_secret_access_key(secret)
        .build()
        .unwrap()
}

#[tokio::test]
async fn files_are_kept_in_the_folder_for_those_who_know_the_secret() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("files")).unwrap();
    let server = S3Server::start(folder.path(), 0, "key", "secret").unwrap();
    let path = Path::from("a/b.txt");
    let friend = client(&server, "secret");
    friend
        .put(&path, PutPayload::from_static(b"content"))
        .await
        .unwrap();
    assert_eq!(
        friend
            .get(&path)
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap()
            .as_ref(),
        b"content"
    );
    assert_eq!(
        std::fs::read(folder.path().join("files/a/b.txt")).unwrap(),
        b"content"
    );
    let stranger = client(&server, "guess")
        .get(&path)
        .await
        .unwrap_err()
        .to_string();
    assert!(stranger.contains("SignatureDoesNotMatch"), "{stranger}");
}
