// A flash sale under k6: users who bid again and again, faster and higher the nearer the end, each on a
// connection of their own, one bid a request.
//
//   k6 run -e HTTP=http://127.0.0.1:8080 tools/load/auction.js          1,000 users for 5 minutes
//   k6 run -e HTTP=... -e SHORT=1 tools/load/auction.js                 100 users for 20 seconds: CI's form
//
// USERS, SECONDS and SESSION override. A user waits 3 s * 15^(-t/SECONDS), give or take a fifth, 0.2 s at
// least; a price is the upset price + t/2 + 0 to 20 coins, in minor units. A run fails when bids take
// longer or fail more often than the thresholds say.
import http from 'k6/http';
import { check, sleep } from 'k6';
import exec from 'k6/execution';

const SHORT = !!__ENV.SHORT;
const HTTP = __ENV.HTTP || 'http://127.0.0.1:8080';
const USERS = Number(__ENV.USERS || (SHORT ? 100 : 1000));
const SECONDS = Number(__ENV.SECONDS || (SHORT ? 20 : 300));
const SPAWNED_A_SECOND = 50;
const UPSET_COINS = 100;
const MINOR_UNITS = 100;

export const options = {
  scenarios: {
    bidders: {
      executor: 'per-vu-iterations',
      vus: USERS,
      iterations: 1,
      maxDuration: `${SECONDS + 30}s`,
      gracefulStop: '30s',
    },
  },
  thresholds: {
    'http_req_duration{kind:bid}': ['p(50)<50', 'p(95)<100', 'p(99)<200'],
    'http_req_failed{kind:bid}': ['rate<0.01'],
    checks: ['rate>0.99'],
  },
};

function post(session, type, id, data, kind) {
  const event = {
    specversion: '1.0', source: '/load', type, id, actor: 'shop', actorrole: 'service',
    data: { session_id: session, ...data },
  };
  return http.post(`${HTTP}/v1/auction/events`, JSON.stringify(event), {
    headers: { 'Content-Type': 'application/cloudevents+json' },
    tags: { kind },
  });
}

export function setup() {
  const begun = Date.now();
  const session = __ENV.SESSION || `load-${begun}`;
  const reply = post(session, 'session.created', 'created', {
    owner_id: 'shop', product: 'flash sale', inventory: 10,
    upset_price: UPSET_COINS * MINOR_UNITS, alpha: 0.01, beta: 100, gamma: 1,
    starts_at: new Date(begun).toISOString(),
    // A second more: the last bids are on their way when the last second is over.
    ends_at: new Date(begun + (SECONDS + 1) * 1000).toISOString(),
  }, 'setup');
  if (reply.status !== 202) exec.test.abort(`the session is not taken: ${reply.status} ${reply.body}`);
  return { session, begun };
}

function wait(t) {
  const seconds = Math.max(0.2, 3.0 * Math.exp((-Math.log(15) / SECONDS) * t));
  return seconds * (0.8 + 0.4 * Math.random());
}

export default function bid({ session, begun }) {
  const user = exec.vu.idInTest;
  sleep((user - 1) / SPAWNED_A_SECOND);
  const weight = 0.8 + ((user * 37) % 121) / 100;
  for (let n = 0; ; ++n) {
    const t = (Date.now() - begun) / 1000;
    if (t >= SECONDS) return;
    const price = Math.floor((UPSET_COINS + 0.5 * t + 20 * Math.random()) * MINOR_UNITS);
    const reply = post(session, 'bid.placed', `${user}-${n}`, { user_id: `u${user}`, price, weight },
      'bid');
    check(reply, { accepted: (r) => r.status === 202 });
    const pause = wait(t);
    if (t + pause >= SECONDS) return;
    sleep(pause);
  }
}
