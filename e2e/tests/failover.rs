//! A worker or a runtime is lost: before the first byte nobody notices, after it nobody is deceived.

use http::Method;
use llamapool_e2e::client::plain_chat;
use llamapool_e2e::server::API_KEY;
use llamapool_e2e::{Ask, End, MODEL, Pace, Pool, Script, Whole, secs, until};
use serde_json::Value;

/// Which of the pool's runtimes has the one open request.
async fn busy(pool: &Pool) -> usize {
    until("a runtime to have the request", async || pool.llms.iter().position(|llm| llm.open() == 1)).await
}

fn ask(pool: &Pool) -> Ask {
    pool.server.post("/v1/chat/completions", &plain_chat(MODEL))
}

/// Checks that a client can tell that the stream failed: an error event at the end, no `[DONE]`, no tidy end.
fn expect_failed_stream(reply: &Whole) -> Value {
    let text = reply.text();
    assert!(reply.broken.is_some(), "a tidy end after {text}");
    assert!(!text.contains("[DONE]"), "{text}");
    let event = text.trim_end().rsplit("\n\n").next().unwrap_or_default();
    let data = event
        .lines()
        .find_map(|line| line.strip_prefix("data: "))
        .unwrap_or_else(|| panic!("no event in {text}"));
    let error: Value = serde_json::from_str(data).unwrap_or_else(|error| panic!("{error} in {text}"));
    assert!(
        error["error"]["message"].is_string() || error["message"].is_string(),
        "no error event in {text}"
    );
    error
}

/// A runtime that says 429, 500, 502, 503 or 504 is passed over: the client gets the other one's answer.
#[tokio::test]
async fn a_refusing_runtime_is_passed_over() {
    for code in [429, 500, 502, 503, 504] {
        // A pool for each: after three failures a worker rests.
        let pool = Pool::with(2, &[], &[]).await;
        pool.llms[0].always(Script::Status { code, retry_after: Some(1) });
        for _ in 0..6 {
            ask(&pool).whole().await.expect_ok();
        }
        assert!(!pool.llms[0].seen().is_empty(), "{code}: the refusing runtime was never tried");
        pool.stop().await;
    }
}

/// A runtime that hangs up or speaks nonsense is passed over as well.
#[tokio::test]
async fn a_broken_runtime_is_passed_over() {
    for script in [Script::Slam, Script::Garbage] {
        let pool = Pool::with(2, &[], &[]).await;
        pool.llms[0].always(script);
        for _ in 0..6 {
            ask(&pool).whole().await.expect_ok();
        }
        assert!(!pool.llms[0].seen().is_empty(), "the broken runtime was never tried");
        pool.stop().await;
    }
}

/// When all refuse, the client gets a refusal it can understand, in the end's own words or ours.
#[tokio::test]
async fn when_all_refuse_the_client_learns_it() {
    let pool = Pool::with(2, &[], &[]).await;
    for llm in &pool.llms {
        llm.always(Script::Status { code: 429, retry_after: Some(7) });
    }
    let answer = ask(&pool).whole().await;
    let error = answer.expect_error(429);
    assert_eq!(error["message"], "the runtime says 429");
    assert_eq!(answer.header("retry-after"), "7");
    assert_eq!(pool.llms.iter().map(|llm| llm.seen().len()).sum::<usize>(), 2, "each is asked once");
    pool.stop().await;
}

/// The worker's machine loses power before the first token: the other one answers, the client sees nothing.
#[tokio::test]
async fn a_worker_killed_before_the_first_byte_is_not_noticed() {
    let pool = Pool::with(2, &[], &[]).await;
    pool.llms.iter().for_each(|llm| llm.always(Script::HangBeforeHead));
    let waiting = tokio::spawn(ask(&pool).whole());
    let first = busy(&pool).await;
    pool.llms[1 - first].always(Script::tokens(3));
    pool.workers[first].sigkill();
    let answer = waiting.await.unwrap();
    assert_eq!(answer.expect_ok().body, llamapool_e2e::fake_llm::sse_whole(MODEL, 3));
    pool.server.until_owners(MODEL, 1).await;
    pool.stop().await;
}

/// The worker's machine loses power in the middle of an answer: an error event, and no tidy end.
#[tokio::test]
async fn a_worker_killed_in_mid_stream_is_an_error() {
    let pool = Pool::with(2, &[], &[]).await;
    let (mut reply, first) = tokio::join!(pool.server.chat(MODEL, &Script::stepped(10)).send(), async {
        let first = busy(&pool).await;
        pool.llms[first].step(2);
        first
    });
    let mut text = reply.data().await.to_vec();
    while text.windows(2).filter(|two| two == b"\n\n").count() < 2 {
        text.extend_from_slice(&reply.data().await);
    }
    pool.workers[first].sigkill();
    expect_failed_stream(&reply.whole().await);
    assert!(pool.llms[1 - first].seen().is_empty(), "a request was tried again after its first byte");
    pool.stop().await;
}

