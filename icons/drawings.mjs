// From SVG to the files that Tauri and the tray need: a map from file names to bytes.

import { readFileSync } from 'node:fs';
import { Resvg } from '@resvg/resvg-js';
import { icns, ico } from './containers.mjs';

const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');
const APP = read('app.svg');

export const STATES = ['stopped', 'connecting', 'ready', 'busy', 'paused', 'attention'];

/**
 * Colours by the panel behind: macOS colours a template itself and looks only at its alpha. The shapes differ without
 * any of these.
 */
const LOOKS = {
  template: { llama: '#000', update: '#000', state: () => '#000', sizes: [44] },
  // 32 is halved on Windows without scaling; 44 is halved on most Linux panels.
  light: {
    llama: '#24272f',
    update: '#4a4fc4',
    state: (name) => ({ busy: '#16764a', paused: '#8f5400', attention: '#bd2626' })[name] ?? '#24272f',
    sizes: [32, 44],
  },
  dark: {
    llama: '#fff',
    update: '#b3b8ff',
    state: (name) => ({ busy: '#5ccb8f', paused: '#efb458', attention: '#ff8f85' })[name] ?? '#fff',
    sizes: [32, 44],
  },
  // In the middle between black and white, so that it is seen on any panel.
  colour: {
    llama: '#7a7ff0',
    update: '#4fa97c',
    state: (name) => ({ busy: '#2f9e68', paused: '#c07f1a', attention: '#e5484d' })[name] ?? '#7a7ff0',
    sizes: [32, 44],
  },
};

/** Every file of `src-tauri/icons`. */
export function drawings() {
  return new Map([...app(), ...tray()]);
}

function app() {
  const at = (size) => draw(APP, size);
  return [
    ['32x32.png', at(32).png],
    ['128x128.png', at(128).png],
    ['128x128@2x.png', at(256).png],
    ['icon.png', at(512).png],
    // 32 comes first: it is what a development build shows.
    ['icon.ico', ico([32, 16, 24, 48, 64, 256].map((size) => ({ size, ...at(size) })))],
    ['icon.icns', icns((size) => draw(withMargin(APP), size).png)],
  ];
}

/** The grid of macOS: the tile is 824 of 1024, and the rest is air. */
function withMargin(svg) {
  const air = (32 * (1024 / 824 - 1)) / 2;
  return svg.replace('viewBox="0 0 32 32"', `viewBox="${-air} ${-air} ${32 + 2 * air} ${32 + 2 * air}"`);
}

function* tray() {
  const badge = inside(read('tray/update.svg'));
  for (const state of STATES) {
    const svg = read(`tray/${state}.svg`);
    for (const [look, colours] of Object.entries(LOOKS)) {
      for (const size of colours.sizes) {
        yield [`tray/${state}-${look}-${size}.png`, draw(coloured(svg, colours, state), size).png];
        const updating = coloured(svg.replace('</svg>', `${badge}</svg>`), colours, state);
        yield [`tray/${state}-update-${look}-${size}.png`, draw(updating, size).png];
      }
    }
  }
}

const inside = (svg) => svg.replace(/^<svg[^>]*>|<\/svg>\s*$/g, '');

function coloured(svg, { llama, update, state }, name) {
  const style = [
    `.llama{fill:${llama}}`,
    `.llama path{stroke:${llama}}`,
    `.state{fill:${state(name)}}`,
    `.update{fill:${update}}`,
  ].join('');
  return svg.replace(/^<svg[^>]*>/, (head) => `${head}<style>${style}</style>`);
}

function draw(svg, size) {
  const picture = new Resvg(svg, { fitTo: { mode: 'width', value: size } }).render();
  return { png: picture.asPng(), pixels: picture.pixels };
}
