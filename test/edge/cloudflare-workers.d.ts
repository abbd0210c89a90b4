declare module "cloudflare:workers" {
  export const env: Readonly<Record<string, string>>;

  export class DurableObject {
    protected readonly ctx: {
      readonly storage: {
        getAlarm(): Promise<number | null>;
        setAlarm(atMs: number): Promise<void>;
        deleteAlarm(): Promise<void>;
      };
    };
  }
}
