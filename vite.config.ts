import { join } from 'node:path'
import { defineConfig } from 'vite'
import { PARSERS } from './src/presets/parsers.ts'
import { REVIEW_FIELDS } from './src/review/fields.ts'

/** Builds the console's page into dist/console. Nothing is inlined, since the page's content security policy forbids it. */
export default defineConfig({
  root: join(import.meta.dirname, 'src/console/page'),
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  define: {
    REVIEW_FIELDS: JSON.stringify(REVIEW_FIELDS),
    PARSER_NAMES: JSON.stringify(Object.keys(PARSERS)),
  },
  build: {
    outDir: join(import.meta.dirname, 'dist/console'),
    emptyOutDir: true,
    target: 'esnext',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  logLevel: 'warn',
})
