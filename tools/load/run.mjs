#!/usr/bin/env node
// Participants of one conversation against `sluice up`, as many at a time as each level says, and beside
// them a reader that asks Postgres once a second. Prints what both waited, and fails when a fact was
// refused or the tables do not come to hold just what was accepted.
//
//   tools/load/run.mjs                        50, 200 and 500 participants, a minute each
//   tools/load/run.mjs --levels 50,200 --seconds 30
//   tools/load/run.mjs --whole                to 50, to 200, stay, end (20 minutes), then 500 for 5
//   tools/load/run.mjs --short                10 participants for 5 seconds
// What follows -- goes to `sluice up`: -- --log kafka --brokers HOST:PORT
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { opening, SEEDS, STAGES, visit } from './deliberation_visit.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const SLUICE = join(ROOT, 'build', 'release', 'tools', 'sluice', 'sluice');
const DEADLINE_MS = 10_000;

function arguments_of(given) {
  const options = { levels: [50, 200, 500], seconds: 60, whole: false, sluice: SLUICE, up: [] };
  for (let i = 0; i < given.length; ++i) {
    switch (given[i]) {
      case '--levels': options.levels = given[++i].split(',').map(Number); break;
      case '--seconds': options.seconds = Number(given[++i]); break;
      case '--whole': options.whole = true; break;
      case '--short': options.levels = [10]; options.seconds = 5; break;
      case '--sluice': options.sluice = given[++i]; break;
      case '--': options.up = given.slice(i + 1); i = given.length; break;
      default: throw new Error(`what is ${given[i]}? See the head of tools/load/run.mjs`);
    }
  }
  return options;
}

// What is tried, one after the other: participants at a moment (seconds since it began), and how long.
function trials_of(options) {
  if (!options.whole) return options.levels.map((level) => trial(`${level}`, ramp(level, options.seconds)));
  return [trial('to 200', STAGES), trial('500', ramp(500, 300))];
}
const ramp = (level, seconds) => [[Math.ceil(seconds / 6), level], [seconds, level]];

function trial(name, stages) {
  const length = stages.reduce((sum, [seconds]) => sum + seconds, 0);
  const wanted = (at) => {
    let begun = 0;
    let before = 0;
    for (const [seconds, users] of stages) {
      if (at < begun + seconds) return Math.ceil(before + ((users - before) * (at - begun)) / seconds);
      begun += seconds;
      before = users;
    }
    return 0;
  };
  return { name, length, wanted, posts: [], reads: { conversation: [], opinions: [], feed: [] }, refused: 0 };
}

// One psql that answers one query at a time.
class Psql {
  constructor(url) {
    this.process = spawn('psql', ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', url],
      { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
    this.turn = Promise.resolve();
  }
  ask(query) {
    const answer = this.turn.then(() => this.#answer(query));
    this.turn = answer.catch(() => {});
    return answer;
  }
  async #answer(query) {
    this.process.stdin.write(`${query};\n\\echo --end--\n`);
    const rows = [];
    for (;;) {
      const { value, done } = await this.lines.next();
      if (done) throw new Error(`psql ended at: ${query}`);
      if (value === '--end--') return rows;
      rows.push(value);
    }
  }
  end() { this.process.stdin.end(); }
}

const log_of = (data) => join(data, 'up.log');

function start(sluice, data, more) {
  const up = spawn(sluice, ['up', '--data', join(data, 'state'), '--listen', '127.0.0.1:0', ...more],
    { stdio: ['ignore', 'pipe', openSync(log_of(data), 'w')] });
  const ready = new Promise((resolve, reject) => {
    createInterface({ input: up.stdout }).once('line', (line) => resolve(JSON.parse(line)));
    up.once('exit', (code) => reject(new Error(`sluice up ended with ${code}`)));
    up.once('error', reject);
  });
  const ended = new Promise((resolve) => up.once('exit', resolve));
  return { ready, stop: () => (up.kill('SIGTERM'), ended) };
}

const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });

function post(base, event) {
  const body = JSON.stringify(event);
  return new Promise((resolve) => {
    const request = http.request(`${base}/v1/deliberation/events`, {
      method: 'POST', agent, timeout: DEADLINE_MS,
      headers: { 'content-type': 'application/cloudevents+json', 'content-length': Buffer.byteLength(body) },
    }, (reply) => {
      reply.resume();
      reply.once('end', () => resolve(reply.statusCode));
    });
    request.once('timeout', () => request.destroy(new Error('no answer in time')));
    request.once('error', (error) => resolve(error.message));
    request.end(body);
  });
}

const milliseconds = () => performance.now();

class Load {
  constructor(base, psqls, conversation) {
    Object.assign(this, { base, psqls, conversation });
    this.reader = psqls[0];
    this.accepted = { 'opinion.created': 0, 'vote.set': 0 };
    this.participants = 0;
  }

  async open() {
    const status = await post(this.base, opening(this.conversation));
    if (status !== 202) throw new Error(`the conversation is not taken: ${status}`);
  }

