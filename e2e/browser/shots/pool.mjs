// A pool as somebody may have it at home: the real server, real workers, and runtimes that know their lines.

import { spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runtime } from './runtimes.mjs';

const PROGRAMS = fileURLToPath(new URL('../../../target/debug/', import.meta.url));
export const API_KEY = 'sk-picture';
const CLIENT_KEY = 'sk-picture-worker';

const model = (name, gigabytes, quantization, context, loaded = false) => ({
  name,
  gigabytes,
  quantization,
  context,
  loaded,
});
const SMALL = (loaded) => model('llama3.2:3b', 2.02, 'Q4_K_M', 131_072, loaded);
const CODER = (loaded) => model('qwen2.5-coder:32b', 19.85, 'Q4_K_M', 32_768, loaded);
const OSS = (loaded) => model('gpt-oss:20b', 13.78, 'MXFP4', 131_072, loaded);
const MISTRAL = (loaded) => model('mistral-small:24b', 14.33, 'Q4_K_M', 131_072, loaded);
const EMBED = (loaded) => model('nomic-embed-text', 0.27, 'F16', 2_048, loaded);

const MACHINES = [
  {
    name: 'studio',
    host: 'studio.lan',
    slots: 4,
    kind: 'ollama',
    version: '0.13.2',
    speed: 62,
    patience: 260,
    models: [SMALL(true), CODER(true), OSS(true), MISTRAL()],
  },
  {
    name: 'gaming-pc',
    host: 'gaming-pc',
    slots: 2,
    kind: 'lm_studio',
    speed: 94,
    patience: 180,
    models: [SMALL(true), CODER(), EMBED(true)],
  },
  {
    name: 'gpu-box-01',
    host: 'gpu-box-01.lan',
    slots: 16,
    kind: 'vllm',
    version: '0.12.0',
    speed: 118,
    patience: 120,
    models: [CODER(true)],
  },
  {
    name: 'attic-server',
    host: 'attic',
    slots: 2,
    kind: 'llama_cpp',
    version: 'b7012-1a2b3c4',
    speed: 29,
    patience: 520,
    models: [MISTRAL(true)],
  },
];
/** Its Ollama is not running. */
const ILL = { name: 'old-thinkpad', host: 'thinkpad', slots: 1 };

/** Starts all of it. `origin` is where the dashboard is. */
export async function pool() {
  const folder = await mkdtemp(join(tmpdir(), 'llamapool-shots-'));
  const processes = [];
  const server = start(processes, 'llamapool-server', {
    API_KEY,
    CLIENT_KEY,
    PORT: '0',
    LISTEN_ADDR: '127.0.0.1',
    CONFIG_FILE: '/dev/null',
  });
  const origin = await new Promise((found) =>
    server.on('said', (line) => line.match(/Listening on (http:\S+?)[".]?(\s|$)/) && found(RegExp.$1)),
  );
  const dial = (machine, url) =>
    start(processes, 'llamapool-worker', {
      CLIENT_KEY,
      SERVER_URL: origin.replace('http', 'ws'),
      CLIENT_NAME: machine.name,
      CLIENT_ID: machine.name,
      MAX_CONCURRENCY: String(machine.slots),
      COMPLETION_BASE_URL: `${url}/v1`,
      CONFIG_FILE: '/dev/null',
      HOME: folder,
      STATE_DIR: join(folder, machine.name),
      HOSTNAME_SHOWN: machine.host,
    });
  for (const machine of MACHINES) dial(machine, (await runtime(machine)).url);
  const nobody = await runtime({ ...MACHINES[0] });
  nobody.close();
  dial(ILL, nobody.url);
  return {
    origin,
    close: () => processes.forEach((child) => child.kill('SIGKILL')),
  };
}

/** Starts a program; its lines come as the event `said`. Root can show another host name than its own. */
function start(processes, program, { HOSTNAME_SHOWN, ...env }) {
  const named = HOSTNAME_SHOWN && process.getuid() === 0 && process.platform === 'linux';
  const [command, ...args] = named
    ? ['unshare', '--uts', 'sh', '-c', `hostname ${HOSTNAME_SHOWN} && exec ${PROGRAMS}${program}`]
    : [`${PROGRAMS}${program}`];
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  processes.push(child);
  for (const pipe of [child.stdout, child.stderr]) {
    pipe
      .setEncoding('utf8')
      .on('data', (text) => text.split('\n').forEach((line) => child.emit('said', line)));
  }
  return child;
}
