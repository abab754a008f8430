// Puts deliveries to the documented receiver: a list of cases on stdin, a list of verdicts on stdout.
import { readFileSync } from "node:fs";
import { verifyAigenway, verifyEggapi, verifyStandard } from "./receiver.mjs";

const VERIFY = { standard: verifyStandard, eggapi: verifyEggapi, aigenway: verifyAigenway };

const verdicts = JSON.parse(readFileSync(0, "utf8")).map((one) =>
  VERIFY[one.scheme](one.secret, one.headers, Buffer.from(one.body, "base64")),
);
console.log(JSON.stringify(verdicts));
