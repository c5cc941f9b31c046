//! Dialing scripted peers: correct and broken servers, with and without TLS and proxies.

mod peers;

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hyper_util::client::proxy::matcher::Matcher;
use secrecy::SecretString;
use tokio_tungstenite::tungstenite::Message;
use url::Url;

use super::*;
use crate::control::SUBPROTOCOL;
use peers::{Authority, Proxy, answering, closing, echoing, silent};

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn no_proxy() -> Options {
    Options::new(None).proxies(Matcher::builder().build())
}

async fn refused(answer: &'static str) -> DialError {
    let port = answering(answer).await;
    dial(&url(&format!("ws://127.0.0.1:{port}/api")), None, &no_proxy()).await.unwrap_err()
}

async fn assert_echo(dialed: Dialed) {
    let mut socket = dialed.socket;
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
}

#[tokio::test]
async fn a_server_of_ours() {
    let (port, heads) = echoing(None).await;
    let key = SecretString::from("s3cret");
    let at = url(&format!("ws://user:pass@localhost:{port}/api/workers/connect?pool=a#x"));
    let dialed = dial(&at, Some(&key), &no_proxy()).await.unwrap();
    assert_eq!(dialed.server_version.as_deref(), Some("9.9.9"));
    assert!(dialed.socket.get_ref().tcp().nodelay().unwrap());
    assert_echo(dialed).await;

    let head = heads.await.unwrap();
    let get = |name: &str| head.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(head.uri(), "/api/workers/connect?pool=a");
    assert_eq!(get("authorization").as_deref(), Some("Bearer s3cret"));
    assert_eq!(get("sec-websocket-protocol").as_deref(), Some(SUBPROTOCOL));
    assert_eq!(get("host"), Some(format!("localhost:{port}")));
    assert!(get("user-agent").unwrap().starts_with("llamapool-worker/"));
    assert_eq!(get("origin"), None);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_socket_is_tuned() {
    let (port, _heads) = echoing(None).await;
    let options = no_proxy().keepalive_timeout(Duration::from_secs(20));
    let dialed = dial(&url(&format!("ws://127.0.0.1:{port}/")), None, &options).await.unwrap();
    let socket = socket2::SockRef::from(dialed.socket.get_ref().tcp());
    assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(20)));
    assert_eq!(socket.tcp_notsent_lowat().unwrap(), 32 * 1024);
}

#[tokio::test]
async fn tls_with_a_ca_of_our_own() {
    let authority = Authority::new();
    let (port, _heads) = echoing(Some(authority.acceptor(&["localhost", "127.0.0.1"]))).await;
    let trusting = Options::new(Some(authority.file())).proxies(Matcher::builder().build());
    for host in ["localhost", "127.0.0.1"] {
        let dialed = dial(&url(&format!("wss://{host}:{port}/")), None, &trusting).await;
        assert_eq!(dialed.as_ref().err(), None);
        assert_echo(dialed.unwrap()).await;
    }

    let error = dial(&url(&format!("wss://localhost:{port}/")), None, &no_proxy()).await.unwrap_err();
    assert!(matches!(error, DialError::Tls(_)) && error.is_refusal(), "{error:?}");
    assert!(error.to_string().contains("not trusted") && error.to_string().contains("CA_FILE"), "{error}");
}

#[tokio::test]
async fn a_certificate_for_somebody_else() {
    let authority = Authority::new();
    let (port, _heads) = echoing(Some(authority.acceptor(&["other.test"]))).await;
    let trusting = Options::new(Some(authority.file())).proxies(Matcher::builder().build());
    let error = dial(&url(&format!("wss://localhost:{port}/")), None, &trusting).await.unwrap_err();
    assert!(matches!(error, DialError::Tls(_)), "{error:?}");
}

#[tokio::test]
async fn a_ca_file_that_is_missing() {
    let (port, _heads) = echoing(None).await;
    let options = Options::new(Some("/no/such.pem".into()));
    let error = dial(&url(&format!("wss://localhost:{port}/")), None, &options).await.unwrap_err();
    assert!(matches!(&error, DialError::Tls(why) if why.contains("/no/such.pem")), "{error:?}");
    // The file is not read without TLS.
    dial(&url(&format!("ws://localhost:{port}/")), None, &options).await.unwrap();
}

