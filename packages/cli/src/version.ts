import manifest from "../package.json" with { type: "json" };

/** Of this package, and of all that it works with: asynqjs has one version. */
export const version: string = manifest.version;
