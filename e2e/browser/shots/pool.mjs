// A typical home pool: the real server, real workers and scripted runtimes.

import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { API_KEY, CLIENT_KEY, MAY_PRETEND, onMachine, PROGRAMS, serve, start } from './programs.mjs';
import { CODER, EMBED, MISTRAL, OSS, runtime, SMALL } from './runtimes.mjs';

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
/** A worker whose Ollama is not running. */
const ILL = { name: 'old-thinkpad', host: 'thinkpad', slots: 1 };

/** Starts the pool. `origin` is the dashboard's URL. */
export async function pool() {
  const folder = await mkdtemp(join(tmpdir(), 'llamapool-shots-'));
  const { origin, end } = await serve({ API_KEY });
  const programs = [{ end }];
  const dial = (machine, url) =>
    programs.push(
      work(machine.host, {
        CLIENT_KEY,
        SERVER_URL: origin.replace('http', 'ws'),
        CLIENT_NAME: machine.name,
        CLIENT_ID: machine.name,
        MAX_CONCURRENCY: String(machine.slots),
        COMPLETION_BASE_URL: `${url}/v1`,
        CONFIG_FILE: '/dev/null',
        HOME: folder,
        STATE_DIR: join(folder, machine.name),
      }),
    );
  for (const machine of MACHINES) dial(machine, (await runtime(machine)).url);
  const nobody = await runtime({ ...MACHINES[0] });
  nobody.close();
  dial(ILL, nobody.url);
  return {
    origin,
    close: () => programs.forEach((program) => program.end()),
  };
}

/** A worker, with this host name if we may set one. */
const work = (host, env) =>
  MAY_PRETEND
    ? start('sh', ['-c', onMachine(host, 'llamapool-worker')], env)
    : start(`${PROGRAMS}llamapool-worker`, [], env);
