// A conversation under k6: participants who come, write, vote and go, each action a request.
//
//   k6 run -e HTTP=http://127.0.0.1:8080 tools/load/deliberation.js     to 50, to 200, stay, end: 20 minutes
//   k6 run -e HTTP=... -e SHORT=1 tools/load/deliberation.js            10 participants for 10 seconds
//
// USERS and SECONDS make it one level for that long. k6 speaks no SQL: participants vote on the opinions
// that the conversation began with. run.mjs asks Postgres for them, as an application would.
import http from 'k6/http';
import { check, sleep } from 'k6';
import exec from 'k6/execution';
import { opening, SEEDS, STAGES, visit } from './deliberation_visit.mjs';

const SHORT = !!__ENV.SHORT;
const HTTP = __ENV.HTTP || 'http://127.0.0.1:8080';
const USERS = Number(__ENV.USERS || (SHORT ? 10 : 0));
const SECONDS = Number(__ENV.SECONDS || (SHORT ? 10 : 60));
const STEPS = USERS > 0 ? [[Math.ceil(SECONDS / 5), USERS], [SECONDS, USERS]] : STAGES;

export const options = {
  scenarios: {
    participants: {
      executor: 'ramping-vus',
      startVUs: 0,
      stages: STEPS.map(([seconds, target]) => ({ duration: `${seconds}s`, target })),
      gracefulRampDown: '60s',
    },
  },
  summaryTrendStats: ['p(50)', 'p(95)', 'p(99)', 'max'],
  thresholds: {
    'http_req_duration{kind:fact}': ['p(95)<100'],
    'http_req_failed{kind:fact}': ['rate<0.01'],
  },
};

function post(event, kind) {
  return http.post(`${HTTP}/v1/deliberation/events`, JSON.stringify(event), {
    headers: { 'Content-Type': 'application/cloudevents+json' },
    tags: { kind },
  });
}

export function setup() {
  const conversation = `load-${Date.now()}`;
  const reply = post(opening(conversation), 'setup');
  if (reply.status !== 202) exec.test.abort(`the conversation is not taken: ${reply.status} ${reply.body}`);
  return conversation;
}

function some_seeds(n) {
  const first = Math.floor(Math.random() * SEEDS);
  return Array.from({ length: n }, (_, i) => `seed-${(first + i) % SEEDS}`);
}

export default function (conversation) {
  const participant = `p-${exec.vu.idInTest}-${exec.vu.iterationInScenario}`;
  const actions = visit(conversation, participant, Math.random);
  for (let next = actions.next(); !next.done;) {
    const action = next.value;
    if (action.post) check(post(action.post, 'fact'), { 'is accepted': (reply) => reply.status === 202 });
    if (action.sleep) sleep(action.sleep);
    next = actions.next(action.unseen ? some_seeds(action.unseen) : undefined);
  }
}
