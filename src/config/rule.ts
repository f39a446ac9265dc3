/**
 * What a rule is: a check of a parsed config that concerns the meaning of its values, or several of them at once. A rule
 * reports every problem that it finds, path first, and throws nothing. Which rules there are: rules.ts.
 */

import type { Config, Namespace, NamespaceType } from './config.ts'

export type Report = (path: string, message: string) => void
export type Rule = (config: Config, report: Report) => void

/** The entry of `linux.namespaces` with this type, or undefined: then the container shares the runtime's. */
export function findNamespace(config: Config, type: NamespaceType): Namespace | undefined {
  for (const namespace of config.linux.namespaces) if (namespace.type === type) return namespace
  return undefined
}

/** `"name"`, shortened: how a message shows a value. */
export function quote(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
}