/// With nobody else to ask, a lost worker is a 502.
#[tokio::test]
async fn a_lost_worker_without_another_is_a_502() {
    let pool = Pool::start().await;
    let waiting = tokio::spawn(pool.server.chat(MODEL, &Script::HangBeforeHead).whole());
    pool.llm().until_open(1).await;
    pool.workers[0].sigkill();
    waiting.await.unwrap().expect_error(502);
    pool.stop().await;
}

/// A runtime that dies in mid-stream: the client of each kind of stream gets an error event of that kind.
#[tokio::test]
async fn a_runtime_dying_in_mid_stream_is_an_error_event() {
    let pool = Pool::start().await;
    let dying = |content_type: &str, text: &str| Script::Chunks {
        content_type: content_type.into(),
        chunks: vec![text.into()],
        pace: Pace::FlatOut,
        end: End::Die,
    };
    let post = async |path: &str, script: Script| {
        pool.llm().always(script);
        pool.server.post(path, &plain_chat(MODEL)).whole().await
    };

    let whole_event = dying("text/event-stream", "data: {\"choices\":[]}\n\n");
    let chat = post("/v1/chat/completions", whole_event).await;
    assert!(expect_failed_stream(&chat)["error"]["message"].is_string(), "{}", chat.text());

    // Cut within an event: the error must not become part of it.
    let half_event = dying("text/event-stream; charset=utf-8", "data: {\"choices\":[]}\n\ndata: {\"cho");
    expect_failed_stream(&post("/v1/chat/completions", half_event).await);

    let typed = "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0}\n\n";
    let responses = post("/v1/responses", dying("text/event-stream", typed)).await;
    assert_eq!(expect_failed_stream(&responses)["type"], "error", "{}", responses.text());
    assert!(responses.text().contains("event: error\n"), "{}", responses.text());

    let lines = post("/v1/chat/completions", dying("application/x-ndjson", "{\"a\":1}\n{\"b\"")).await;
    assert!(lines.broken.is_some());
    let text = lines.text();
    let last: Value = serde_json::from_str(text.lines().last().unwrap())
        .unwrap_or_else(|error| panic!("{error} in {text}"));
    assert!(last["error"].is_string() || last["error"]["message"].is_string(), "{text}");

    // No stream of events: nothing can be said, so only the end is unclean, and the bytes are the runtime's.
    let json = post("/v1/chat/completions", dying("application/json", "{\"choices\":")).await;
    assert!(json.broken.is_some());
    assert_eq!(json.body, "{\"choices\":");
    pool.stop().await;
}

const IMPATIENT: &[(&str, &str)] = &[("KEEPALIVE_TIMEOUT", "3s")];

/// A frozen worker is noticed and its waiting requests go to another one; thawed, it is back.
#[tokio::test]
async fn a_frozen_worker_is_noticed_and_passed_over() {
    let pool = Pool::with(2, IMPATIENT, IMPATIENT).await;
    pool.llms.iter().for_each(|llm| llm.always(Script::HangBeforeHead));
    let waiting = tokio::spawn(ask(&pool).whole());
    let first = busy(&pool).await;
    pool.llms[1 - first].always(Script::Answer);
    pool.workers[first].sigstop();
    waiting.await.unwrap().expect_ok();
    pool.server.until_owners(MODEL, 1).await;
    pool.workers[first].sigcont();
    pool.server.until_owners(MODEL, 2).await;
    pool.stop().await;
}

/// A worker frozen in mid-stream: an error event, and no tidy end.
#[tokio::test]
async fn a_worker_frozen_in_mid_stream_is_an_error() {
    let pool = Pool::with(1, IMPATIENT, IMPATIENT).await;
    pool.llm().step(1);
    let mut reply = pool.server.chat(MODEL, &Script::stepped(10)).send().await;
    reply.data().await;
    pool.workers[0].sigstop();
    let reply = tokio::time::timeout(secs(15), reply.whole()).await.expect("the silence is noticed");
    expect_failed_stream(&reply);
    pool.stop().await;
}

/// Nobody is there at all: 404 for what was never heard of, 503 for what was known.
#[tokio::test]
async fn unknown_is_404_and_known_but_away_is_503() {
    let pool = Pool::start().await;
    let error = pool.server.chat("never-heard", &Script::Answer).whole().await.expect_error(404);
    assert_eq!(error["code"], "model_not_found");
    pool.llm().go_away();
    // The worker learns it with the next request, or the next look at its runtime.
    until("the model to be known but away", async || {
        let answer = ask(&pool).whole().await;
        assert!([502, 503].contains(&answer.status), "{} {}", answer.status, answer.text());
        (answer.status == 503).then_some(())
    })
    .await;
    assert_eq!(pool.server.healthz().await.status, 503);
    pool.llm().come_back();
    until("the model to be back", async || (ask(&pool).whole().await.status == 200).then_some(())).await;
    let anonymous = Ask::new(pool.server.addr, Method::GET, "/healthz").key(API_KEY).whole().await;
    anonymous.expect_ok();
    pool.stop().await;
}
