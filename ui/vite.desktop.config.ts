import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// The windows of the desktop app. `dist/desktop` is what Tauri puts into the program; the port is its `devUrl`.
export default defineConfig({
  root: 'desktop',
  plugins: [svelte({ configFile: '../svelte.config.js' })],
  clearScreen: false,
  build: {
    outDir: '../dist/desktop',
    emptyOutDir: true,
    target: 'es2022',
    // Inlined files would need `data:` in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { port: 5174, strictPort: true },
});
