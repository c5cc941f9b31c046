// Renders terminal output as an SVG: make run ONCE=1 2>&1 | node scripts/picture.mjs 'make run' > docs/images/make-run.svg
// Lines that start with > or $ are user input.

import { readFileSync } from 'node:fs';

const WIDTH = 104; // characters
const CHAR = 7.8; // pixels of a monospaced character at FONT
const FONT = 13;
const LINE = 19;
const MARGIN = 18;

const escape = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

function wrap(line) {
  if (line.length <= WIDTH) return [line];
  const space = line.lastIndexOf(' ', WIDTH);
  const cut = space > 0 ? space : WIDTH;
  return [line.slice(0, cut), ...wrap(line.slice(cut).trimStart())];
}

const text = readFileSync(0, 'utf8').trimEnd();
const lines = [`$ ${process.argv[2]}`, ...text.split('\n')].flatMap(wrap);
const width = Math.ceil(WIDTH * CHAR + 2 * MARGIN);
const height = lines.length * LINE + 2 * MARGIN;
const colour = (line) => (/^[>$] /.test(line) ? '#7ee787' : '#e6edf3');
const row = (line, i) =>
  `<text x="${MARGIN}" y="${MARGIN + LINE * (i + 0.75)}" fill="${colour(line)}" xml:space="preserve">${escape(line)}</text>`;

process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"
  font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${FONT}">
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
${lines.map(row).join('\n')}
</svg>
`);
