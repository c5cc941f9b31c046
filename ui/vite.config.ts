import { svelte } from '@sveltejs/vite-plugin-svelte';
import { svelteTesting } from '@testing-library/svelte/vite';
import { defineConfig } from 'vitest/config';
import { thirdParty } from './third-party.ts';

/** Where `npm run dev` finds a server: the mock, or a real one. */
const server = process.env.LLAMAPOOL_SERVER ?? 'http://localhost:8099';

// One config for the server's dashboard. Another entry gets its own `root` and `outDir` beside it.
export default defineConfig({
  root: 'dashboard',
  base: '/state/',
  plugins: [svelte({ configFile: '../svelte.config.js' }), svelteTesting(), thirdParty()],
  build: {
    outDir: '../dist/dashboard',
    emptyOutDir: true,
    target: 'es2022',
    // Inlined files would need `data:` in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': server, '/v1': server } },
  test: {
    root: '.',
    environment: 'jsdom',
    include: ['src/**/*.test.ts'],
    // A machine that is busy with other things is no failure.
    testTimeout: 30_000,
    setupFiles: ['src/test-setup.ts'],
  },
});
