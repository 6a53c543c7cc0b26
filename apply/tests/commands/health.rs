//! Services that are healthy, become it, or never do: real sockets and processes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::RangeInclusive;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use verwalter_apply::command::{Command, Program};
use verwalter_apply::health::{DEFAULT_STATUS, Health, HealthError, Probe, wait_healthy};

use crate::site::{HUNG, Site, shell};

/// For what never comes.
const BRIEF: Duration = Duration::from_millis(300);
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const BUSY: &str = "HTTP/1.1 503 Busy\r\n\r\n";

/// A server on a port of its own.
struct Server {
    port: u16,
    requests: Receiver<String>,
}

impl Server {
    /// Answers one connection after the other; the last answer is for all that come then.
    fn new(answers: &'static [&'static str]) -> Server {
        Server::with(move |index, mut stream| {
            let answer = answers[index.min(answers.len() - 1)];
            // Whoever saw enough hangs up.
            let _ = stream.write_all(answer.as_bytes());
        })
    }

    fn with(mut serve: impl FnMut(usize, TcpStream) + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (send, requests) = channel();
        thread::spawn(move || {
            for index in 0.. {
                let Ok((mut stream, _)) = listener.accept() else { return };
                let mut request = Vec::new();
                let mut chunk = [0; 1024];
                while !request.ends_with(b"\r\n\r\n") {
                    match stream.read(&mut chunk) {
                        Ok(count @ 1..) => request.extend_from_slice(&chunk[..count]),
                        _ => break,
                    }
                }
                let _ = send.send(String::from_utf8_lossy(&request).into_owned());
                serve(index, stream);
            }
        });
        Server { port, requests }
    }

    fn get(&self) -> Health {
        self.expect(DEFAULT_STATUS, None)
    }

    fn expect(&self, expect_status: RangeInclusive<u16>, contains: Option<&str>) -> Health {
        http(&format!("http://127.0.0.1:{}/healthz?full", self.port), expect_status, contains)
    }

    /// How many requests there were so far.
    fn count(&self) -> usize {
        self.requests.try_iter().count()
    }
}

fn http(url: &str, expect_status: RangeInclusive<u16>, contains: Option<&str>) -> Health {
    let probe = Probe::Http { url: url.to_owned(), expect_status, contains: contains.map(str::to_owned) };
    patient(probe)
}

/// Tries for as long as a test may last.
fn patient(probe: Probe) -> Health {
    Health { what: "web.render.yaml:9".into(), probe, within: HUNG, every: Duration::from_millis(10), successes: 1, timeout: HUNG }
}

/// Has time for one try only, whatever it sees.
fn once(health: Health) -> Health {
    Health { every: HUNG, ..health }
}

fn wait(site: &Site, checks: &[Health]) -> Result<(), HealthError> {
    site.within(&str::to_owned, |context| wait_healthy(checks, &site.runner, context))
}

#[test]
fn one_good_answer_is_enough() {
    let site = Site::new();
    wait(&site, &[]).expect("nothing to wait for");
    let server = Server::new(&[OK]);
    wait(&site, &[server.get()]).expect("healthy");
    let request = server.requests.recv_timeout(HUNG).expect("one came");
    let expect = format!("GET /healthz?full HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nUser-Agent: verwalter/", server.port);
    assert!(request.starts_with(&expect) && request.contains("\r\nConnection: close\r\n"), "{request}");
    wait(&site, &[http(&format!("http://localhost:{}", server.port), 200..=200, None)]).expect("healthy");
}

#[test]
fn tries_go_on_until_enough_succeed_in_a_row() {
    let site = Site::new();
    let server = Server::new(&[BUSY, "", "SSH-2.0-x\r\n", OK]);
    wait(&site, &[server.get()]).expect("healthy at last");
    assert_eq!(server.count(), 4);
    let server = Server::new(&[OK, OK, BUSY, OK]);
    wait(&site, &[Health { successes: 3, ..server.get() }]).expect("healthy at last");
    assert_eq!(server.count(), 6);
}

