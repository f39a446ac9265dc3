// Whether a JSON document has the form of a record (record.ts). The file is root's, but a disk or an editor may damage it, and then
// a command says so instead of failing on what it finds.

import type { ContainerRecord } from './record.ts'

type Check = (value: unknown) => boolean
type Members = { readonly [name: string]: unknown }

const isText: Check = (value) => typeof value === 'string'
const isNumber: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const isPid: Check = (value) => isNumber(value) && (value as number) < 2 ** 31
const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const listOf =
  (isItem: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(isItem)
const absentOr =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)

const isTexts = listOf(isText)
const isMap: Check = (value) => isObject(value) && Object.values(value).every(isText)
const isHook: Check = (hook) =>
  isObject(hook) && isText(hook.path) && isTexts(hook.args) && isTexts(hook.env) && absentOr(isNumber)(hook.timeout)
const isHooks = listOf(isHook)
const isStep: Check = (step) => isObject(step) && isText(step.op) && isText(step.from)
const isUnit: Check = (unit) => isObject(unit) && isText(unit.name) && (unit.kind === 'system' || unit.kind === 'user')
const isRdt: Check = (rdt) => isObject(rdt) && isTexts(rdt.tasks) && isTexts(rdt.directories)

const texts = ['ociVersion', 'id', 'startTime', 'bundle', 'rootfs', 'created', 'owner', 'pidNamespace'] as const

/** `pid` and `startTime` are read by whoever signals the process; a record with another form is nobody's container. */
export function isRecord(value: unknown): value is ContainerRecord {
  if (!isObject(value)) return false
  const { pid, annotations, cgroups, unit, resources, rdt, hostMounts, hooks, startSteps } = value
  return (
    texts.every((name) => isText(value[name])) &&
    isPid(pid) &&
    isMap(annotations) &&
    isMap(cgroups) &&
    absentOr(isUnit)(unit) &&
    absentOr(isText)(resources) &&
    absentOr(isRdt)(rdt) &&
    absentOr(listOf(isNumber))(hostMounts) &&
    isObject(hooks) &&
    isHooks(hooks.poststart) &&
    isHooks(hooks.poststop) &&
    isObject(startSteps) &&
    isNumber(startSteps.first) &&
    listOf(isStep)(startSteps.steps)
  )
}
