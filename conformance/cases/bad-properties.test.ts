/*
 * An invalid value for every property of the config, from the schema in spec-schemas/: another type, a value just out of range, an
 * unknown name, a missing required member. `create` names the property's path, exits with 1 and leaves nothing behind. bad-input.test.ts
 * has errors about several properties, files and the kernel.
 */
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { stringify } from '../../src/config/json.ts'
import { documents, faultsOf, type Mutation, mutate } from '../../src/config/testing/documents.ts'
import { loadSchemas, type Member, membersByPath, rootOf } from '../../src/config/testing/schema.ts'
import { defaultConfig, patched } from '../harness/bundle.ts'
import { probing } from '../harness/probe.ts'
import { isRunt, projectRoot } from '../harness/project.ts'
import { type Box, type Result, scenario } from '../harness/scenario.ts'

type Document = Record<string, unknown>

const skip = isRunt ? false : 'others name no paths, and take much of this'
const schemas = loadSchemas(join(projectRoot, 'spec-schemas'))
const members = membersByPath(schemas, 'config.json')
const SEED = 1

/** The default config with the property, in a valid form. */
function configWithProperty(path: string): Document {
  const [document] = fc.sample(documents(schemas, rootOf('config.json'), path), { seed: SEED, numRuns: 1 })
  return structuredClone(patched(defaultConfig, branch(document, path))) as Document
}

/** Keeps of a document what is on the path, and its siblings, because some of them are required. */
function branch(document: unknown, path: string): unknown {
  const step = /^(?:\[\]|\{\}|\.?[^.[{]+)/.exec(path)?.[0]
  if (step === undefined || typeof document !== 'object' || document === null) return document
  const rest = path.slice(step.length)
  if (step === '[]') return [branch((document as unknown[])[0], rest)]
  const key = step === '{}' ? (Object.keys(document)[0] ?? '') : step.replace('.', '')
  const inner = branch((document as Document)[key], rest)
  return path.startsWith('.') ? { ...document, [key]: inner } : { [key]: inner }
}

/** All faults specific to the property, and wrong types in rotation, because there are many. */
function chosenFaults(member: Member, serial: number): readonly Mutation[] {
  const faults = faultsOf(member)
  const types = faults.filter(({ kind }) => kind.includes(' for '))
  return faults.filter((fault) => !types.includes(fault) || fault === types[serial % types.length])
}

const sections = [...new Set([...members.keys()].map((path) => path.split(/[.[{]/)[0] as string))]

for (const section of sections) {
  scenario(`${section}: every property made wrong`, { skip }, (t, box) => {
    const bundle = box.bundle({}, { rootfs: 'empty' })
    let serial = 0
    for (const [path, member] of members) {
      if (path.split(/[.[{]/)[0] !== section) continue
      for (const fault of chosenFaults(member, serial++)) {
        const config = configWithProperty(path)
        const shown = mutate(config, path, fault)
        writeFileSync(bundle.config, stringify(config))
        const id = box.id()
        const { status, stderr, stdout } = box.call(['create', '--bundle', bundle.dir, id])
        const told =
          stderr.startsWith(`runt create ${id}: `) && stderr.includes(`${shown}: `) && !/internal/.test(stderr)
        if (status === 1 && told && stdout === '' && !existsSync(join(box.root, id))) continue
        t.fail(`${shown}: ${fault.kind}`, { status, stderr, config: stringify(config) })
      }
    }
    t.ok(serial > 0, `${serial} properties`)
    t.same(readdirSync(box.root), [])
  })
}

interface Part {
  readonly name: string
  /** Its place in a config: the part below is a document of its own here. */
  readonly path: string
  readonly status: number
  readonly call: (box: Box, id: string, file: string) => Result
}

const parts: readonly Part[] = [
  {
    name: 'exec --process',
    path: 'process',
    status: 255,
    call: (box, id, file) => box.call(['exec', '--process', file, id]),
  },
  {
    name: 'update --resources',
    path: 'linux.resources',
    status: 1,
    call: (box, id, file) => box.call(['update', '--resources', file, id]),
  },
]

const valueAt = (document: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((at, name) => (at as Document)[name], document)

for (const { name, path: top, status, call } of parts) {
  scenario(`${name}: every property made wrong`, { skip }, (t, box) => {
    const bundle = box.bundle(probing(['pause']))
    const id = box.id()
    t.equal(box.call(['run', '--detach', '--bundle', bundle.dir, id]).status, 0)
    const file = join(box.dir, 'part.json')
    let serial = 0
    for (const [path, member] of members) {
      if (!path.startsWith(`${top}.`)) continue
      for (const fault of chosenFaults(member, serial++)) {
        const config = configWithProperty(path)
        const shown = mutate(config, path, fault)?.slice(top.length + 1)
        const text = stringify(valueAt(config, top))
        writeFileSync(file, text)
        const result = call(box, id, file)
        if (result.status === status && result.stderr.includes(`${shown}: `) && !/internal/.test(result.stderr))
          continue
        t.fail(`${shown}: ${fault.kind}`, { ...result, text })
      }
    }
    t.ok(serial > 50, `${serial} properties`)
    t.equal(box.state(id)?.status, 'running', 'the container goes on')
    t.equal(box.call(['delete', '--force', id]).status, 0)
  })
}