#[test]
fn the_message_says_what_was_seen_last() {
    let site = Site::new();
    let check = |health: Health, part: &str| {
        let err = wait(&site, &[once(health)]).expect_err(part);
        assert!(matches!(err, HealthError::NotHealthy { .. }), "{err:?}");
        let text = err.to_string();
        assert!(text.starts_with("web.render.yaml:9: `") && text.contains("was not healthy within 60s (tries: 1); "), "{text}");
        assert!(text.contains(part) && !text.contains('\n'), "{text}, not {part}");
    };
    check(Server::new(&[BUSY]).get(), "it saw last: status 503, not 200 to 399");
    check(Server::new(&[""]).get(), "it ended too early");
    check(Server::new(&["SSH-2.0-OpenSSH\r\n"]).get(), "that is no HTTP/1.1");
    check(Server::new(&["HTTP/1.1 200"]).get(), "that is no HTTP/1.1");
    check(Server::new(&[OK]).expect(200..=299, Some("fine")), "status 200, but its answer does not contain \"fine\"");
    check(Server::new(&["HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"]).expect(200..=299, None), "status 302, not 200 to 299");
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port();
    check(http(&format!("http://127.0.0.1:{free}/"), DEFAULT_STATUS, None), "connection refused");
    check(http("http://no-such-host.invalid/", DEFAULT_STATUS, None), "the name no-such-host.invalid has no address");
    // It listens and never accepts, and the other accepts and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", silent.local_addr().expect("bound"));
    check(Health { timeout: BRIEF, ..http(&url, DEFAULT_STATUS, None) }, "no whole answer from 127.0.0.1:");
    let mut held = Vec::new();
    let silent = Server::with(move |_, stream| held.push(stream)).get();
    check(Health { timeout: BRIEF, ..silent }, "time was up");
}

#[test]
fn a_try_that_was_cut_short_hides_nothing() {
    let site = Site::new();
    let check = |first: &'static str, successes, part: &str| {
        let mut held = Vec::new();
        let server = Server::with(move |index, mut stream| {
            if index == 0 {
                let _ = stream.write_all(first.as_bytes());
            } else {
                held.push(stream);
            }
        });
        // The first try takes as long as it does; the second one takes what is left of the time.
        let health = Health { within: Duration::from_secs(2), successes, ..server.get() };
        let err = wait(&site, &[health]).expect_err("never").to_string();
        assert!(err.contains(&format!("(tries: 2); it saw last: {part}")), "{err}");
    };
    check(BUSY, 1, "status 503");
    check(OK, 2, "success, but fewer than 2 in a row");
}

#[test]
fn answers_are_read_whatever_their_framing() {
    let site = Site::new();
    let check = |answers: &'static [&'static str]| {
        wait(&site, &[Server::new(answers).expect(200..=299, Some("all fine"))]).unwrap_or_else(|err| panic!("{answers:?}: {err}"));
    };
    check(&["HTTP/1.1 200 OK\r\n\r\nall fine"]);
    check(&["HTTP/1.0 200 OK\r\n\r\nall fine"]);
    check(&["HTTP/1.1 200\r\nContent-Length: 9\r\n\r\n all fine and more"]);
    check(&["HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n5\r\nis al\r\n6\r\nl fine\r\n0\r\n\r\n"]);
    check(&["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nall fine"]);
    // What comes after the end of the body is none of it, and broken chunks are no answer.
    let beyond = [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokall fine",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nall fine",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\nall fine",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nall fine",
    ];
    for answer in beyond {
        let server = Server::with(move |_, mut stream| drop(stream.write_all(answer.as_bytes())));
        let health = once(server.expect(200..=299, Some("all fine")));
        assert!(matches!(wait(&site, &[health]), Err(HealthError::NotHealthy { .. })), "{answer:?}");
    }
}

