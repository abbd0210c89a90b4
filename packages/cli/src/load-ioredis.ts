/** A CommonJS library by its names: imported by itself when it is needed, once bundled it has but a default. @module */
export { Cluster, Redis } from "ioredis";
