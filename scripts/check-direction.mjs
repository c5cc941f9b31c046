// Keeps the dependencies between our crates, and between the modules inside each of them, pointing one way.
//
// Crates: the arrows of docs/architecture.md, those of tests and build scripts included. A new crate needs a line in MAY_KNOW.
// Modules: sibling modules form no circle, at any depth. Only written paths count (`crate::`, `super::`, `self::`); a child may use what its
// parent declares or re-exports, and tests may look anywhere.
// The map in docs/architecture.md: below each heading that names a crate's folder, the first column of the table lists its modules, all of
// them and no other.

import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const CRATES = ['llamapool-settings', 'llamapool-tunnel', 'llamapool-telemetry', 'llamapool-update'];
const MAY_KNOW = {
  'llamapool-settings': [],
  'llamapool-tunnel': [],
  'llamapool-telemetry': ['llamapool-settings'],
  'llamapool-update': ['llamapool-settings'],
  'llamapool-worker-core': CRATES,
  'llamapool-worker': [...CRATES, 'llamapool-worker-core'],
  'llamapool-server': [...CRATES, 'llamapool-worker-core'],
  'llamapool-desktop': [...CRATES, 'llamapool-worker-core'],
  'llamapool-e2e': [...CRATES, 'llamapool-worker-core', 'llamapool-server'],
  'llamapool-bench': [...CRATES, 'llamapool-worker-core', 'llamapool-server', 'llamapool-e2e'],
};

const metadata = JSON.parse(
  execFileSync('cargo', ['metadata', '--locked', '--no-deps', '--format-version', '1'], { maxBuffer: 64 * 1024 * 1024 }),
);

let failed = false;
const complain = (text) => {
  console.error(text);
  failed = true;
};

const root = metadata.workspace_root;
const map = readMap(join(root, 'docs/architecture.md'));
for (const { name, dependencies, manifest_path, targets } of metadata.packages) {
  checkCrate(name, dependencies);
  const sources = join(dirname(manifest_path), 'src');
  // A crate that is a library and a program has one folder of sources: the library's modules are its own.
  const target = ['lib', 'bin'].map((kind) => targets.find((target) => target.kind.includes(kind))).find(Boolean);
  if (target) checkModules(name, target.src_path);
  checkMap(relative(root, dirname(manifest_path)), sources);
}
for (const folder of map.keys()) complain(`docs/architecture.md has a table for ${folder}, which is no crate`);
process.exitCode = failed ? 1 : 0;

function checkCrate(name, dependencies) {
  const allowed = MAY_KNOW[name];
  if (!allowed) return complain(`${name} is new: list what it may depend on in scripts/check-direction.mjs`);
  for (const other of dependencies) {
    if (other.path && !allowed.includes(other.name)) complain(`${name} must not depend on ${other.name}`);
  }
}

/** The tables of docs/architecture.md: a crate's folder -> the modules listed below the heading that names it. */
function readMap(file) {
  const map = new Map();
  let modules;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const heading = /^#+ (.*)$/.exec(line)?.[1];
    if (heading !== undefined) {
      const folder = /^`([\w/-]+)`/.exec(heading)?.[1];
      modules = folder && map.set(folder, new Set()).get(folder);
    } else if (modules && line.startsWith('|')) {
      for (const [, name] of line.split('|')[1].matchAll(/`(\w+)`/g)) modules.add(name);
    }
  }
  return map;
}

function checkMap(folder, sources) {
  const listed = map.get(folder);
  if (!listed) return;
  map.delete(folder);
  const names = readdirSync(sources, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || entry.name.endsWith('.rs'))
    .map((entry) => entry.name.replace(/\.rs$/, ''))
    .filter((name) => !['main', 'lib', 'tests'].includes(name));
  const there = new Set(names);
  for (const name of there) if (!listed.has(name)) complain(`docs/architecture.md does not mention ${folder}/src/${name}`);
  for (const name of listed) if (!there.has(name)) complain(`docs/architecture.md mentions ${folder}/src/${name}, which is not there`);
}

function checkModules(crate, root) {
  const modules = findModules(dirname(root), root);
  const graphs = new Map(); // parent module -> child -> other child -> where it is used
  for (const [path, { file, text }] of modules) {
    for (const target of references(text, path, modules)) addEdge(graphs, path, target, file);
  }
  for (const [parent, graph] of graphs) {
    for (const circle of circles(graph)) {
      const steps = circle.map((from) => [...graph.get(from)].filter(([to]) => circle.includes(to)));
      const lines = circle.flatMap((from, i) => steps[i].map(([to, file]) => `  ${from} -> ${to} in ${relative('.', file)}`));
      complain(`${crate}: modules of ${parent || 'the crate'} form a circle: ${circle.join(', ')}\n${lines.join('\n')}`);
    }
  }
}

