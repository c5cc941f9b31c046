import { svelte } from '@sveltejs/vite-plugin-svelte';
import { svelteTesting } from '@testing-library/svelte/vite';
import { defineConfig } from 'vitest/config';
import { thirdParty } from './third-party.ts';

/** The server for `npm run dev`: the mock or a real one. */
const server = process.env.LLAMAPOOL_SERVER ?? 'http://localhost:8099';

// Config of the server's dashboard.
export default defineConfig({
  root: 'dashboard',
  base: '/state/',
  plugins: [svelte({ configFile: '../svelte.config.js' }), svelteTesting(), thirdParty()],
  build: {
    outDir: '../dist/dashboard',
    emptyOutDir: true,
    target: 'es2022',
    // Inlined files would require `data:` in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': server, '/v1': server } },
  test: {
    root: '.',
    environment: 'jsdom',
    include: ['src/**/*.test.ts'],
    // A busy machine must not fail the tests.
    testTimeout: 30_000,
    setupFiles: ['src/test-setup.ts'],
  },
});
