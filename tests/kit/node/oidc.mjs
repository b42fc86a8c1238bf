// Steers the npm package oidc-provider (certified by others): one client, its people, and who is at the keyboard.
// argv: the package's address, then JSON {client, people}. Says {"port": …} and ends with its standard input.
import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";

process.stdin.resume().on("end", () => process.exit());
const [at, given] = process.argv.slice(2);
const { client, people } = JSON.parse(given);
const { default: Provider } = await import(at);

const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
const server = createServer().listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [client],
    jwks: { keys: [{ ...key, use: "sig", alg: "RS256" }] },
    cookies: { keys: ["not a secret"] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    claims: { openid: ["sub", "amr", "acr"], email: ["email", "email_verified"], profile: ["name"] },
    conformIdTokenClaims: false,
    acrValues: ["two"],
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId,
        accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope("openid email profile");
      await grant.save();
      return grant;
    },
  });
  server.on("request", async (request, response) => {
    const url = new URL(request.url, "http://127.0.0.1");
    if (url.pathname === "/favicon.ico") return response.writeHead(204).end();
    if (!url.pathname.startsWith("/interaction/")) return provider.callback()(request, response);
    // Whoever is at the keyboard says who they are, and how they have shown it; or leaves.
    const who = url.searchParams.get("who");
    if (!url.search) {
      response.setHeader("Content-Type", "text/html");
      return response.end('<form><input name="who"><input name="amr" value="mfa"><button>Sign in</button></form>');
    }
    const login = { accountId: who, amr: url.searchParams.getAll("amr"), acr: url.searchParams.get("acr") ?? undefined };
    const result = who ? { login } : { error: "access_denied" };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  });
  process.stdout.write(`${JSON.stringify({ port })}\n`);
});
