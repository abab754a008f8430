// Serves the fixtures of a file on a free loopback port, prints the address, and ends with its input.
// Arguments: the folder of the installed mock, the file.
import { pathToFileURL } from "node:url";

const [folder, fixtures] = process.argv.slice(2);
const { LLMock } = await import(pathToFileURL(`${folder}/dist/index.js`));
const mock = new LLMock({
  host: "127.0.0.1",
  port: 0,
  strict: true,
  chunkSize: 8,
  logLevel: "silent",
  falQueue: { pollsBeforeInProgress: 2, pollsBeforeCompleted: 3 },
});
mock.loadFixtureFile(fixtures);
await mock.start();
console.log(mock.url);
process.stdin.resume().on("end", () => mock.stop().then(() => process.exit(0)));
