//! Single checks. Complete diagnostics with real servers are tested in `e2e/tests/doctor.rs`.

use std::time::SystemTime;

use rcgen::{CertificateParams, DistinguishedName, DnType, Issuer, KeyPair};
use rustls::pki_types::CertificateDer;

use super::notes::Finding;
use super::*;
use llamapool_settings::{Mistake, SourceSpan, Sources, build, load};
use llamapool_tunnel::dial::DialError;

/// The recorded check for a finding.
fn entered(finding: Finding) -> Check {
    let mut tell = |_: &Check| {};
    let mut notes = Notes::new(&mut tell);
    notes.note("id", "title", finding);
    notes.checks.remove(0)
}

fn outcome(finding: Finding) -> Outcome {
    entered(finding).outcome
}

#[tokio::test]
async fn a_configuration_that_cannot_be_used_ends_the_visit() {
    let mistake = Mistake { place: SourceSpan::Env("DEMO".into()), what: "\"perhaps\" is given".into() };
    let context = Context { loaded: Err(Mistakes(vec![mistake])), file: "worker.yaml".into(), dial: None };
    let mut told = Vec::new();
    let checks = run(&context, |check| told.push(check.clone())).await;
    assert_eq!(told, checks);
    assert_eq!((checks[0].id, checks[0].outcome), ("config", Outcome::Failed));
    assert!(checks[0].found.contains("environment DEMO"), "{:?}", checks[0]);
    assert!(checks[1..].iter().all(|check| check.outcome == Outcome::Skipped) && checks.len() == 15);
    assert!(!is_well(&checks));
    let json = serde_json::to_value(&checks[0]).unwrap();
    assert_eq!((&json["outcome"], &json["took_ms"]), (&"failed".into(), &0.into()));
}

#[tokio::test]
async fn the_same_checks_in_the_same_order_whatever_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().display().to_string();
    let env = move |name: &str| match name {
        "SERVER_URL" => Some("wss://no-such-host.invalid".to_owned()),
        "STATE_DIR" => Some(state.clone()),
        "DEMO" => Some("true".to_owned()),
        _ => None,
    };
    let loaded = load(&Sources { args: Vec::new(), env: Box::new(env), default_file: None });
    let file = dir.path().join("worker.yaml");
    let direct =
        dial::Options::new(None).proxies(hyper_util::client::proxy::matcher::Matcher::builder().build());
    let checks = run(&Context { loaded, file, dial: Some(direct) }, |_| {}).await;
    let ids: Vec<_> = checks.iter().map(|check| check.id).collect();
    let all = local::CHECKS.into_iter().chain(network::CHECKS).chain(models::CHECKS).map(|(id, _)| id);
    assert_eq!(ids[1..], all.collect::<Vec<_>>());
    let of = |id: &str| checks.iter().find(|check| check.id == id).unwrap();
    assert_eq!((of("dns").outcome, of("tcp").outcome), (Outcome::Failed, Outcome::Skipped));
    assert!(of("dns").found.contains("no-such-host.invalid") && of("dns").fix.is_some());
    assert_eq!((of("key").outcome, of("runtime").outcome), (Outcome::Skipped, Outcome::Ok));
}

#[tokio::test]
async fn what_keeps_a_worker_from_starting_here() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (addr, state) = (taken.local_addr().unwrap().to_string(), dir.path().join("state"));
    std::fs::write(&state, "no folder").unwrap();
    let (of_state, of_addr) = (state.display().to_string(), addr.clone());
    let env = move |name: &str| match name {
        "STATE_DIR" => Some(of_state.clone()),
        "STATUS_ADDR" => Some(of_addr.clone()),
        "DEMO" => Some("true".to_owned()),
        _ => None,
    };
    let loaded = load(&Sources { args: Vec::new(), env: Box::new(env), default_file: None });
    let file = dir.path().join("worker.yaml");
    let checks = run(&Context { loaded, file, dial: None }, |_| {}).await;
    let of = |id: &str| checks.iter().find(|check| check.id == id).unwrap();
    assert_eq!((of("disk").outcome, of("worker").outcome), (Outcome::Failed, Outcome::Failed));
    assert!(of("disk").found.contains(&state.display().to_string()), "{:?}", of("disk"));
    assert!(of("worker").found.contains(&addr), "{:?}", of("worker"));
    assert!(of("worker").fix.as_ref().unwrap().contains("status_addr"));
}

