/** A text, or what gives it: asked before every request, so that it may be renewed in between. */
export type Secret = string | (() => string | Promise<string>);

/** How the client shows who it is: the browser's cookie, a bearer token, or a wallboard's key. */
export type Credential = "cookie" | { readonly token: Secret } | { readonly key: Secret };

export async function authorization(credential: Credential): Promise<Record<string, string>> {
  if (credential === "cookie") return {};
  const [scheme, secret] =
    "token" in credential ? ["Bearer", credential.token] : ["Key", credential.key];
  return { Authorization: `${scheme} ${typeof secret === "string" ? secret : await secret()}` };
}

/** Whether it is asked for again before every request. */
export function isRenewed(credential: Credential): boolean {
  if (credential === "cookie") return false;
  return typeof ("token" in credential ? credential.token : credential.key) === "function";
}
