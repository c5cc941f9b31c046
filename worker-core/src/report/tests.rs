//! Complete reports: they contain no secret, and are saved as they were shown.

use std::collections::HashMap;
use std::fs;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::doctor::Outcome;
use llamapool_settings::{Sources, load};

/// A worker's folder, with keys in every possible place.
struct Home {
    dir: tempfile::TempDir,
    env: HashMap<String, String>,
}

impl Home {
    fn new(config: &str, log: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("worker.yaml"), config).unwrap();
        fs::write(at("worker.token"), "token-of-the-controls\n").unwrap();
        fs::create_dir(at("logs")).unwrap();
        fs::write(at("logs/worker.2026-11-21.log"), log).unwrap();
        fs::write(at("logs/notes.txt"), "not a log").unwrap();
        let env = [("STATE_DIR", dir.path().to_owned()), ("LOG_DIR", at("logs"))];
        let env = env.into_iter().map(|(name, path)| (name.to_owned(), path.display().to_string())).collect();
        Self { dir, env }
    }

    async fn report(&self) -> Report {
        let env = |env: HashMap<String, String>| move |name: &str| env.get(name).cloned();
        let file = self.dir.path().join("worker.yaml");
        let loaded = load(&Sources {
            args: Vec::new(),
            env: Box::new(env(self.env.clone())),
            default_file: Some(file.clone()),
        });
        let check = Check {
            id: "key",
            title: "Key",
            outcome: Outcome::Failed,
            found: "the server says: token-of-the-controls is wrong".to_owned(),
            fix: None,
            took: std::time::Duration::ZERO,
        };
        Report::gather(&Context { loaded, file, dial: None }, &[check], &env(self.env.clone())).await
    }
}

fn text(report: &Report, name: &str) -> String {
    let page = report.preview().iter().find(|page| page.name == name);
    page.unwrap_or_else(|| panic!("no {name} in {:?}", report.preview())).text.clone()
}

#[tokio::test]
async fn it_is_saved_as_it_is_shown() {
    let home = Home::new("server_url: wss://pool.example # ours\n", "all is well\n");
    let report = home.report().await;
    let names: Vec<_> = report.preview().iter().map(|page| page.name.as_str()).collect();
    assert_eq!(
        names,
        ["about.txt", "doctor.txt", "settings.txt", "worker.yaml", "logs/worker.2026-11-21.log"]
    );
    assert_eq!(text(&report, "worker.yaml"), "server_url: wss://pool.example # ours\n");
    assert!(text(&report, "settings.txt").contains("server_url = wss://pool.example (file)"));
    assert_eq!(text(&report, "doctor.txt"), "failed   Key: the server says: [removed] is wrong (0 ms)\n");

    let path = home.dir.path().join("report.zip");
    report.save(&path).unwrap();
    assert!(report.save(&path).is_err(), "nothing is written over");
    let mut zip = zip::ZipArchive::new(fs::File::open(&path).unwrap()).unwrap();
    assert_eq!(zip.len(), report.preview().len());
    for page in report.preview() {
        let mut saved = String::new();
        zip.by_name(&page.name).unwrap().read_to_string(&mut saved).unwrap();
        assert_eq!(saved, page.text);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_taken_apart_gives_its_keys_alone() {
    for config in ["client_key: 'hush\nlog_level: info\n", "{client_key: [hush, {a: hush}]}", "- hush"] {
        let report = Home::new(config, "").report().await;
        assert!(!text(&report, "worker.yaml").contains("hush"), "{config}");
    }
    let report = Home::new("client_key: [hush-hush, {a: b}]\n", "").report().await;
    assert!(!report.preview().iter().any(|page| page.text.contains("hush")), "{report:?}");
}

#[tokio::test]
async fn only_the_end_of_a_long_log() {
    let lines: String = (0..40_000).map(|n| format!("line {n} of a log\n")).collect();
    let log = text(&Home::new("", &lines).report().await, "logs/worker.2026-11-21.log");
    assert!(log.len() <= 256 * 1024 && log.starts_with("line ") && log.ends_with("line 39999 of a log\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_secret_is_in_any_byte_of_it(
        keys in proptest::collection::vec("[!-+\\--~]{8,32}", 4),
    ) {
        let quoted: Vec<_> = keys.iter().map(|key| format!("'{}'", key.replace('\'', "''"))).collect();
        let config = format!(
            "# an old one: api_key={}\nclient_key: {} # {}\nworker_key: {}\nollama_api_key: {}\n",
            keys[0], quoted[0], keys[0], quoted[1], quoted[2]
        );
        let spelled: String = keys
            .iter()
            .map(|key| {
                let percent: String = key.bytes().map(|byte| format!("%{byte:02x}")).collect();
                let json = serde_json::to_string(key).unwrap();
                let (one, basic) = (STANDARD.encode(key), STANDARD.encode(format!("me:{key}@")));
                format!("INFO {key} {percent} {json} {one} {basic} llamapool://join?key={key} Bearer {key}\n")
            })
            .collect();
        let mut home = Home::new(&config, &spelled);
        home.env.insert("COMPLETION_API_KEY".to_owned(), keys[3].clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let report = runtime.block_on(home.report());
        let path = home.dir.path().join("report.zip");
        report.save(&path).unwrap();
        let mut all: String = report.preview().iter().map(|page| format!("{}\n{}\n", page.name, page.text)).collect();
        all.push_str(&String::from_utf8_lossy(&fs::read(&path).unwrap()));
        for key in &keys {
            let percent: String = key.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let json = serde_json::to_string(key).unwrap();
            for spelling in [key.clone(), percent, json[1..json.len() - 1].to_owned(), STANDARD.encode(key)] {
                prop_assert!(!all.contains(&spelling), "{} in {}", spelling, all);
            }
        }
    }
}
