//! nginx in front of nginx in front of the backend: two plain hops, as people build them.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use nix::unistd::Pid;

use super::{Bed, Hop, free_addr, probe};
use crate::process::{Process, leashed};

/// Debian keeps it where a plain user's search path does not look.
const FOLDERS: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/usr/bin"];

/// The nginx of this machine, or what to do about it.
pub(super) fn find() -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(FOLDERS.map(PathBuf::from))
        .map(|folder| folder.join("nginx"))
        .find(|file| file.is_file())
        .ok_or_else(|| "there is no nginx here (Debian: apt-get install nginx-light)".to_owned())
}

/// Starts both; gives the front's address.
pub(super) fn start(bed: &Bed) -> Result<(SocketAddr, Vec<Hop>)> {
    let (inner_addr, inner) = hop(bed, "inner", bed.backend.addr)?;
    let (addr, front) = hop(bed, "front", inner_addr)?;
    Ok((addr, vec![front, inner]))
}

fn hop(bed: &Bed, role: &'static str, upstream: SocketAddr) -> Result<(SocketAddr, Hop)> {
    let program = bed.programs.nginx.as_ref().map_err(|reason| anyhow::anyhow!("{reason}"))?;
    let folder = bed.folder("nginx-")?;
    let addr = free_addr()?;
    let file = folder.join("nginx.conf");
    fs::write(&file, config(&folder, addr, upstream))?;
    let mut process = Process::spawn("nginx", command(program, &folder)?.arg("-c").arg(&file))?;
    probe::wait_for(addr, "/v1/models", crate::exchange::MODEL, &mut [&mut process]).with_context(|| {
        format!("nginx: {}", fs::read_to_string(folder.join("error.log")).unwrap_or_default())
    })?;
    let pids = [vec![process.pid()], children(process.pid())?].concat();
    Ok((addr, Hop { role, pids, _process: process }))
}

fn command(program: &Path, folder: &Path) -> Result<Command> {
    let mut command = leashed(program)?;
    command.arg("-p").arg(folder).arg("-e").arg(folder.join("error.log"));
    Ok(command)
}

/// The master's workers, which do the work.
fn children(master: Pid) -> Result<Vec<Pid>> {
    let file = format!("/proc/{master}/task/{master}/children");
    let text = fs::read_to_string(&file).with_context(|| format!("read {file}"))?;
    text.split_whitespace().map(|pid| Ok(Pid::from_raw(pid.parse()?))).collect()
}

/// A streaming reverse proxy with everything off that costs and that the relay does not do, and every
/// connection kept alive.
fn config(folder: &Path, listen: SocketAddr, upstream: SocketAddr) -> String {
    let folder = folder.display();
    format!(
        "daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid {folder}/nginx.pid;
error_log {folder}/error.log error;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    client_max_body_size 0;
    upstream next {{
        server {upstream};
        keepalive 512;
        keepalive_requests 1000000000;
        keepalive_timeout 1h;
    }}
    server {{
        listen {listen} backlog=4096;
        location / {{
            proxy_pass http://next;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_buffering off;
            proxy_request_buffering off;
            proxy_read_timeout 1h;
        }}
    }}
}}
"
    )
}
