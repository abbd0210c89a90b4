/** TLS in front of a Redis: a certificate for `redis.test` that nobody signed. */
import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { createServer } from "node:tls";

/** For nothing but tests; it is valid for a hundred years. */
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgdGU+9qS/97UWsV26
Xr8vawtkNSyu96VYvTrhw/GeLD6hRANCAATTJ50zJ3+alhjn9Z4j9VXm86QqjtZS
o9fXNchUi6QJTx++/2g1KZDPCGDrxBWUDd3bCFAnTov13AoGfMtLz3Fu
-----END PRIVATE KEY-----
`;
const cert = `-----BEGIN CERTIFICATE-----
MIIBmDCCAT6gAwIBAgIUewxjQWZmQcXqw6Zu6jOkUQsIdeswCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKcmVkaXMudGVzdDAgFw0yNjExMjkyMjUzMzJaGA8yMTI2MTEw
NTIyNTMzMlowFTETMBEGA1UEAwwKcmVkaXMudGVzdDBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABNMnnTMnf5qWGOf1niP1VebzpCqO1lKj19c1yFSLpAlPH77/aDUp
kM8IYOvEFZQN3dsIUCdOi/XcCgZ8y0vPcW6jajBoMB0GA1UdDgQWBBTJGQM6xAb7
mrrFqQiETEwz1aKtDTAfBgNVHSMEGDAWgBTJGQM6xAb7mrrFqQiETEwz1aKtDTAP
BgNVHRMBAf8EBTADAQH/MBUGA1UdEQQOMAyCCnJlZGlzLnRlc3QwCgYIKoZIzj0E
AwIDSAAwRQIgFovd4ZQYFd+crci3F6r3Iw568B/1eyVrtxDb9vhME8ACIQCHDe7N
8MqNfqe14cGfOfdLrfJRF7N+9ScX2mMmXtkKcw==
-----END CERTIFICATE-----
`;

/** Its `host:port`, and how to end it. */
export async function startTlsFront(redisPort: number): Promise<{ readonly address: string; stop(): void }> {
  const server = createServer({ key, cert }, (client) => {
    const redis = connect(redisPort, "127.0.0.1");
    client.pipe(redis).pipe(client);
    for (const [one, other] of [
      [client, redis],
      [redis, client],
    ] as const)
      one.on("error", () => other.destroy()).on("close", () => other.destroy());
  });
  // Who does not trust it hangs up.
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, stop: () => void server.close() };
}
