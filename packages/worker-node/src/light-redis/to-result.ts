import type { CommandResult } from "@asynqjs/core";
import { refusal } from "@asynqjs/core/redis/ioredis";
import { ErrorReply, type RawReply } from "./reply-parser.ts";

/** A reply as ports answer it. */
export function toResult(reply: RawReply): CommandResult {
  return reply instanceof ErrorReply ? { error: refusal(reply.text) } : { reply };
}