/** All modules of a crate that are files: path such as `flow::read` -> its file and text without comments, strings and tests. */
function findModules(folder, root) {
  const modules = new Map([['', load(root)]]);
  const visit = (at, path) => {
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      const full = join(at, entry.name);
      const name = entry.name.replace(/\.rs$/, '');
      const child = path ? `${path}::${name}` : name;
      if (name === 'tests' || full === root || ['main', 'lib'].includes(name)) continue;
      if (entry.isDirectory()) visit(full, child);
      else if (entry.name.endsWith('.rs')) modules.set(child, load(full));
    }
  };
  visit(folder, '');
  return modules;
}

function load(file) {
  const text = readFileSync(file, 'utf8')
    .replace(/\/\/.*$/gm, '')
    .replace(/\/\*[^]*?\*\//g, '')
    .replace(/r(#*)"[^]*?"\1/g, '""')
    .replace(/"(\\.|[^"\\])*"/g, '""')
    .replace(/#\[cfg\(test\)\]\s*mod \w+ \{[^]*$/, '');
  return { file, text };
}

/** The modules that a text names. */
function references(text, path, modules) {
  const found = new Set();
  const parents = path ? path.split('::') : [];
  for (const match of text.matchAll(/(?<![\w$:])(crate|self|super)::/g)) {
    let base = match[1] === 'crate' ? [] : match[1] === 'self' ? [...parents] : parents.slice(0, -1);
    let at = match.index + match[0].length;
    while (text.startsWith('super::', at)) {
      base = base.slice(0, -1);
      at += 'super::'.length;
    }
    for (const tail of useTree(text, at)) found.add(longest([...base, ...tail], modules));
  }
  return found;
}

/** The paths of a use tree: `a::{b, c::d}` is `a::b` and `a::c::d`. */
function useTree(text, start) {
  let at = start;
  const parse = () => {
    const paths = [];
    let prefix = [];
    for (;;) {
      at += /^\s*/.exec(text.slice(at, at + 200))[0].length;
      const word = /^\w+/.exec(text.slice(at, at + 200))?.[0];
      if (word) {
        prefix = [...prefix, word];
        at += word.length;
      } else if (text[at] === '{') {
        at += 1;
        while (at < text.length && text[at] !== '}') {
          for (const tail of parse()) paths.push([...prefix, ...tail]);
          at += /^[^,}]*,?\s*/.exec(text.slice(at, at + 400))[0].length;
        }
        at += 1;
        return paths;
      }
      if (!text.startsWith('::', at)) return [prefix];
      at += 2;
    }
  };
  return parse();
}

function longest(segments, modules) {
  for (let length = segments.length; length > 0; length -= 1) {
    const path = segments.slice(0, length).join('::');
    if (modules.has(path)) return path;
  }
  return '';
}

/** Enters that module `from` uses module `to` as an arrow between their ancestors that are siblings. */
function addEdge(graphs, from, to, file) {
  const [a, b] = [from.split('::'), to.split('::')];
  let depth = 0;
  while (depth < a.length && depth < b.length && a[depth] === b[depth]) depth += 1;
  if (!from || !to || depth === a.length || depth === b.length) return; // one is the other's parent
  const parent = a.slice(0, depth).join('::');
  const graph = graphs.get(parent) ?? graphs.set(parent, new Map()).get(parent);
  const edges = graph.get(a[depth]) ?? graph.set(a[depth], new Map()).get(a[depth]);
  if (!edges.has(b[depth])) edges.set(b[depth], file);
}

/** The groups of nodes that reach each other (Tarjan's strongly connected components of more than one node). */
function circles(graph) {
  const index = new Map();
  const low = new Map();
  const stack = [];
  const found = [];
  const visit = (node) => {
    index.set(node, index.size);
    low.set(node, index.get(node));
    stack.push(node);
    for (const next of graph.get(node)?.keys() ?? []) {
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(node, Math.min(low.get(node), low.get(next)));
    }
    if (low.get(node) !== index.get(node)) return;
    const circle = stack.splice(stack.indexOf(node));
    if (circle.length > 1) found.push(circle.sort());
  };
  for (const node of graph.keys()) if (!index.has(node)) visit(node);
  return found;
}
