/** As `load-ioredis.ts`. @module */
export { parse } from "yaml";