#[tokio::test]
async fn no_tls_where_tls_is_wanted() {
    let port = answering("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    let error = dial(&url(&format!("wss://127.0.0.1:{port}/")), None, &no_proxy()).await.unwrap_err();
    assert!(matches!(&error, DialError::Tls(why) if why.contains("ws://")), "{error:?}");
}

#[tokio::test]
async fn a_key_that_is_refused() {
    let error = refused(
        "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: 42\r\n\r\n\
         {\"error\":{\"message\":\"no such\\u001b[31m key\"}}",
    )
    .await;
    assert_eq!(error, DialError::Unauthorized { status: 401, message: "no such[31m key".to_owned() });
    assert!(error.is_refusal());
    assert!(error.to_string().contains("CLIENT_KEY"), "{error}");

    let error = refused("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(error, DialError::Unauthorized { status: 403, message: "Forbidden".to_owned() });
}

#[tokio::test]
async fn a_server_that_is_busy_or_gone() {
    let error = refused(
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: 7\r\ncontent-type: text/plain\r\n\
         content-length: 8\r\n\r\ndraining",
    )
    .await;
    assert_eq!(
        error,
        DialError::Refused {
            status: 503,
            message: "draining".to_owned(),
            retry_after: Some(Duration::from_secs(7))
        }
    );
    assert!(!error.is_refusal());
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));

    let html =
        "HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 13\r\n\r\n<h1>nginx</h1>";
    let error = refused(html).await;
    assert!(matches!(&error, DialError::Refused { status: 502, message, .. } if message == "Bad Gateway"));
    let error = refused("HTTP/1.1 429 Too Many Requests\r\nretry-after: soon\r\n\r\n").await;
    assert!(matches!(&error, DialError::Refused { status: 429, retry_after: None, .. }), "{error:?}");
    assert!(!error.is_refusal());
    assert!(refused("HTTP/1.1 400 Bad Request\r\n\r\n").await.is_refusal());
}

#[tokio::test]
async fn something_else_answers() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 4\r\n\r\n<p/>",
        "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 301 Moved\r\nlocation: https://example.test/\r\ncontent-length: 0\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n",
        "\x15\x03\x01\x00\x02\x02\x46\r\n\r\n",
    ] {
        let error = refused(answer).await;
        assert!(matches!(error, DialError::NotLlamapool(_)), "{answer:?}: {error:?}");
        assert!(error.is_refusal());
        assert!(error.to_string().contains("SERVER_URL"), "{error}");
    }
    let error = refused("HTTP/1.1 308 Moved\r\nlocation: https://example.test/\r\n\r\n").await;
    assert!(error.to_string().contains("https://example.test/"), "{error}");
}

#[tokio::test]
async fn a_websocket_of_another_protocol() {
    let (port, _) = peers::accepting(None, |_, answer| answer).await;
    let error = dial(&url(&format!("ws://127.0.0.1:{port}/")), None, &no_proxy()).await.unwrap_err();
    assert!(matches!(&error, DialError::NotLlamapool(why) if why.contains(SUBPROTOCOL)), "{error:?}");
}

