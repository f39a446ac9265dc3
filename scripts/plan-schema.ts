// The schema of `runt plan --format json`, from the step table: docs/plan.schema.json.

import { stepTable } from '../src/steps/step-table.ts'

type Schema = Readonly<Record<string, unknown>>

const kinds: Readonly<Record<string, Schema>> = {
  slot: { type: 'integer', minimum: 0 },
  into: { type: 'integer', minimum: 0 },
  slots: { type: 'array', items: { type: 'integer', minimum: 0 } },
  int: { type: 'integer' },
  ints: { type: 'array', items: { type: 'integer' } },
  string: { type: 'string' },
  strings: { type: 'array', items: { type: 'string' } },
  bytes: { description: 'in hexadecimal', type: 'string', pattern: '^([0-9a-f]{2})*$' },
}

function stepSchema(op: string, fields: Readonly<Record<string, string>>): Schema {
  const types = Object.entries(fields).map(([name, type]) => [name, type.split(' ', 1)[0] as string] as const)
  const required = types.filter(([, type]) => !type.endsWith('?')).map(([name]) => name)
  return {
    type: 'object',
    additionalProperties: false,
    required: ['op', 'from', 'text', ...required],
    properties: {
      op: { const: op },
      from: { $ref: '#/definitions/from' },
      default: { $ref: '#/definitions/default' },
      tolerate: { $ref: '#/definitions/tolerate' },
      text: { $ref: '#/definitions/text' },
      ...Object.fromEntries(types.map(([name, type]) => [name, kinds[type.replace('?', '')]])),
    },
  }
}

export const planSchema = (): string =>
  `${JSON.stringify(
    {
      $schema: 'http://json-schema.org/draft-07/schema#',
      title: 'Output of runt plan --format json',
      description:
        'Generated from src/steps/step-table.ts, which says what each operation does. The operations belong to a version of runt.',
      type: 'object',
      additionalProperties: false,
      required: ['slots', 'runtimeSteps', 'containerSteps'],
      properties: {
        slots: { description: 'names of the descriptor slots, by number', type: 'array', items: { type: 'string' } },
        runtimeSteps: { type: 'array', items: { $ref: '#/definitions/step' } },
        containerSteps: { type: 'array', items: { $ref: '#/definitions/step' } },
      },
      definitions: {
        from: { description: 'what caused the step: a property of config.json, or a command', type: 'string' },
        default: { description: 'the config does not have the property', const: true },
        tolerate: { description: 'errnos after which the plan continues', type: 'array', items: { type: 'integer' } },
        text: { description: 'the step as "runt plan" prints it', type: 'string' },
        step: { oneOf: Object.entries(stepTable).map(([op, fields]) => stepSchema(op, fields)) },
      },
    },
    null,
    2,
  )}\n`
