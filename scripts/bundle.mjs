// Bundles TypeScript with esbuild. Usage: bundle.mjs embedded|node|test|plain|tool OUTDIR [FILE…]
//
// embedded  ES modules for the static program: one entry (or the FILE), and a chunk for each import() and shared part.
// node      the npm package and the command line on Node: one file, packages included.
// test      one file per test, with packages left to Node.
// plain     each file by itself, types removed, for coverage.
// tool      build tools written in TypeScript.
import { rmSync } from 'node:fs'
import { build } from 'esbuild'
import { yargsParts } from './yargs-parts.mjs'

const [kind, outdir, ...files] = process.argv.slice(2)
const debug = process.env.DEBUG === '1'
const commit = process.env.RUNT_COMMIT
const weaken = process.env.WEAKEN === '1'

const common = {
  bundle: true,
  format: 'esm',
  outdir,
  charset: 'utf8',
  logLevel: 'warning',
  define: { RUNT_WEAKEN: String(weaken), ...(commit && { RUNT_COMMIT: JSON.stringify(commit) }) },
}
const node = { platform: 'node', target: 'node20', outExtension: { '.js': '.mjs' } }

const kinds = {
  embedded: {
    alias: yargsParts,
    entryPoints: files.length > 0 ? files : ['src/entry/embedded.ts'],
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['import'],
    target: 'es2023',
    splitting: true,
    chunkNames: '[name]-[hash]',
    entryNames: '[name]',
    minify: !debug,
  },
  node: {
    ...node,
    alias: yargsParts,
    entryPoints: [{ in: 'src/entry/node.ts', out: 'index' }],
    sourcemap: true,
    // Packages written as CommonJS ask for `require` inside the bundle.
    banner: { js: "import { createRequire as $r } from 'node:module'; const require = $r(import.meta.url);" },
  },
  // The workspace package is TypeScript, which Node cannot load directly.
  test: {
    ...node,
    entryPoints: files,
    outbase: '.',
    sourcemap: 'inline',
    packages: 'external',
    alias: { ...yargsParts, 'seccomp-bpf-js': './seccomp-bpf-js/src/index.ts' },
  },
  plain: {
    platform: 'node',
    target: 'node20',
    bundle: false,
    entryPoints: files,
    outbase: '.',
    outExtension: { '.js': '.ts' },
    sourcemap: 'inline',
  },
  tool: { ...node, alias: yargsParts, entryPoints: files, entryNames: '[name]', packages: 'external' },
}

// Chunks are named by their contents, so old ones would never be replaced.
if (kind !== 'tool') rmSync(outdir, { recursive: true, force: true })
// esbuild has printed the errors.
await build({ ...common, ...kinds[kind] }).catch(() => process.exit(1))
