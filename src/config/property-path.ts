/** Paths of properties in the notation of the OCI documents: `process.args[3]`, `annotations["com.example.key"]`. */

/** The next part of a path, after the parts `before`. */
export function formatKey(key: string | number, before: string): string {
  if (typeof key === 'number') return `[${key}]`
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) return `[${JSON.stringify(key)}]`
  return before === '' ? key : `.${key}`
}

export function formatPath(keys: readonly (string | number)[]): string {
  return keys.reduce<string>((path, key) => path + formatKey(key, path), '')
}