#[tokio::test]
async fn nobody_answers() {
    let port = closing().await;
    let error = dial(&url(&format!("ws://127.0.0.1:{port}/")), None, &no_proxy()).await.unwrap_err();
    assert!(matches!(error, DialError::Unreachable(_)), "{error:?}");
    for secure in ["ws", "wss"] {
        let at = url(&format!("{secure}://127.0.0.1:{}/", peers::unused_port()));
        let error = dial(&at, None, &no_proxy()).await.unwrap_err();
        assert!(matches!(&error, DialError::Unreachable(why) if why.contains("refused")), "{error:?}");
        assert!(!error.is_refusal());
    }
    let error = dial(&url("ws://no-such-host.invalid/"), None, &no_proxy()).await.unwrap_err();
    assert!(
        matches!(&error, DialError::Unreachable(why) if why.contains("no-such-host.invalid")),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_does_not_hold_us() {
    let port = silent().await;
    for scheme in ["ws", "wss"] {
        let error =
            dial(&url(&format!("{scheme}://127.0.0.1:{port}/")), None, &no_proxy()).await.unwrap_err();
        assert!(matches!(&error, DialError::Unreachable(why) if why.contains("10 s")), "{error:?}");
    }
}

#[tokio::test]
async fn settings_that_cannot_be_used() {
    for bad in ["ftp://host/", "file:///x", "mailto:me"] {
        let error = dial(&url(bad), None, &no_proxy()).await.unwrap_err();
        assert!(matches!(error, DialError::Settings(_)) && error.is_refusal(), "{error:?}");
    }
    let key = SecretString::from("line\nbreak");
    let error = dial(&url("ws://127.0.0.1:1/"), Some(&key), &no_proxy()).await.unwrap_err();
    assert!(matches!(&error, DialError::Settings(why) if why.contains("CLIENT_KEY")), "{error:?}");
    assert!(!format!("{error:?}").contains("break"));
}

#[tokio::test]
async fn through_a_connect_proxy() {
    let (port, _heads) = echoing(None).await;
    let proxy = Proxy::http(port, 200).await;
    let options = Options::new(None)
        .proxies(Matcher::builder().all(format!("http://me:pw@127.0.0.1:{}", proxy.port)).build());
    let dialed = dial(&url("ws://far.test/api"), None, &options).await.unwrap();
    assert_echo(dialed).await;
    let asked = proxy.asked().await;
    assert!(asked.starts_with("CONNECT far.test:80 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.to_lowercase().contains("proxy-authorization: basic bwu6chc="), "{asked}");
    assert!(!asked.to_lowercase().contains("bearer"), "{asked}");
}

#[tokio::test]
async fn tls_through_a_tls_proxy() {
    let authority = Authority::new();
    let (port, _heads) = echoing(Some(authority.acceptor(&["far.test"]))).await;
    let proxy = Proxy::secured(port, authority.acceptor(&["localhost"])).await;
    let options = Options::new(Some(authority.file()))
        .proxies(Matcher::builder().https(format!("https://localhost:{}", proxy.port)).build());
    let dialed = dial(&url("wss://far.test/api"), None, &options).await;
    assert_eq!(dialed.as_ref().err(), None);
    assert_echo(dialed.unwrap()).await;
    assert!(proxy.asked().await.starts_with("CONNECT far.test:443 "));
}

#[tokio::test]
async fn through_a_socks_proxy() {
    let (port, _heads) = echoing(None).await;
    for scheme in ["socks5", "socks5h"] {
        let proxy = Proxy::socks(port).await;
        let options = Options::new(None)
            .proxies(Matcher::builder().all(format!("{scheme}://127.0.0.1:{}", proxy.port)).build());
        let dialed = dial(&url("ws://far.test:81/api"), None, &options).await;
        assert_eq!(dialed.as_ref().err(), None);
        assert_eq!(proxy.asked().await, "far.test:81");
    }
}

#[tokio::test]
async fn a_proxy_that_says_no() {
    for (status, word) in [(407, "authoriz"), (403, "unsuccessful")] {
        let proxy = Proxy::http(1, status).await;
        let address = format!("http://me:hidden@127.0.0.1:{}", proxy.port);
        let options = Options::new(None).proxies(Matcher::builder().all(address).build());
        let error = dial(&url("ws://far.test/"), None, &options).await.unwrap_err();
        assert!(matches!(&error, DialError::Proxy(why) if why.contains(word)), "{error:?}");
        assert!(!error.to_string().contains("hidden"), "{error}");
        assert!(error.to_string().contains("HTTPS_PROXY"), "{error}");
    }
    let gone = format!("http://127.0.0.1:{}", peers::unused_port());
    let options = Options::new(None).proxies(Matcher::builder().all(gone).build());
    let error = dial(&url("ws://far.test/"), None, &options).await.unwrap_err();
    assert!(matches!(&error, DialError::Proxy(why) if why.contains("refused")), "{error:?}");
    assert!(!error.to_string().contains("the server"), "{error}");
}

#[tokio::test]
async fn this_machine_and_the_excepted_are_not_proxied() {
    let (port, _heads) = echoing(None).await;
    let gone = format!("http://127.0.0.1:{}", peers::unused_port());
    let options = Options::new(None).proxies(Matcher::builder().all(gone).no("far.test").build());
    for host in ["localhost", "127.0.0.1"] {
        dial(&url(&format!("ws://{host}:{port}/")), None, &options).await.unwrap();
    }
    assert!(options.proxy_for(&HostPort::of(&url("ws://a.far.test/")).unwrap()).unwrap().is_none());
    assert!(options.proxy_for(&HostPort::of(&url("ws://[::1]/")).unwrap()).unwrap().is_none());
    assert!(options.proxy_for(&HostPort::of(&url("wss://near.test/")).unwrap()).unwrap().is_some());
}
