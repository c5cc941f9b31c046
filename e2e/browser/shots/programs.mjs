// Starts programs for screenshots, and stops them afterwards.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The folder of our programs. */
export const PROGRAMS = fileURLToPath(new URL('../../../target/debug/', import.meta.url));
export const CLIENT_KEY = 'sk-picture-worker';
export const API_KEY = 'sk-picture';
/** Timeout for anything, in milliseconds. A build may be running. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 100;
const LISTENING = /Listening on (http:[^\s".]+(?:\.[^\s".]+)*)/;
/** Only root may set another host name. */
export const MAY_PRETEND = process.getuid() === 0 && process.platform === 'linux';

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

export const pause = (ms) => new Promise((over) => setTimeout(over, ms));

export async function until(what, look) {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await pause(LOOK_MS)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`waited for ${what}`);
}

/** Starts a program. `said(pattern)` waits for a match in its output. */
export function start(command, args, env) {
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let text = '';
  for (const pipe of [child.stdout, child.stderr]) {
    pipe.setEncoding('utf8').on('data', (more) => (text += more));
  }
  const said = (pattern) => until(`${command} to say ${pattern}`, () => text.match(pattern)?.[1]);
  const end = () => {
    running.delete(child);
    child.kill('SIGKILL');
  };
  return { said, end, text: () => text, pid: child.pid };
}

/** Starts a server on a free port. `origin` is its URL. */
export async function serve(env) {
  const usual = { CLIENT_KEY, PORT: '0', LISTEN_ADDR: '127.0.0.1', CONFIG_FILE: '/dev/null' };
  const server = start(`${PROGRAMS}llamapool-server`, [], { ...usual, ...env });
  return { origin: await server.said(LISTENING), end: server.end };
}

/** The shell command that runs one of our programs with this host name. */
export const onMachine = (host, program) =>
  `exec unshare --uts sh -c 'hostname ${host} && exec ${PROGRAMS}${program} "$@"' ${program} "$@"`;
