// A screen, a message bus and the desktop app, driven by WebKit's WebDriver, for `desktop-shots.mjs`.

import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROGRAMS, start, until } from './programs.mjs';

const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';
const BUS = `<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`;

/** A screen with a scale of 2, in light or dark. `environment` is for its programs. */
export async function screen(scheme, scale = 2) {
  const home = await mkdtemp(join(tmpdir(), 'llamapool-desk-'));
  await mkdir(join(home, 'run'));
  await writeFile(join(home, 'bus.conf'), BUS);
  const size = `${1280 * scale}x${800 * scale}x24`;
  const xvfb = start('Xvfb', ['-displayfd', '1', '-screen', '0', size, '-nolisten', 'tcp'], {});
  const bus = start('dbus-daemon', [`--config-file=${home}/bus.conf`, '--nofork', '--print-address=1'], {});
  const environment = {
    HOME: home,
    USER: 'ada',
    XDG_CONFIG_HOME: join(home, '.config'),
    XDG_STATE_HOME: join(home, '.local/state'),
    XDG_RUNTIME_DIR: join(home, 'run'),
    DISPLAY: `:${await xvfb.said(/^(\d+)\s/m)}`,
    DBUS_SESSION_BUS_ADDRESS: await bus.said(/(unix:\S+)/),
    GDK_BACKEND: 'x11',
    GDK_SCALE: String(scale),
    GTK_THEME: scheme === 'dark' ? 'Adwaita:dark' : 'Adwaita',
    NO_AT_BRIDGE: '1',
    TZ: 'UTC',
  };
  const close = async () => {
    bus.end();
    xvfb.end();
    // WebKit's helper processes may still be writing.
    await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
  return { home, environment, close };
}

/** A PNG of the app's window as the screen shows it, which the driver's own screenshot does not always match. */
export async function picture({ DISPLAY }) {
  const window = await until('a window', () => {
    const tree = execFileSync('xwininfo', ['-root', '-tree', '-display', DISPLAY], { encoding: 'utf8' });
    return tree.match(/^\s+(0x\S+) ".*\("llamapool" "Llamapool"\)\s+\d{3,}x/m)?.[1];
  });
  return execFileSync('import', ['-display', DISPLAY, '-window', window, 'png:-'], { maxBuffer: 64 << 20 });
}

const freePort = () =>
  new Promise((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });

/** Starts the app with arguments that open a window. `command` replaces the app's own command. */
export async function drive(environment, args, command = `${PROGRAMS}llamapool`) {
  const port = await freePort();
  const env = { ...environment, TAURI_WEBVIEW_AUTOMATION: 'true' };
  const driver = start('WebKitWebDriver', [`--port=${port}`], env);
  const ask = async (method, path, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      body: body && JSON.stringify(body),
    });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`${path}: ${value.message || value.error}`);
    return value;
  };
  await until('the driver', () => ask('GET', '/status').catch(() => null));
  const options = { 'webkitgtk:browserOptions': { binary: command, args } };
  const { sessionId } = await ask('POST', '/session', {
    capabilities: { alwaysMatch: options },
  });
  const on = (method, path, body) => ask(method, `/session/${sessionId}/${path}`, body);
  const find = (using, value) =>
    until(value, () =>
      on('POST', 'element', { using, value }).then(
        (found) => found[ELEMENT],
        () => null,
      ),
    );
  const run = (script, ...given) => on('POST', 'execute/sync', { script, args: given });
  return {
    run,
    text: () => run('return document.body.innerText'),
    click: async (css) => on('POST', `element/${await find('css selector', css)}/click`, {}),
    press: async (words) =>
      on(
        'POST',
        `element/${await find('xpath', `//button[contains(normalize-space(.), '${words}')][not(@disabled)][not(@aria-disabled='true')]`)}/click`,
        {},
      ),
    write: async (css, text) => on('POST', `element/${await find('css selector', css)}/value`, { text }),
    /** Ends the app as the system would, without waiting for its requests. */
    close: async () => {
      await on('DELETE', '').catch(() => null);
      driver.end();
    },
  };
}
