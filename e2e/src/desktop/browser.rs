//! The app's windows from inside: WebKit's own WebDriver starts the app and drives its pages as a person would.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::session::Session;
use crate::client::Ask;
use crate::process::{Process, binary, clean_command};
use crate::wait::{millis, secs, until};

/// The key by which WebDriver wraps an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Asking a page for all of its text is not cheap.
const LOOK_EVERY: Duration = millis(50);

/// Starting a browser engine beside a build takes a while.
const START: Duration = secs(60);

/// The app, started by a driver of its windows. It ends when this is dropped.
pub struct Browser {
    driver: Process,
    addr: SocketAddr,
    /// The driver's word for the app.
    id: String,
    /// Where it runs.
    pub session: Session,
}

/// What WebDriver says (W3C, 6.6 Errors) of an element that is being replaced, or is not where it will be.
const NOT_NOW: [&str; 3] =
    ["stale element reference", "element not interactable", "element click intercepted"];

impl Browser {
    /// Starts the app with these arguments, which must open a window.
    pub async fn start(session: Session, args: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let mut command = clean_command("WebKitWebDriver".into(), &session.environment());
        // The app inherits this, and lets itself be driven.
        command.env("TAURI_WEBVIEW_AUTOMATION", "true").arg(format!("--port={port}"));
        let driver = Process::spawn("WebKitWebDriver", command);
        let addr = SocketAddr::from(([127, 0, 0, 1], port));
        until("the driver", async || tokio::net::TcpStream::connect(addr).await.ok()).await;
        let mut browser = Self { driver, addr, id: String::new(), session };
        let options = json!({ "binary": binary("llamapool"), "args": args });
        let wanted = json!({ "capabilities": { "alwaysMatch": { "webkitgtk:browserOptions": options } } });
        let started = tokio::time::timeout(START, browser.ask(Method::POST, "/session", Some(wanted)));
        let started = started.await.expect("the app opens a window").expect("the app lets itself be driven");
        browser.id = started["sessionId"].as_str().expect("a session has an id").to_owned();
        browser
    }

    /// Waits until this selector finds something that is shown, and clicks it.
    pub async fn click(&self, css: &str) {
        self.act(&format!("click {css}"), async || self.shown(css).await, "click", &json!({})).await;
    }

    /// Clicks the button that says this.
    pub async fn press(&self, words: &str) {
        let path = format!(
            "//button[contains(normalize-space(.), '{words}')][not(@disabled)][not(@aria-disabled='true')]"
        );
        self.act(&format!("press {words}"), async || self.find("xpath", &path).await, "click", &json!({}))
            .await;
    }

    /// Types into what this selector finds.
    pub async fn write(&self, css: &str, text: &str) {
        let typed = json!({ "text": text });
        self.act(&format!("type into {css}"), async || self.shown(css).await, "value", &typed).await;
    }

    /// Types into the field with this label, instead of what is in it.
    pub async fn fill(&self, label: &str, text: &str) {
        let path = format!("//input[@id=//label[contains(normalize-space(.), '{label}')]/@for]");
        let field = until(label, async || self.find("xpath", &path).await).await;
        // Selected, so that what is typed takes its place; clearing it by the driver would tell the page nothing.
        let select = json!({ "script": "arguments[0].select()", "args": [{ ELEMENT: field }] });
        let selected = self.of_app(Method::POST, "execute/sync", Some(select)).await;
        selected.unwrap_or_else(|error| panic!("select {label}: {error}"));
        let typed = self.on(&field, Method::POST, "value", Some(json!({ "text": text }))).await;
        typed.unwrap_or_else(|error| panic!("type into {label}: {error}"));
    }

    /// The text of the page, that which has to be scrolled to included.
    pub async fn text(&self) -> String {
        self.run("return document.body.innerText").await.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the page says this.
    pub async fn until_text(&self, words: &str) {
        self.until_text_within(crate::wait::PATIENCE, words).await;
    }

    /// [`Browser::until_text`] with a limit of its own.
    pub async fn until_text_within(&self, limit: Duration, words: &str) {
        let mut last = String::new();
        let looked = tokio::time::timeout(limit, async {
            while !last.contains(words) {
                tokio::time::sleep(LOOK_EVERY).await;
                last = self.text().await;
            }
        });
        assert!(looked.await.is_ok(), "waited {limit:?} for {words:?}; the page says:\n{last}");
    }

    /// What JavaScript in the page returns.
    pub async fn run(&self, script: &str) -> Value {
        let asked =
            self.of_app(Method::POST, "execute/sync", Some(json!({ "script": script, "args": [] }))).await;
        asked.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Runs JavaScript that ends the page, perhaps before the driver has its answer.
    pub async fn leave(&self, script: &str) {
        let later = format!("setTimeout(() => {{ {script} }}, 0); return null");
        let asked = json!({ "script": later, "args": [] });
        let _ = self.of_app(Method::POST, "execute/sync", Some(asked)).await;
    }

    /// Does this to an element, once there is one that it can be done to: the page may be drawing it anew.
    async fn act(&self, what: &str, find: impl AsyncFn() -> Option<String>, verb: &str, body: &Value) {
        until(what, async || {
            let element = find().await?;
            match self.on(&element, Method::POST, verb, Some(body.clone())).await {
                Ok(_) => Some(()),
                Err(error) if NOT_NOW.iter().any(|not_now| error.contains(not_now)) => None,
                Err(error) => panic!("{what}: {error}"),
            }
        })
        .await;
    }

    async fn shown(&self, css: &str) -> Option<String> {
        let element = self.find("css selector", css).await?;
        let shown = self.on(&element, Method::GET, "displayed", None).await.ok()?;
        (shown == true).then_some(element)
    }

    async fn find(&self, using: &str, value: &str) -> Option<String> {
        let found = self
            .of_app(Method::POST, "element", Some(json!({ "using": using, "value": value })))
            .await
            .ok()?;
        found[ELEMENT].as_str().map(str::to_owned)
    }

    async fn on(
        &self,
        element: &str,
        method: Method,
        what: &str,
        body: Option<Value>,
    ) -> Result<Value, String> {
        self.of_app(method, &format!("element/{element}/{what}"), body).await
    }

    async fn of_app(&self, method: Method, what: &str, body: Option<Value>) -> Result<Value, String> {
        self.ask(method, &format!("/session/{}/{what}", self.id), body).await
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, String> {
        let ask = Ask::new(self.addr, method, path);
        let answer = match body {
            Some(body) => ask.json(&body),
            None => ask,
        };
        let answer = answer.whole().await;
        let value = answer.json()["value"].clone();
        if answer.status == 200 { Ok(value) } else { Err(value.to_string()) }
    }

    /// Programs that were started by the driver, the app and its helpers among them.
    pub fn programs(&self) -> Vec<String> {
        let name =
            |pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).map(|name| name.trim().to_owned());
        super::family(self.driver.id()).into_iter().filter_map(|pid| name(pid).ok()).collect()
    }
}