#[test]
fn clocks() {
    let now = SystemTime::now();
    assert_eq!(outcome(network::clock(now, now)), Outcome::Ok);
    assert_eq!(outcome(network::clock(now, now - Duration::from_secs(30))), Outcome::Ok);
    let ahead = entered(network::clock(now, now - Duration::from_secs(3_600)));
    assert_eq!((ahead.outcome, ahead.found.as_str()), (Outcome::Warning, "1h ahead of the server"));
    let behind = entered(network::clock(now, now + Duration::from_secs(90)));
    assert_eq!(behind.found, "1m 30s behind the server");
}

#[test]
fn versions() {
    assert_eq!(outcome(network::version(build::VERSION)), Outcome::Ok);
    let other = entered(network::version("99.1.0"));
    assert!(other.outcome == Outcome::Warning && other.found.contains(build::VERSION));
}

#[test]
fn certificates() {
    let now = SystemTime::now();
    let named = |name: &str| {
        let mut params = CertificateParams::new(vec!["pool.test".to_owned()]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_after = rcgen::date_time_ymd(2038, 1, 1);
        params
    };
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let read = |der: &CertificateDer<'_>| certificate::read(der).unwrap();
    let own = named("pool.test\u{7}").self_signed(&key).unwrap();
    let issued = named("pool.test").signed_by(&other, &Issuer::new(named("my CA"), &key)).unwrap();

    let facts = read(own.der());
    assert!(facts.subject == facts.issuer && !facts.subject.contains('\u{7}'));
    let refused = DialError::Tls("not trusted".into());
    let told = |facts, now| entered(certificate::not_trusted(&refused, Some(facts), now)).fix.unwrap();
    assert!(told(&facts, now).contains("self-signed"));
    let facts = read(issued.der());
    assert!(facts.issuer.contains("my CA") && told(&facts, now).contains("CA of your own"));
    let soon = facts.until - Duration::from_secs(24 * 60 * 60);
    assert!(told(&facts, facts.until + Duration::from_secs(1)).contains("has expired"));
    assert!(told(&facts, facts.from - Duration::from_secs(1)).contains("this machine's clock"));
    assert_eq!(outcome(certificate::trusted(Some(&facts), now)), Outcome::Ok);
    assert_eq!(outcome(certificate::trusted(Some(&facts), soon)), Outcome::Warning);
}

#[test]
fn what_macos_forbids() {
    let no_route = "192.168.1.7:11434: No route to host (os error 65)";
    let is_forbidden = |host| local_network::is_forbidden("macos", host, no_route);
    for near in ["192.168.1.7", "169.254.3.4", "[fe80::1]", "fd00::7", "studio.local", "nas"] {
        assert!(is_forbidden(near), "{near}");
    }
    for elsewhere in ["8.8.8.8", "172.32.0.1", "[2001:db8::1]", "127.0.0.1", "::1", "localhost"] {
        assert!(!is_forbidden(elsewhere), "{elsewhere}");
    }
    // Other systems have other error numbers and other causes.
    assert!(!local_network::is_forbidden("linux", "192.168.1.7", no_route));
    assert!(!local_network::is_forbidden("macos", "192.168.1.7", "Connection refused (os error 61)"));
}

#[tokio::test(start_paused = true)]
async fn a_check_has_its_time() {
    let mut tell = |_: &Check| {};
    let mut notes = Notes::new(&mut tell);
    let never = std::future::pending::<(Finding, Option<()>)>();
    assert_eq!(notes.check(("slow", "Slow"), Duration::from_secs(5), never).await, None);
    assert_eq!((notes.checks[0].outcome, notes.checks[0].took), (Outcome::Failed, Duration::from_secs(5)));
    assert!(notes.checks[0].found.contains("within 5 s"));
}
