import type {
  Client,
  ClientOptions,
  EnqueueItem,
  EnqueueOptions,
  EnqueueOutcome,
  EnqueueRequest,
  SendOptions,
  Task,
  TaskDefinition,
  TaskInfo,
} from "@asynqjs/client-edge";
import type {
  BoundScript,
  Broker,
  CallId,
  CallRecords,
  Clock,
  CommandResult,
  EnqueueResult,
  MarkedBytes,
  NewTask,
  Outcome,
  Random,
  RedisFeatures,
  RedisPort,
  TaskMessage,
} from "@asynqjs/core";
import type { InvalidPayloadError, RedisError } from "@asynqjs/core/errors";
import type { FetchRedisOptions } from "@asynqjs/core/redis/fetch";
import type { UpstashInstance } from "@asynqjs/core/redis/upstash";

type NamesOf<T> = T extends unknown ? keyof T : never;

/** What is written of these never leaves the package. */
type Internal =
  | NamesOf<Broker | BoundScript<unknown> | CallId | CallRecords | EnqueueResult | MarkedBytes | NewTask | Outcome<unknown> | TaskMessage>
  | NamesOf<BoundScript<unknown>["script"]>
  // Of HttpFailure, which core keeps to itself, and of what functions tell only themselves.
  | ("again" | "waitMs")
  | ("call" | "items" | "own" | "places" | "words");

/** What users, ports of theirs, an instance of Upstash or a runtime know by its name, or might. */
type Known =
  | NamesOf<Client | ClientOptions | EnqueueItem | EnqueueOptions | EnqueueOutcome | EnqueueRequest | SendOptions>
  | NamesOf<Task | TaskDefinition<unknown> | TaskInfo>
  | NamesOf<Clock | CommandResult | FetchRedisOptions | Random | RedisFeatures | RedisPort>
  | NamesOf<InvalidPayloadError | RedisError>
  | NamesOf<UpstashInstance | { readonly client: unknown }>
  | NamesOf<ObjectConstructor | Response | RequestInit | Map<unknown, unknown> | unknown[] | string | Uint8Array>;

/** Names of properties that only our own code reads: one letter each in what is published. */
export const internalNames: readonly Exclude<Internal, Known>[] = [
  "again",
  "args",
  "before",
  "beforeError",
  "call",
  "calls",
  "completedAtSec",
  "deadlineSec",
  "effect",
  "errorMsg",
  "giveBack",
  "groupKey",
  "items",
  "lane",
  "lastFailedAtSec",
  "limits",
  "own",
  "places",
  "processAtSec",
  "published",
  "script",
  "seq",
  "sha",
  "take",
  "textEnd",
  "textStart",
  "uniqueKey",
  "verdict",
  "waitMs",
  "words",
];
