//! A scripted new program, and the previous one.

#![cfg(unix)] // programs are shell scripts here

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// A program that was replaced by this script, and the previous script, which records that it was started.
fn watched(new: &str) -> (tempfile::TempDir, Verdict, Option<Child>) {
    let dir = tempfile::tempdir().unwrap();
    let exe = dir.path().join("llama");
    let old = "#!/bin/sh\necho \"$@\" > \"${0%/*}/was-started\"\n".to_owned();
    for (file, script) in [(&exe, format!("#!/bin/sh\n{new}\n")), (&old_file(&exe), old)] {
        fs::write(file, script).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let (verdict, child) = watch(&exe, &["--hidden".into()], Duration::from_millis(300)).unwrap();
    (dir, verdict, child)
}

#[track_caller]
fn assert_rolled_back((dir, verdict, before): (tempfile::TempDir, Verdict, Option<Child>)) {
    assert_eq!(verdict, Verdict::Bad);
    assert!(before.unwrap().wait().unwrap().success(), "the one before runs");
    assert_eq!(fs::read_to_string(dir.path().join("was-started")).unwrap(), "--hidden\n");
    assert!(!old_file(&dir.path().join("llama")).exists());
}

#[test]
fn a_program_that_works_says_so() {
    let (dir, verdict, _) = watched("rm \"${0%/*}/.llama.old\"");
    assert_eq!(verdict, Verdict::Settled);
    assert!(!dir.path().join("was-started").exists());
}

#[test]
fn a_program_that_ends_badly_is_rolled_back() {
    assert_rolled_back(watched("exit 3"));
    assert_rolled_back(watched("kill -9 $$"));
}

#[test]
fn a_program_that_hangs_is_rolled_back() {
    assert_rolled_back(watched("exec sleep 1000"));
}

#[test]
fn a_program_that_somebody_ends_is_left() {
    let (dir, verdict, _) = watched("exit 0");
    assert_eq!(verdict, Verdict::Left);
    assert!(old_file(&dir.path().join("llama")).exists(), "it is still to be settled");
}

#[test]
fn verdicts() {
    assert_eq!(verdict(true, None, false), None);
    assert_eq!(verdict(true, None, true), Some(Verdict::Bad));
    assert_eq!(verdict(true, Some(false), false), Some(Verdict::Bad));
    assert_eq!(verdict(true, Some(true), true), Some(Verdict::Left));
    for ended in [None, Some(true), Some(false)] {
        assert_eq!(verdict(false, ended, true), Some(Verdict::Settled));
    }
}
