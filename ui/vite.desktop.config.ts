import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// Config of the desktop app's windows. Tauri embeds `dist/desktop`; the port is its `devUrl`.
export default defineConfig({
  root: 'desktop',
  plugins: [svelte({ configFile: '../svelte.config.js' })],
  clearScreen: false,
  build: {
    outDir: '../dist/desktop',
    emptyOutDir: true,
    target: 'es2022',
    // Inlined files would require `data:` in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { port: 5174, strictPort: true },
});
