// A certified OpenID provider for tests: client_credentials tokens as JWTs (RFC 9068), signed by keys that can be rotated.
// node server.mjs PORT FOLDER: keys are kept in FOLDER/keys.json, so that a restart keeps them.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [port, folder] = process.argv.slice(2);
// The modules are in the folder that the tests installed them to, which is the working directory's, not this file's.
const modules = createRequire(`${process.env.OIDC_PROVIDER_MODULES}/package.json`);
const { default: Provider } = await import(pathToFileURL(modules.resolve("oidc-provider")));

const issuer = `http://127.0.0.1:${port}`;
const file = `${folder}/keys.json`;
const kinds = {
  RS256: ["rsa", { modulusLength: 2048 }],
  ES256: ["ec", { namedCurve: "P-256" }],
  EdDSA: ["ed25519", {}],
};

function newKeys() {
  return Object.entries(kinds).map(([alg, [type, options]]) => ({
    ...generateKeyPairSync(type, options).privateKey.export({ format: "jwk" }),
    kid: randomUUID(),
    use: "sig",
    alg,
  }));
}

function provide(keys) {
  writeFileSync(file, JSON.stringify(keys));
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "shop",
        client_secret: "a secret of tests",
        grant_types: ["client_credentials"],
        response_types: [],
        redirect_uris: [],
      },
    ],
    jwks: { keys },
    scopes: ["books:read", "books:write"],
    enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256", "EdDSA"] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        // The algorithm is the last part of the resource's name: urn:books:ES256.
        getResourceServerInfo: (_, resource) => ({
          scope: "books:read books:write",
          audience: "books",
          accessTokenFormat: "jwt",
          accessTokenTTL: 300,
          jwt: { sign: { alg: resource.split(":").at(-1) } },
        }),
      },
    },
  });
  provider.on("server_error", (_, error) => console.error(error));
  return provider.callback();
}

let keys = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : newKeys();
let answer = provide(keys);
const asked = {};

createServer((request, response) => {
  const path = request.url;
  if (request.method === "POST" && path === "/tests/rotate") {
    // New keys sign from now on; those before are published a while longer.
    keys = [...newKeys(), ...keys.slice(0, Object.keys(kinds).length)];
    answer = provide(keys);
    response.end("{}");
  } else if (request.method === "POST" && path === "/tests/withdraw") {
    // Only the keys that sign are left.
    keys = keys.slice(0, Object.keys(kinds).length);
    answer = provide(keys);
    response.end("{}");
  } else if (path === "/tests/asked") {
    response.end(JSON.stringify(asked));
  } else {
    asked[path] = (asked[path] ?? 0) + 1;
    answer(request, response);
  }
}).listen(Number(port), "127.0.0.1");
