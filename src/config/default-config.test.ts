import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { defaultConfig } from './default-config.ts'
import { stringify } from './json.ts'
import { parseConfig } from './parse-config.ts'

const rootless = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
const cgroup = existsSync('/sys/fs/cgroup/cgroup.controllers') ? 'v2' : 'v1'

interface Spec {
  readonly process: { readonly capabilities: { ambient?: unknown } }
}

function specOf(...args: string[]): Spec {
  const directory = mkdtempSync(join(tmpdir(), 'runt-spec-'))
  spawnSync('runc', ['spec', ...args, '--bundle', directory])
  const text = readFileSync(join(directory, 'config.json'), 'utf8')
  rmSync(directory, { recursive: true })
  return JSON.parse(text) as Spec
}

t.test('has no problem and no warning', (t) => {
  for (const options of [{ cgroup }, { cgroup, rootless }, { cgroup: 'v2' }] as const) {
    const { config, warnings } = parseConfig(stringify(defaultConfig(options), '  '), 'default')
    t.strictSame(warnings, [])
    t.equal(config.hooks.prestart.length, 0)
  }
  t.end()
})

const noRunc = spawnSync('runc', ['--version']).status === 0 ? false : 'no runc to compare with'
t.test('equals the config of runc, except names and version', { skip: noRunc }, (t) => {
  const ours = { ociVersion: 'any', hostname: 'any' }
  // runc before 1.2 writes ambient capabilities that the kernel refuses.
  const newer = (config: Spec) => {
    delete config.process.capabilities.ambient
    return { ...config, ...ours }
  }
  t.strictSame({ ...defaultConfig({ cgroup }), ...ours }, newer(specOf()))
  t.strictSame({ ...defaultConfig({ cgroup, rootless }), ...ours }, newer(specOf('--rootless')))
  t.end()
})
