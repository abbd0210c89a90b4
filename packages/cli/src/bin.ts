#!/usr/bin/env node
/** `asynqjs`: see and steer Asynq's queues from a terminal. */
import { Command } from "commander";

new Command("asynqjs").description("See and steer Asynq's queues from a terminal.").parse();
