//! Workers that share an id: a copied folder, a cloned disk, a process that connects again.

use llamapool_tunnel::control::Readiness;

use crate::support::{ScriptedWorker, TestServer};

async fn until_closed(worker: &ScriptedWorker) {
    let wait = async {
        while !worker.link.is_closed() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, wait).await.expect("it stays connected");
}

#[tokio::test]
async fn a_second_live_process_gets_an_id_of_its_own_and_harms_nobody() {
    let server = TestServer::start().await;
    let mut one = ScriptedWorker::join_as(&server, "desk", "process-1", Some(false)).await.unwrap();
    one.report(Readiness::Ready, 1, &["m"]);
    server.until_models(1).await;
    let asked = server.ask("m");
    one.wait_asked().await;

    let two = ScriptedWorker::join_as(&server, "desk", "process-2", Some(false)).await.unwrap();
    two.report(Readiness::Ready, 1, &["n"]);
    server.until_models(2).await;
    assert_eq!((one.assigned_id.as_deref(), two.assigned_id.as_deref()), (None, Some("desk-2")));
    assert!(!one.link.is_closed() && !two.link.is_closed());
    one.answer(200, "{}").await;
    assert_eq!(asked.await.unwrap().status(), 200, "the first worker's request goes on");

    let again = ScriptedWorker::join_as(&server, "desk", "process-2", Some(true)).await.unwrap();
    assert_eq!(again.assigned_id.as_deref(), Some("desk-2"), "a process keeps its id");
    until_closed(&two).await;
    server.stop().await;
}

#[tokio::test]
async fn a_process_that_connects_again_replaces_its_older_connection() {
    let server = TestServer::start().await;
    let older = ScriptedWorker::join_as(&server, "desk", "process-1", Some(false)).await.unwrap();
    let newer = ScriptedWorker::join_as(&server, "desk", "process-1", Some(true)).await.unwrap();
    until_closed(&older).await;
    assert_eq!(newer.assigned_id, None);
    newer.report(Readiness::Ready, 1, &["m"]);
    server.until_models(1).await;
    server.stop().await;
}

#[tokio::test]
async fn older_workers_with_one_id_do_not_replace_each_other_for_ever() {
    let server = TestServer::start().await;
    let mut last = ScriptedWorker::join_as(&server, "desk", "connection-0", None).await.unwrap();
    for connection in 1..=3 {
        let instance = format!("connection-{connection}");
        let newer = ScriptedWorker::join_as(&server, "desk", &instance, None).await.unwrap();
        until_closed(&last).await;
        last = newer;
    }
    let refused = ScriptedWorker::join_as(&server, "desk", "connection-4", None).await.err().unwrap();
    assert!(refused.contains("desk") && refused.contains("CLIENT_ID"), "{refused}");
    last.report(Readiness::Ready, 1, &["m"]);
    server.until_models(1).await;
    server.stop().await;
}
