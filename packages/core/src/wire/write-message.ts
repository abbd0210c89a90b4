/**
 * Writing by protobufjs, for what is written every few seconds and read by Go's CLI and dashboards.
 * @module
 */
import protobuf from "protobufjs/minimal.js";
import { InvalidOptionError } from "../errors.ts";
import { maxInt32 } from "./field-writer.ts";

/** Code made by protobufjs for one message. */
export interface MessageWriter<Written> {
  encode(message: Written, writer: protobuf.Writer): protobuf.Writer;
}

/** The message's bytes, in an array of their own. */
export function writeMessage<Written>(code: MessageWriter<Written>, message: Written): Uint8Array {
  // Not `Writer.create`: in Node it would answer a Buffer that is part of a shared pool.
  return code.encode(message, new protobuf.Writer()).finish().slice();
}

/** @throws {InvalidOptionError} */
export function int32(name: string, value: number): number {
  if (!Number.isInteger(value) || value > maxInt32 || value < -maxInt32 - 1)
    throw new InvalidOptionError(name, `expected a whole number of at most ${maxInt32}`);
  return value;
}
