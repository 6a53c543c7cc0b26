//! Forms; answers of real servers are in the tests of the whole source.

use super::*;

#[test]
fn forms_keep_every_byte() {
    let mut form = String::new();
    push(&mut form, "query", "a{b=\"c&d\"} + ä");
    push(&mut form, "time", &seconds(UnixMillis(1_700_000_000_005)));
    assert_eq!(form, "query=a%7Bb%3D%22c%26d%22%7D%20%2B%20%C3%A4&time=1700000000.005");
}

#[test]
fn a_file_that_hangs_takes_one_thread() {
    let dir = tempfile::tempdir().unwrap();
    let token_file = dir.path().join("token");
    std::fs::write(&token_file, "t0ken").unwrap();
    let limits = Limits { deadline: Duration::from_millis(50), ..Limits::default() };
    let short = Client::new("http://127.0.0.1:1".parse().unwrap(), Credentials::Bearer { token_file }, limits);
    // The one thread there is does something else, so that no reading ends before it may.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let (release, released) = std::sync::mpsc::channel::<()>();
        let busy = tokio::task::spawn_blocking(move || released.recv());
        for _ in 0..3 {
            let error = short.instant("up", None).await.unwrap_err();
            assert!(matches!(&error, ClientError::Credentials(CredentialsError::Hangs { .. })), "{error}");
            assert!(error.is_of_server() && error.to_string().contains("look for a hung mount"), "{error}");
            assert_eq!(short.reading.available_permits(), 0, "the first reading goes on, and no other one began");
        }
        drop(release);
        let _ = busy.await;
        // Nobody listens there, which is only noticed with credentials.
        let long = Client { limits: Limits::default(), ..short };
        assert!(matches!(long.instant("up", None).await, Err(ClientError::Unreachable { .. })));
    });
}
