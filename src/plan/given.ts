// Whether a property is in a config: plans also have steps for what it leaves out.

import type { Json, JsonObject } from '../config/json.ts'

/**
 * A function that says whether a step's `from` is a property of this document. What is no property at all, like `create`
 * or `--cgroup`, counts as given. As in Go null is absent, and keys may differ in case.
 */
export function givenIn(document: Json): (from: string) => boolean {
  return (from) => {
    const path = pathOf(from)
    return !sections.includes(path[0] as string) || path.reduce<Json | undefined>(member, document) !== undefined
  }
}

const sections = ['ociVersion', 'root', 'mounts', 'process', 'hostname', 'domainname', 'hooks', 'annotations', 'linux']

/** `mounts[3].options[0] (mode=755 at /dev)` as mounts, 3, options, 0. */
const pathOf = (from: string): string[] =>
  (from.split(' (', 1)[0] as string).split(/[.[\]]/).filter((part) => part !== '')

function member(value: Json | undefined, name: string): Json | undefined {
  if (value === null || typeof value !== 'object') return undefined
  const found = Array.isArray(value) ? value[Number(name)] : property(value, name)
  return found === null ? undefined : found
}

function property(object: JsonObject, name: string): Json | undefined {
  const key = Object.keys(object).find((key) => key === name || key.toLowerCase() === name.toLowerCase())
  return key === undefined ? undefined : object[key]
}
