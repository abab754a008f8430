// EggAPI's and Aigenway's signatures, written from their own documents ("Verifying signatures"), without regard
// to how old a delivery is. A list of cases on stdin, a list of verdicts on stdout.
import crypto from "node:crypto";
import { readFileSync } from "node:fs";

// sha256= and the lower-case hex HMAC-SHA256 over {timestamp}.{raw_body} with the account's webhook secret
function eggapi(secret, headers, rawBody) {
  const hmac = crypto.createHmac("sha256", secret);
  hmac.update(`${headers["x-eggapi-timestamp"]}.${rawBody.toString("utf8")}`);
  return `sha256=${hmac.digest("hex")}` === headers["x-eggapi-signature"];
}

// sha256= and the hex HMAC-SHA256 over the raw body alone with the API key's webhook secret
function aigenway(secret, headers, rawBody) {
  const expected = crypto.createHmac("sha256", secret).update(rawBody).digest("hex");
  const [scheme, given] = (headers["x-aggregator-signature"] ?? "").split("=", 2);
  const [left, right] = [Buffer.from(expected, "hex"), Buffer.from(given ?? "", "hex")];
  return scheme === "sha256" && left.length === right.length && crypto.timingSafeEqual(left, right);
}

const VERIFY = { eggapi, aigenway };
const cases = JSON.parse(readFileSync(0, "utf8"));
const verdicts = cases.map((one) => VERIFY[one.scheme](one.secret, one.headers, Buffer.from(one.body, "base64")));
console.log(JSON.stringify(verdicts));
