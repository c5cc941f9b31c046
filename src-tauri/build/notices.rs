//! The licences of all dependencies of a program: names, licences, and their texts without duplicates.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The prefixes of the names of licence files, in lower case.
const FILES: &[&str] = &["license", "licence", "copying", "notice", "unlicense", "copyright"];

/// The licences of the dependencies of `program` on the target system. If cargo cannot list them, the text says so.
pub(crate) fn of(program: &str) -> String {
    match metadata() {
        Some(metadata) => write(&packages(&metadata, program)),
        None => "The dependencies of this program are listed in its Cargo.lock.\n".to_owned(),
    }
}

fn metadata() -> Option<Value> {
    let (cargo, target) = (std::env::var_os("CARGO")?, std::env::var("TARGET").ok()?);
    let arguments =
        ["metadata", "--offline", "--locked", "--format-version", "1", "--filter-platform", &target];
    let output =
        Command::new(cargo).args(arguments).output().ok().filter(|output| output.status.success())?;
    serde_json::from_slice(&output.stdout).ok()
}

/// The third-party packages linked into `program`.
fn packages<'a>(metadata: &'a Value, program: &str) -> Vec<&'a Value> {
    let all: BTreeMap<_, _> =
        list(&metadata["packages"]).map(|package| (text(&package["id"]), package)).collect();
    let nodes: BTreeMap<_, _> =
        list(&metadata["resolve"]["nodes"]).map(|node| (text(&node["id"]), node)).collect();
    let first = all.values().find(|package| package["name"] == program).map(|package| text(&package["id"]));
    let (mut found, mut waiting) = (BTreeSet::new(), Vec::from_iter(first));
    while let Some(id) = waiting.pop() {
        if found.insert(id) {
            let dependencies = nodes.get(id).map(|node| &node["deps"]);
            // Dependencies of tests and build scripts are not linked.
            let linked = dependencies
                .into_iter()
                .flat_map(list)
                .filter(|dependency| list(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null()));
            waiting.extend(linked.map(|dependency| text(&dependency["pkg"])));
        }
    }
    let packages = found.into_iter().filter_map(|id| all.get(id).copied());
    packages.filter(|package| !package["source"].is_null()).collect()
}

fn write(packages: &[&Value]) -> String {
    let mut page = format!("This program contains {} third-party crates.\n\n", packages.len());
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages {
        let name = format!("{} {}", text(&package["name"]), text(&package["version"]));
        let licence = package["license"].as_str().unwrap_or("see its own file");
        page += &format!("{name}: {licence}, {}\n", package["repository"].as_str().unwrap_or("crates.io"));
        for text in licences(Path::new(text(&package["manifest_path"]))) {
            texts.entry(text).or_default().push(name.clone());
        }
    }
    for (text, names) in texts {
        page += &format!("\n{}\n\n{text}\n", names.join(", "));
    }
    page
}

/// The licence texts beside a package's manifest.
fn licences(manifest: &Path) -> Vec<String> {
    let Some(files) = manifest.parent().and_then(|folder| fs::read_dir(folder).ok()) else {
        return Vec::new();
    };
    let is_notice = |name: &str| FILES.iter().any(|start| name.to_ascii_lowercase().starts_with(start));
    let mut paths: Vec<_> = files
        .flatten()
        .filter(|file| is_notice(&file.file_name().to_string_lossy()))
        .map(|file| file.path())
        .collect();
    paths.sort();
    let texts = paths.into_iter().filter_map(|path| fs::read_to_string(path).ok());
    texts
        .map(|text| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned())
        .collect()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
