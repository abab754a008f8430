// The example of the platform's overview ("Chat Completions"), then a stream, images, vectors and an error.
// Arguments: the folder of the installed client, the base URL. The key is in YOUR_API_KEY.
import { pathToFileURL } from "node:url";

const [folder, baseURL] = process.argv.slice(2);
const { default: OpenAI } = await import(pathToFileURL(`${folder}/index.mjs`));
const client = new OpenAI({ apiKey: process.env.YOUR_API_KEY, baseURL, maxRetries: 0 });
const messages = [{ role: "user", content: "Write a haiku about APIs." }];
const model = "openai/gpt-5";

const completion = await client.chat.completions.create({ model, messages });
let streamed = "";
for await (const chunk of await client.chat.completions.create({ model, messages, stream: true })) {
  streamed += chunk.choices[0]?.delta?.content ?? "";
}
const images = await client.images.generate({ model: "google/nano-banana-pro", prompt: "a robot", n: 2 });
const vectors = await client.embeddings.create({
  model: "openai/text-embedding-3-small",
  input: ["a hen", "an egg"],
  dimensions: 8,
});
const models = [];
for await (const one of client.models.list()) models.push(one.id);
const refused = await client.chat.completions.create({ model: "no/such", messages }).catch((error) => error);

console.log(
  JSON.stringify({
    said: completion.choices[0]?.message?.content,
    streamed,
    images,
    vectors: vectors.data.map((one) => one.embedding.length),
    models,
    refused: { name: refused.constructor.name, status: refused.status, code: refused.code },
  }),
);
