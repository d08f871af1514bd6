// Posts events as JavaScript's CloudEvents SDK writes them, by fetch and by Node's own http.
//
// node sdk_trial.mjs URL, where `cloudevents` is installed: see README.md. Prints what was not
// accepted, and ends with exit code 1 if anything was not.
import http from "node:http";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/`);
const { CloudEvent, HTTP, emitterFor, httpTransport, Mode } = require("cloudevents");
const url = `${process.argv[2].replace(/\/$/, "")}/v1/deliberation/events`;
const data = { conversation_id: "sdk", opinion_id: "o", participant_id: "p", choice: "agree" };
let checks = 0;
let failed = 0;

function expect(what, status, found, body) {
  ++checks;
  if (found === status) return;
  ++failed;
  console.log(`FAILED ${what}: ${found} ${body.slice(0, 300)}`);
}

function eventOf(id, payload, more = {}) {
  return new CloudEvent({ id, source: "/sdk", type: "vote.set", actor: "u1", ...more, data: payload });
}

async function byFetch(what, message, id) {
  const reply = await fetch(url, { method: "POST", headers: message.headers, body: message.body });
  const text = await reply.text();
  expect(what, 202, reply.status, text);
  if (reply.status === 202) expect(`${what}: its id`, id, JSON.parse(text).ids[0], text);
}

// As a caller of http.request writes: without a length, so in chunks.
function byHttp(what, message) {
  return new Promise((done) => {
    const request = http.request(url, { method: "POST", headers: message.headers }, (reply) => {
      let text = "";
      reply.on("data", (part) => (text += part));
      reply.on("end", () => done(expect(what, 202, reply.statusCode, text)));
    });
    request.write(message.body.slice(0, 10));
    request.write(message.body.slice(10));
    request.end();
  });
}

const bytes = new Uint8Array(Buffer.from(JSON.stringify(data)));
// The SDK encodes nothing in a header, and neither fetch nor http sends what is no Latin-1.
for (const id of ["plain", "with space", "100%", "caf\u00e9 \u{1f600}"]) {
  const ascii = /^[\x20-\x7e]*$/.test(id);
  await byFetch(`structured ${id}`, HTTP.structured(eventOf(id, data)), id);
  await byFetch(`structured, bytes ${id}`, HTTP.structured(eventOf(id, bytes)), id);
  if (!ascii) continue;
  const typed = { datacontenttype: "application/json; charset=utf-8" };
  await byFetch(`binary ${id}`, HTTP.binary(eventOf(id, data)), id);
  await byFetch(`binary, typed ${id}`, HTTP.binary(eventOf(id, data, typed)), id);
}
await byHttp("http.request structured", HTTP.structured(eventOf("h1", data)));
await byHttp("http.request binary", HTTP.binary(eventOf("h2", data)));
for (const mode of [Mode.BINARY, Mode.STRUCTURED]) {
  const emit = emitterFor(httpTransport(url), { mode });
  const reply = await emit(eventOf("emitted", data));
  // Its transport tells the body and not the status.
  expect(`emitter ${mode}`, 1, JSON.parse(reply.body).accepted, reply.body);
}
const batch = [eventOf("b1", data), eventOf("b2", data)].map((event) => event.toJSON());
const batched = {
  headers: { "content-type": "application/cloudevents-batch+json" },
  body: JSON.stringify(batch),
};
await byFetch("batch", batched, "b1");
const { version } = JSON.parse(readFileSync(`${process.cwd()}/node_modules/cloudevents/package.json`));
console.log(`cloudevents ${version}, node ${process.version}: ${checks} checks, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
