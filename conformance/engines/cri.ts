/*
 * The client side of the Container Runtime Interface: calls of containerd's CRI plugin over its socket, with the messages of
 * cri.proto, as promises.
 */
import { join } from 'node:path'
import { credentials, type GrpcObject, loadPackageDefinition, type ServiceError } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { projectRoot } from '../harness/project.ts'

type Message = Readonly<Record<string, unknown>>

interface Answers {
  readonly Version: { readonly runtime_name: string; readonly runtime_api_version: string }
  readonly RunPodSandbox: { readonly pod_sandbox_id: string }
  readonly StopPodSandbox: Message
  readonly RemovePodSandbox: Message
  readonly PodSandboxStatus: { readonly status: { readonly state: string; readonly runtime_handler: string } }
  readonly CreateContainer: { readonly container_id: string }
  readonly StartContainer: Message
  readonly StopContainer: Message
  readonly RemoveContainer: Message
  readonly ContainerStatus: {
    readonly status: {
      readonly state: string
      readonly exit_code: number
      readonly reason: string
      readonly message: string
    }
  }
  readonly ContainerStats: {
    readonly stats: {
      readonly cpu: { readonly usage_core_nano_seconds: { readonly value: string } }
      readonly memory: { readonly working_set_bytes: { readonly value: string } }
    }
  }
  readonly UpdateContainerResources: Message
  readonly ExecSync: { readonly stdout: Buffer; readonly stderr: Buffer; readonly exit_code: number }
}

export interface Cri {
  readonly call: <Name extends keyof Answers>(name: Name, request: Message) => Promise<Answers[Name]>
  readonly close: () => void
}

type Callback = (error: ServiceError | null, answer: unknown) => void
type Client = { close: () => void } & Record<string, (request: Message, options: object, done: Callback) => void>

/** Connects to containerd's socket. The message of a failed call is the daemon's. */
export function connectCri(socket = 'unix:///run/containerd/containerd.sock'): Cri {
  const definition = loadSync(join(projectRoot, 'conformance/engines/cri.proto'), {
    keepCase: true,
    longs: String,
    enums: String,
    defaults: true,
  })
  const { v1 } = loadPackageDefinition(definition).runtime as { readonly v1: GrpcObject }
  const Service = v1?.RuntimeService as unknown as new (address: string, security: unknown) => Client
  const client = new Service(socket, credentials.createInsecure())
  return {
    call: (name, request) =>
      new Promise((done, fail) => {
        const deadline = Date.now() + 120_000
        client[name]?.(request, { deadline }, (error, answer) => {
          if (error === null) done(answer as never)
          else fail(new Error(error.details))
        })
      }),
    close: () => client.close(),
  }
}
