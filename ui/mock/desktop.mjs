// Serves the built windows of the desktop app to a browser, with a fake app behind them (`desktop.ts`).
// `npm run build && node mock/desktop.mjs [port]`, then open, for example, /?view=status&scenario=busy

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const BUILT = fileURLToPath(new URL('../dist/desktop/', import.meta.url));
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
/** As strict as the app's policy, whose `connect-src` also allows IPC. */
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'";

async function pretended() {
  const { output } = (
    await build({
      configFile: false,
      logLevel: 'warn',
      build: {
        write: false,
        lib: {
          entry: fileURLToPath(new URL('desktop.ts', import.meta.url)),
          formats: ['iife'],
          name: 'pretended',
        },
      },
    })
  )[0];
  return output[0].code;
}

/** Serves on a free port unless one is given. Returns the URL and a function that stops the server. */
export async function serveDesktop(port = 0) {
  const script = await pretended();
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, 'http://mock').pathname;
    if (path === '/pretended.js')
      return response.writeHead(200, { 'Content-Type': TYPES['.js'] }).end(script);
    if (path === '/favicon.ico') return response.writeHead(204).end();
    const name = path === '/' ? 'index.html' : normalize(path.slice(1));
    try {
      if (name.startsWith('..')) throw new Error('outside');
      let body = await readFile(join(BUILT, name));
      if (name === 'index.html') {
        body = body
          .toString()
          .replace('<script type="module"', '<script src="/pretended.js"></script><script type="module"');
      }
      response
        .writeHead(200, { 'Content-Type': TYPES[extname(name)], 'Content-Security-Policy': CSP })
        .end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await serveDesktop(Number(process.argv[2] ?? 8098));
  console.log(`${url}/?view=status&scenario=busy`);
}
