import { inject } from "vitest";
import { makeProject, type Project } from "./project.ts";

export type { Project } from "./project.ts";

/** An empty project, whose npm finds what this run packed. */
export function newProject(manifest?: object): Project {
  return makeProject(inject("registryUrl"), manifest);
}