  async unseen(participant, n) {
    const psql = this.psqls[1 + (this.participants % (this.psqls.length - 1))];
    return psql.ask(`SELECT opinion_id FROM deliberation.next_opinions('${this.conversation}', '${participant}', ${n}, 1)`);
  }

  // Participants one after the other, until `go_on` is over.
  async user(trial, go_on) {
    while (go_on()) {
      const participant = `p${this.participants++}`;
      const actions = visit(this.conversation, participant, Math.random);
      let answer;
      for (let next = actions.next(); !next.done && go_on(); next = actions.next(answer)) {
        const { post: event, sleep: seconds, unseen } = next.value;
        if (event) await this.act(trial, event);
        if (seconds) await sleep(seconds * 1000);
        answer = unseen ? await this.unseen(participant, unseen) : undefined;
      }
    }
  }

  async act(trial, event) {
    const begun = milliseconds();
    const status = await post(this.base, event);
    trial.posts.push(milliseconds() - begun);
    if (status === 202) ++this.accepted[event.type];
    else if (trial.refused++ === 0) console.error(`refused: ${status}`);
  }

  async read(trial, go_on) {
    const queries = {
      conversation: `SELECT * FROM deliberation.conversation JOIN deliberation.conversation_stats
        USING (conversation_id) WHERE conversation_id = '${this.conversation}'`,
      opinions: `SELECT * FROM deliberation.opinion JOIN deliberation.opinion_stats
        USING (conversation_id, opinion_id) WHERE conversation_id = '${this.conversation}' LIMIT 100`,
      feed: 'SELECT * FROM deliberation.feed_new(20)',
    };
    for (let next = milliseconds(); go_on(); next += 1000) {
      for (const [name, query] of Object.entries(queries)) {
        const begun = milliseconds();
        await this.reader.ask(query);
        trial.reads[name].push(milliseconds() - begun);
      }
      await sleep(Math.max(0, next + 1000 - milliseconds()));
    }
  }

  async run(trial) {
    const begun = milliseconds();
    const at = () => (milliseconds() - begun) / 1000;
    const running = [this.read(trial, () => at() < trial.length)];
    let users = 0;
    const leave = (number) => () => at() < trial.length && number < trial.wanted(at());
    for (; at() < trial.length; await sleep(50)) {
      for (const wanted = trial.wanted(at()); users < wanted; ++users) running.push(this.user(trial, leave(users)));
      users = Math.min(users, trial.wanted(at()));
    }
    await Promise.all(running);
  }

  // Every opinion and vote that was accepted, and nothing else.
  async holds() {
    const opinions = SEEDS + this.accepted['opinion.created'];
    const votes = this.accepted['vote.set'] + this.accepted['opinion.created'];  // an author agrees
    const wanted = `${opinions}|${votes}`;
    const deadline = milliseconds() + DEADLINE_MS;
    for (;;) {
      const [found] = await this.reader.ask(`SELECT opinion_count, vote_count FROM deliberation.conversation_stats
        WHERE conversation_id = '${this.conversation}'`);
      if (found === wanted) return;
      if (milliseconds() > deadline) throw new Error(`the view has ${found} opinions and votes, accepted were ${wanted}`);
      await sleep(100);
    }
  }
}

function percentiles(waits) {
  const sorted = [...waits].sort((a, b) => a - b);
  const at = (share) => (sorted.length === 0 ? '-' : sorted[Math.floor(share * (sorted.length - 1))].toFixed(1));
  return `${at(0.5)} / ${at(0.95)} / ${at(0.99)}`;
}

function line({ name, length, posts, reads, refused }) {
  const rate = (posts.length / length).toFixed(0);
  console.log(`| ${name} | ${posts.length}, ${rate} a second | ${refused} | ${percentiles(posts)} | ${
    percentiles(reads.conversation)} | ${percentiles(reads.opinions)} | ${percentiles(reads.feed)} |`);
}

async function main() {
  const options = arguments_of(process.argv.slice(2));
  const data = mkdtempSync(join(tmpdir(), 'sluice-load-'));
  chmodSync(data, 0o711);  // as root, the private Postgres runs as another user, who must pass
  const up = start(options.sluice, data, options.up);
  let psqls = [];
  try {
    const { http: base, postgres } = await up.ready;
    psqls = Array.from({ length: 5 }, () => new Psql(postgres));
    const load = new Load(base, psqls, `load-${Date.now()}`);
    await load.open();
    const trials = trials_of(options);
    console.log('p50 / p95 / p99 in ms\n');
    console.log('| participants | facts | refused | a fact accepted | conversation read | its opinions read | feed read |');
    console.log('|---|---|---|---|---|---|---|');
    for (const trial of trials) {
      await load.run(trial);
      line(trial);
    }
    await load.holds();
    if (trials.some((trial) => trial.refused > 0)) throw new Error('facts were refused');
  } catch (error) {
    console.error(readFileSync(log_of(data), 'utf8').split('\n').slice(-20).join('\n'));
    throw error;
  } finally {
    for (const psql of psqls) psql.end();
    agent.destroy();
    await up.stop();
    rmSync(data, { recursive: true, force: true });
  }
}

await main().catch((error) => {
  console.error(`load: ${error.message}`);
  process.exitCode = 1;
});
