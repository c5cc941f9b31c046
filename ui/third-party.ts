// Collects the licences of all bundled packages into a file next to the build.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Plugin } from 'vite';

const FILE = 'third-party.txt';
const HEAD = 'This page contains parts of the following packages.';
const RULE = '-'.repeat(80);

/** Writes the notices of all packages with code or styles in the bundle. */
export function thirdParty(): Plugin {
  return {
    name: 'third-party',
    generateBundle() {
      // Uses all loaded modules: styles are bundled too, but belong to no chunk by now.
      const folders = [...this.getModuleIds()].map(packageFolder).filter((folder) => folder !== null);
      const notices = [...new Set(folders)].sort().map(notice);
      this.emitFile({ type: 'asset', fileName: FILE, source: [HEAD, ...notices].join(`\n\n${RULE}\n\n`) });
    },
  };
}

/** The folder in `node_modules` that contains a module. */
function packageFolder(id: string): string | null {
  const path = id.replace(/^\0/, '').replace(/\?.*$/, '');
  return path.match(/^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0] ?? null;
}

function notice(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<
    string,
    string
  >;
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (!file) throw new Error(`${name} has no licence text in ${dirname(folder)}`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
}
