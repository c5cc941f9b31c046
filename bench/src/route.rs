//! The paths from client to backend, and the processes on them.

mod nginx;
mod probe;
mod relay;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::backend::Backend;
use crate::meter::{self, Memory};
use crate::process::Process;

/// Starting takes well under a second; more means it never will.
const START: Duration = Duration::from_secs(20);

/// A way from client to backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    /// Nothing in between: what the machine and the client cost.
    Direct,
    /// Two nginx, one behind the other: what two plain hops cost.
    Nginx,
    /// Server, tunnel, worker, logging warnings only.
    Relay,
    /// The same, logging every request.
    RelayLogged,
}

impl Path {
    pub(crate) const ALL: [Self; 4] = [Self::Direct, Self::Nginx, Self::Relay, Self::RelayLogged];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx",
            Self::Relay => "relay",
            Self::RelayLogged => "relay+log",
        }
    }
}

/// What every path is made from: the backend, the programs, a place for their files.
pub(crate) struct Bed {
    paths: Vec<Path>,
    programs: Programs,
    scratch: TempDir,
    backend: Backend,
}

/// The programs under test, each a file that exists or the reason why there is none.
pub(crate) struct Programs {
    pub(crate) nginx: Result<PathBuf, String>,
    pub(crate) server: Result<PathBuf, String>,
    pub(crate) worker: Result<PathBuf, String>,
}

impl Bed {
    /// Finds the programs and starts the backend.
    pub(crate) fn make(paths: Vec<Path>, binaries: Option<&std::path::Path>) -> Result<Self> {
        Ok(Self {
            paths,
            programs: Programs { nginx: nginx::find(), ..relay::find(binaries)? },
            scratch: tempfile::Builder::new().prefix("llamapool-bench-").tempdir()?,
            backend: Backend::start()?,
        })
    }

    pub(crate) fn programs(&self) -> &Programs {
        &self.programs
    }

    /// Why some of the wanted paths cannot be measured here.
    pub(crate) fn missing(&self) -> Vec<String> {
        let reason = |path| Some(format!("{} is left out: {}", Path::name(path), self.lacks(path)?));
        self.paths.iter().copied().filter_map(reason).collect()
    }

    /// Starts those of `paths` that were asked for and that this machine has the programs for.
    pub(crate) fn open(&self, paths: &[Path]) -> Result<Vec<Route>> {
        let wanted = self.paths.iter().filter(|path| paths.contains(path) && self.lacks(**path).is_none());
        wanted.map(|path| self.open_one(*path)).collect()
    }

    fn open_one(&self, path: Path) -> Result<Route> {
        let (addr, hops) = match path {
            Path::Direct => (self.backend.addr, Vec::new()),
            Path::Nginx => nginx::start(self)?,
            Path::Relay => relay::start(self, "warn")?,
            Path::RelayLogged => relay::start(self, "info")?,
        };
        let route = Route { path, addr, hops };
        let pids = route.hops.iter().map(|hop| {
            format!(" {} {:?}", hop.role, hop.pids.iter().map(|p| p.as_raw()).collect::<Vec<_>>())
        });
        crate::say(&format!("  {} at {addr}{}", path.name(), pids.collect::<String>()));
        Ok(route)
    }

    fn lacks(&self, path: Path) -> Option<&str> {
        let Programs { nginx, server, worker } = &self.programs;
        let needs: &[&Result<PathBuf, String>] = match path {
            Path::Direct => &[],
            Path::Nginx => &[nginx],
            Path::Relay | Path::RelayLogged => &[server, worker],
        };
        needs.iter().find_map(|program| program.as_ref().err()).map(String::as_str)
    }

    /// A new folder for the files of one process.
    fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = tempfile::Builder::new().prefix(name).disable_cleanup(true).tempdir_in(&self.scratch)?;
        Ok(folder.path().to_owned())
    }
}

/// A running path; its processes end when dropped.
pub(crate) struct Route {
    pub(crate) path: Path,
    /// Where the client connects.
    pub(crate) addr: SocketAddr,
    /// In the order a request meets them.
    pub(crate) hops: Vec<Hop>,
}

/// What stands for one machine on the path: a program and its processes.
pub(crate) struct Hop {
    pub(crate) role: &'static str,
    pids: Vec<Pid>,
    _process: Process,
}

impl Hop {
    /// CPU time used so far.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        self.pids.iter().map(|pid| meter::cpu(*pid)).sum()
    }

    /// Memory held now.
    pub(crate) fn memory(&self) -> Result<Memory> {
        self.pids.iter().map(|pid| meter::memory(*pid)).sum()
    }
}

/// A port that was free a moment ago, for programs that cannot say which one they got.
fn free_addr() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
    Ok(listener.local_addr()?)
}