#[test]
fn an_answer_without_end_is_read_in_part() {
    let site = Site::new();
    let endless = |begin: &'static str, more: &'static str| {
        Server::with(move |_, mut stream| {
            let _ = stream.write_all(begin.as_bytes());
            while stream.write_all(more.as_bytes()).is_ok() {}
        })
    };
    let check = |server: &Server, part: &str| {
        let err = wait(&site, &[once(server.expect(200..=299, Some("fine")))]).expect_err(part).to_string();
        assert!(err.contains(part), "{err}");
    };
    check(&endless("HTTP/1.1 200 OK\r\n\r\n", "not so well "), "does not contain");
    check(&endless("HTTP/1.1 200 OK\r\n", "X: y\r\n"), "no HTTP/1.1");
    check(&endless("HTTP/1.1 200 OK\r\nX: ", "y"), "no HTTP/1.1");
    check(&endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1", "1"), "no HTTP/1.1");
    // Without a text to look for, the body is nobody's business.
    wait(&site, &[endless("HTTP/1.1 200 OK\r\n\r\n", "x").get()]).expect("healthy");
}

#[test]
fn commands_are_tried_too() {
    let mut site = Site::new();
    let count = site.program("count", "#!/bin/sh\necho x >> \"$1\"\ntest $(wc -l < \"$1\") -ge 3\n");
    let program = Program::Path(count);
    let argument = site.path("tries").display().to_string();
    let command = Command { what: "web.render.yaml:9".into(), program, arguments: vec![argument], timeout: HUNG, root: false };
    wait(&site, &[patient(Probe::Command(command))]).expect("the third succeeds");
    assert_eq!(std::fs::read_to_string(site.path("tries")).expect("there"), "x\nx\nx\n");

    let failing = once(patient(Probe::Command(shell("echo oops; exit 3"))));
    let err = wait(&site, &[failing]).expect_err("never").to_string();
    assert!(err.contains("(tries: 1); it saw last: it failed with exit code 3; it said last: "), "{err}");
    assert!(err.contains("oops / + exit 3") && err.matches("sh -exc").count() == 1, "{err}");

    let alive = site.fifo("alive");
    let hanging = patient(Probe::Command(shell(&format!("exec 9>{}; sleep 1000", alive.show()))));
    let err = wait(&site, &[Health { timeout: BRIEF, ..once(hanging) }]).expect_err("never").to_string();
    assert!(err.contains("(tries: 1); it saw last: it timed out after 300ms"), "{err}");
    alive.wait_for_end();
}

#[test]
fn what_no_try_can_mend_ends_the_wait_at_once() {
    let site = Site::new();
    let check = |health: Health, part: &str| {
        let err = wait(&site, &[health]).expect_err(part);
        assert!(matches!(err, HealthError::Unusable { .. }) && err.to_string().contains(part), "{err}");
    };
    let cat = Command { program: Program::Name("cat".into()), ..shell("") };
    check(patient(Probe::Command(cat)), "the health check `cat` is not allowed: list ");
    check(http("https://127.0.0.1/", DEFAULT_STATUS, None), "speaks https, which health checks do not");
    check(Health { successes: 0, ..http("http://127.0.0.1/", DEFAULT_STATUS, None) }, "has a `successes` that must be from 1 to 1000");
    let many = vec![http("http://127.0.0.1/", DEFAULT_STATUS, None); 33];
    assert!(matches!(wait(&site, &many), Err(HealthError::Unusable { .. })));
}

#[test]
fn one_that_cannot_become_healthy_ends_the_wait_for_all() {
    let site = Site::new();
    let alive = site.fifo("alive");
    let mut held = Vec::new();
    let silent = Server::with(move |_, stream| held.push(stream)).get();
    let hanging = patient(Probe::Command(shell(&format!("exec 9>{}; echo started >&9; sleep 1000", alive.show()))));
    let (go, wait_for_it) = channel::<()>();
    let busy = Server::with(move |_, mut stream| {
        let _ = wait_for_it.recv();
        let _ = stream.write_all(BUSY.as_bytes());
    });
    let checks = [silent, hanging, Server::new(&[OK]).get(), once(busy.get())];
    thread::scope(|scope| {
        let waiting = scope.spawn(|| wait(&site, &checks));
        assert_eq!(alive.next(), "started\n");
        go.send(()).expect("the server waits");
        let err = waiting.join().expect("no panic").expect_err("one is busy").to_string();
        assert!(err.contains("status 503"), "{err}");
    });
    alive.wait_for_end();
}

#[test]
fn the_end_of_the_daemon_ends_the_wait() {
    let site = Site::new();
    let mut held = Vec::new();
    let silent = Server::with(move |_, stream| held.push(stream));
    let health = silent.get();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| wait(&site, std::slice::from_ref(&health)));
        silent.requests.recv_timeout(HUNG).expect("a request came");
        site.cancel.cancel();
        let err = waiting.join().expect("no panic").expect_err("ended");
        assert_eq!(err, HealthError::Cancelled { what: "web.render.yaml:9".into() });
    });
}

#[test]
fn secrets_in_urls_are_masked() {
    let site = Site::new();
    let server = Server::new(&[BUSY]);
    let url = format!("http://127.0.0.1:{}/?token=hunter2", server.port);
    let health = once(http(&url, DEFAULT_STATUS, None));
    let mask = |text: &str| text.replace("hunter2", "***");
    let err = site.within(&mask, |context| wait_healthy(&[health], &site.runner, context)).expect_err("busy");
    assert!(!format!("{err:?}").contains("hunter2") && err.to_string().contains("token=***"), "{err:?}");
}
