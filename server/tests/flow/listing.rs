//! The model list, and how machines are named to those who use them.

use bytes::Bytes;
use llamapool_tunnel::Incoming;
use llamapool_tunnel::control::{FromWorker, Report};
use llamapool_worker_core::runtime::Model;
use serde_json::{Value, json};

use crate::support::{ScriptedWorker, TestServer, response};

async fn listed(server: &TestServer, key: &str) -> Value {
    let list = server.client.get(format!("{}/v1/models", server.url)).bearer_auth(key).send().await.unwrap();
    let list: Value = serde_json::from_slice(&list.bytes().await.unwrap()).unwrap();
    list["data"][0].clone()
}

async fn until(server: &TestServer, key: &str, field: &str, expect: Value) {
    let wait = async {
        while listed(server, key).await[field] != expect {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, wait).await.expect("the list never said so");
}

#[tokio::test]
async fn only_keys_that_may_read_the_state_see_the_names_of_machines() {
    let server = TestServer::with(|config| {
        config.keys.api = vec!["admin".into()];
        config.keys.user = vec!["user".into()];
        config.keys.viewer = vec!["viewer".into()];
    })
    .await;
    let _one = ScriptedWorker::join(&server, "Anna, büro", 1, &["m"]).await;
    let _other = ScriptedWorker::join(&server, "desk", 1, &["m"]).await;
    let names = json!("Anna%2C%20b%C3%BCro,desk");
    until(&server, "admin", "owned_by", names.clone()).await;
    assert_eq!(listed(&server, "viewer").await["owned_by"], names);
    assert_eq!(listed(&server, "user").await["owned_by"], "llamapool");
    server.stop().await;
}

/// Browsers read header values as Latin-1, so that raw UTF-8 arrives as something else.
#[tokio::test]
async fn a_worker_has_an_ascii_name_in_the_response() {
    let server = TestServer::start().await;
    let mut worker = ScriptedWorker::join(&server, "küche", 1, &["m"]).await;
    server.until_models(1).await;
    let asked = server.ask("m");
    let Incoming { mut responder, .. } = worker.next().await;
    responder.respond(response(200, "application/json"), Bytes::from_static(b"{}"), true);
    assert_eq!(asked.await.unwrap().headers()["x-llamapool-worker"], "k%C3%BCche");
    server.stop().await;
}

#[tokio::test]
async fn the_list_tells_the_smallest_context() {
    let server = TestServer::start().await;
    let report = |context: u64| {
        let model = Model { name: "m".into(), context: Some(context), ..Model::default() };
        FromWorker::Report(Report::ready(1, vec![model]))
    };
    let workers = [
        ScriptedWorker::join(&server, "a", 1, &["m"]).await,
        ScriptedWorker::join(&server, "b", 1, &["m"]).await,
    ];
    server.until_models(1).await;
    assert_eq!(listed(&server, "").await["context_length"], Value::Null);
    workers[0].link.say(&report(16_384));
    until(&server, "", "context_length", json!(16_384)).await;
    workers[1].link.say(&report(8_192));
    until(&server, "", "context_length", json!(8_192)).await;
    assert_eq!(listed(&server, "").await["max_model_len"], 8_192);
    server.stop().await;
}
