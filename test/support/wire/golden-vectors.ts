/**
 * Messages and their bytes in hex, as `protoc` makes them from Asynq's schema.
 * @module
 */
import type { TaskMessage } from "@asynqjs/core";
import type { SchedulerEnqueueEvent, SchedulerEntry, ServerInfo, WorkerInfo } from "@asynqjs/core/wire";

interface Vector<Message> {
  readonly name: string;
  readonly message: Message;
  readonly hex: string;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export const taskMessages: readonly Vector<TaskMessage>[] = [
  {
    name: "A, a new task",
    message: {
      type: "email:send",
      payload: bytes('{"a":1}'),
      id: "11111111-2222-3333-4444-555555555555",
      queue: "default",
      retry: 25,
      retried: 0,
      timeoutSec: 1800,
    },
    hex: "0a0a656d61696c3a73656e6412077b2261223a317d1a2431313131313131312d323232322d333333332d343434342d353535353535353535353535220764656661756c74281940880e",
  },
  {
    name: "B, a task with every field",
    message: {
      type: "t",
      payload: Uint8Array.of(0x00, 0xff, 0x80),
      id: "id1",
      queue: "q",
      retry: 3,
      retried: 2,
      errorMsg: "boom",
      timeoutSec: 60,
      deadlineSec: 1_700_003_600,
      uniqueKey: "asynq:{q}:unique:t:abc",
      lastFailedAtSec: 1_700_000_001,
      retentionSec: 86_400,
      completedAtSec: 1_700_000_100,
      groupKey: "g1",
      headers: { k: "v" },
    },
    hex: "0a0174120300ff801a03696431220171280330023a04626f6f6d403c4890fecfaa0652166173796e713a7b717d3a756e697175653a743a6162635881e2cfaa066080a30568e4e2cfaa06720267317a060a016b120176",
  },
  {
    name: "C, an empty header",
    message: { type: "t", id: "id1", queue: "q", retry: 0, retried: 0, headers: { k: "" } },
    hex: "0a01741a036964312201717a050a016b1200",
  },
];

/** Written so, but no task: nothing of it has a name. */
export const negativeRetry: Vector<TaskMessage> = {
  name: "H, a negative number alone",
  message: { type: "", id: "", queue: "", retry: -1, retried: 0 },
  hex: "28ffffffffffffffffff01",
};

export const serverInfo: Vector<ServerInfo> = {
  name: "D, a server",
  message: {
    host: "h1",
    pid: 4242,
    serverId: "sid",
    concurrency: 10,
    queues: { default: 1 },
    strictPriority: true,
    status: "active",
    startedAtNs: 1_700_000_000_123_456_789n,
    activeWorkerCount: 2,
  },
  hex: "0a0268311092211a03736964200a2a0b0a0764656661756c74100130013a06616374697665420b0880e2cfaa0610959aef3a4802",
};

export const workerInfo: Vector<WorkerInfo> = {
  name: "E, a task being run",
  message: {
    host: "h1",
    pid: 4242,
    serverId: "sid",
    taskId: "id1",
    taskType: "t",
    taskPayload: bytes("p"),
    queue: "q",
    startedAtNs: 1_700_000_000_000_000_000n,
    deadlineNs: 1_700_001_800_000_000_000n,
  },
  hex: "0a0268311092211a0373696422036964312a01743201703a017142060880e2cfaa064a060888f0cfaa06",
};

export const schedulerEntry: Vector<SchedulerEntry> = {
  name: "F, a periodic task that never ran",
  message: {
    id: "e1",
    spec: "@every 30s",
    taskType: "t",
    taskPayload: bytes("p"),
    enqueueOptions: ['Queue("low")', "MaxRetry(3)"],
    nextEnqueueAtNs: 1_700_000_030_000_000_000n,
    prevEnqueueAtNs: -62_135_596_800_000_000_000n,
  },
  hex: "0a026531120a406576657279203330731a01742201702a0c517565756528226c6f7722292a0b4d617852657472792833293206089ee2cfaa063a0b088092b8c398feffffff01",
};

export const schedulerEnqueueEvent: Vector<SchedulerEnqueueEvent> = {
  name: "G, a task that was enqueued",
  message: { taskId: "id1", enqueuedAtNs: 1_700_000_030_005_000_000n },
  hex: "0a03696431120b089ee2cfaa0610c096b102",
};
