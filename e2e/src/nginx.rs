//! A real nginx as reverse proxy before the server, configured as `docs` tells operators to.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use tempfile::TempDir;
use tokio::process::Command;

use crate::process::Process;
use crate::wait::until;

/// Tries until a port that was free a moment ago still is.
const TRIES: usize = 5;

/// A running nginx.
pub struct Nginx {
    /// Where it listens.
    pub addr: SocketAddr,
    _process: Process,
    _folder: TempDir,
}

impl Nginx {
    /// nginx before `target`, with `proxy_read_timeout` of so many seconds. `None`, after saying so, if this
    /// machine has no nginx.
    pub async fn before(target: SocketAddr, read_timeout: u32) -> Option<Self> {
        let Some(program) = find() else {
            say("SKIPPED: nginx is not installed (e2e/setup installs it where it can)");
            return None;
        };
        for _ in 0..TRIES {
            if let Some(running) = Self::start(&program, target, read_timeout).await {
                return Some(running);
            }
        }
        panic!("nginx found no free port in {TRIES} tries");
    }

    async fn start(program: &PathBuf, target: SocketAddr, read_timeout: u32) -> Option<Self> {
        // nginx cannot pick a port itself.
        let addr = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().display();
        std::fs::write(folder.path().join("nginx.conf"), configuration(addr, target, read_timeout))
            .expect("a temporary folder takes files");
        let mut command = Command::new(program);
        command.args(["-p", &format!("{path}/"), "-c", &format!("{path}/nginx.conf"), "-e", "stderr"]);
        let mut process = Process::spawn("nginx", command);
        let up = until("nginx to listen or to end", async || {
            if !process.runs() {
                return Some(false);
            }
            tokio::net::TcpStream::connect(addr).await.is_ok().then_some(true)
        });
        up.await.then_some(Self { addr, _process: process, _folder: folder })
    }
}

fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join("nginx")).find(|program| program.exists())
}

fn configuration(addr: SocketAddr, target: SocketAddr, read_timeout: u32) -> String {
    format!(
        r"
daemon off;
# One process, so that ending it ends all of it.
master_process off;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    server {{
        listen {addr};
        client_max_body_size 0;
        location / {{
            proxy_pass http://{target};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_buffering off;
            proxy_request_buffering off;
            proxy_read_timeout {read_timeout}s;
        }}
    }}
}}
"
    )
}

#[expect(clippy::print_stderr, reason = "a test that does nothing must say so")]
fn say(text: &str) {
    eprintln!("{text}");
}
