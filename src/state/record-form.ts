// Checks that a JSON document is a record (record.ts). The file belongs to root, but a disk error or an editor may
// damage it; then a command reports that.

import type { ContainerRecord } from './record.ts'

type Check = (value: unknown) => boolean
type Members = { readonly [name: string]: unknown }

const isNumber: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

// Each `state` and `kill` runs this: a loop costs a third of `every` with a function for each level.
function isListOf(value: unknown, isItem: Check): boolean {
  if (!Array.isArray(value)) return false
  for (let i = 0; i < value.length; i++) if (!isItem(value[i])) return false
  return true
}

function isMap(value: unknown): boolean {
  if (!isObject(value)) return false
  for (const name in value) if (typeof value[name] !== 'string') return false
  return true
}

const isText: Check = (value) => typeof value === 'string'
const isTexts: Check = (value) => isListOf(value, isText)
const isHook: Check = (hook) =>
  isObject(hook) &&
  typeof hook.path === 'string' &&
  isTexts(hook.args) &&
  isTexts(hook.env) &&
  (hook.timeout === undefined || isNumber(hook.timeout))
const isStep: Check = (step) => isObject(step) && typeof step.op === 'string' && typeof step.from === 'string'
const isUnit: Check = (unit) =>
  isObject(unit) && typeof unit.name === 'string' && (unit.kind === 'system' || unit.kind === 'user')
const isRdt: Check = (rdt) => isObject(rdt) && isTexts(rdt.tasks) && isTexts(rdt.directories)

/** `pid` and `startTime` decide which process is signalled; a record with another form is refused. */
export function isRecord(value: unknown): value is ContainerRecord {
  return isObject(value) && hasTexts(value) && isMap(value.cgroups) && hasActions(value) && hasOptional(value)
}

function hasTexts({ ociVersion, id, pid, startTime, bundle, rootfs, created, owner, pidNamespace }: Members): boolean {
  return (
    typeof id === 'string' &&
    isNumber(pid) &&
    (pid as number) < 2 ** 31 &&
    typeof startTime === 'string' &&
    typeof ociVersion === 'string' &&
    typeof bundle === 'string' &&
    typeof rootfs === 'string' &&
    typeof created === 'string' &&
    typeof owner === 'string' &&
    typeof pidNamespace === 'string'
  )
}

function hasActions({ annotations, hooks, startSteps }: Members): boolean {
  return (
    isMap(annotations) &&
    isObject(hooks) &&
    isListOf(hooks.poststart, isHook) &&
    isListOf(hooks.poststop, isHook) &&
    isObject(startSteps) &&
    isNumber(startSteps.first) &&
    isListOf(startSteps.steps, isStep)
  )
}

function hasOptional({ unit, resources, rdt, hostMounts, namespaces, rootless }: Members): boolean {
  return (
    (unit === undefined || isUnit(unit)) &&
    (resources === undefined || typeof resources === 'string') &&
    (rdt === undefined || isRdt(rdt)) &&
    (hostMounts === undefined || isListOf(hostMounts, isNumber)) &&
    (namespaces === undefined || isTexts(namespaces)) &&
    (rootless === undefined || rootless === 'true' || rootless === 'false')
  )
}
